/**
 * Enforces what the platform enforces for one invocation and local runtimes do not: connections at once, bodies included, and
 * subrequests in all. A call counts as open from before its gate until after it: that is how long a real one takes.
 */

import type { MultipartUpload, ObjectStore } from "../../src/storage/object-store.ts";

/** Of the Workers Paid plan (developers.cloudflare.com/workers/platform/limits). */
export const PLATFORM = { maxConnections: 6, maxSubrequests: 10_000, memoryBytes: 128_000_000 } as const;

/** The most that any invocation held and called. */
export interface InvocationPeaks {
  connections: number;
  subrequests: number;
}

export interface InvocationMeter {
  /** The store whose calls are connections and subrequests of this invocation. */
  readonly limitStore: (store: ObjectStore) => ObjectStore;
  /** A call of a Durable Object or a queue's producer: a subrequest. */
  readonly count: () => void;
}

/** A new invocation. Throws as soon as it goes too far: in production the surplus waits, perhaps for ever, or is refused. */
export function createInvocationMeter(peaks: InvocationPeaks): InvocationMeter {
  let open = 0;
  let calls = 0;
  function count(): void {
    calls += 1;
    peaks.subrequests = Math.max(peaks.subrequests, calls);
    if (calls > PLATFORM.maxSubrequests) throw new Error(`${calls} subrequests of one invocation`);
  }
  function enter(): () => void {
    count();
    open += 1;
    peaks.connections = Math.max(peaks.connections, open);
    let left = false;
    const leave = (): void => {
      if (!left) open -= 1;
      left = true;
    };
    if (open <= PLATFORM.maxConnections) return leave;
    leave();
    throw new Error(`${open + 1} connections at once`);
  }
  async function hold<T>(call: () => Promise<T>): Promise<T> {
    const leave = enter();
    try {
      return await call();
    } finally {
      leave();
    }
  }
  const holdUpload = (upload: MultipartUpload): MultipartUpload => ({
    key: upload.key,
    uploadId: upload.uploadId,
    uploadPart: (partNumber, body) => hold(() => upload.uploadPart(partNumber, body)),
    complete: (parts) => hold(() => upload.complete(parts)),
    abort: () => hold(() => upload.abort()),
  });
  return {
    count,
    limitStore: (store) => ({
      capabilities: store.capabilities,
      head: (key) => hold(() => store.head(key)),
      put: (key, body, options) => hold(() => store.put(key, body, options)),
      list: (options) => hold(() => store.list(options)),
      delete: (keys) => hold(() => store.delete(keys)),
      createMultipart: async (key, options) => holdUpload(await hold(() => store.createMultipart(key, options))),
      resumeMultipart: (key, uploadId) => holdUpload(store.resumeMultipart(key, uploadId)),
      // One request, closed when its bytes are here or it is refused.
      read: (key, options) => hold(() => store.read(key, options)),
      async get(key, options) {
        const leave = enter();
        try {
          const result = await store.get(key, options);
          if (result.kind === "found") return { ...result, body: watchBody(result.body, leave) };
          leave();
          return result;
        } catch (error) {
          leave();
          throw error;
        }
      },
    }),
  };
}

/** A body is an open connection until it was read or canceled. */
function watchBody(body: ReadableStream<Uint8Array>, leave: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          leave();
          controller.close();
        } else controller.enqueue(value);
      } catch (error) {
        leave();
        controller.error(error);
      }
    },
    async cancel(reason) {
      leave();
      await reader.cancel(reason);
    },
  });
}
