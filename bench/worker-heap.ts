/** The JavaScript heap of the Worker itself in `wrangler dev`, by the inspector: its process holds the whole simulator beside it. */

import { createServer } from "node:net";
import { z } from "zod";

/** A port that nobody listens on now. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

const replyShape = z.looseObject({
  id: z.int().optional(),
  result: z.looseObject({ usedSize: z.number().optional(), backingStorageSize: z.number().optional() }).optional(),
});
type Result = NonNullable<z.output<typeof replyShape>["result"]>;

/** A look into the Worker's isolate; wrangler lets in one at a time. */
export interface HeapReader {
  /** Bytes after a collection, buffers included (Chrome DevTools Protocol: HeapProfiler.collectGarbage, Runtime.getHeapUsage). */
  read(): Promise<number>;
  close(): void;
}

/**
 * Opens the look.
 * @param origin of the Worker: an idle isolate collects nothing until a request wakes it
 * @throws Error where the inspector does not answer, or lets go
 */
export async function openHeapReader(inspectorPort: number, origin: string): Promise<HeapReader> {
  // Node's WebSocket takes headers, without which wrangler's inspector lets nobody in; its types do not say so.
  const options: unknown = { headers: { "user-agent": "countenance", origin: "http://127.0.0.1" } };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  const socket = new WebSocket(`ws://127.0.0.1:${inspectorPort}/ws`, options as string[]);
  const waiting = new Map<
    number,
    { readonly resolve: (result: Result) => void; readonly reject: (error: Error) => void }
  >();
  socket.addEventListener("message", ({ data }) => {
    const { id, result = {} } = replyShape.parse(JSON.parse(String(data)));
    if (id !== undefined) waiting.get(id)?.resolve(result);
  });
  socket.addEventListener("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("the inspector let go"));
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error("the inspector does not answer")));
  });
  let last = 0;
  const ask = (method: string): Promise<Result> => {
    const id = ++last;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ id, method }));
    });
  };
  /** Requests until the collection is answered: each is the waiting. */
  const collect = async (): Promise<void> => {
    const answered = ask("HeapProfiler.collectGarbage").then(() => true);
    while (!(await Promise.race([answered, wake(origin)])));
  };
  await ask("Runtime.enable");
  return {
    async read() {
      // What the first collection lets go of, finalizers among it, is the second's.
      for (let round = 0; round < 2; round++) await collect();
      const { usedSize = 0, backingStorageSize = 0 } = await ask("Runtime.getHeapUsage");
      return usedSize + backingStorageSize;
    },
    close: () => socket.close(),
  };
}

async function wake(origin: string): Promise<false> {
  await (await fetch(`${origin}/healthz`)).arrayBuffer();
  return false;
}
