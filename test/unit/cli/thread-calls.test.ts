import { once } from "node:events";
import { MessageChannel } from "node:worker_threads";
import { expect, it } from "vitest";
import { connectDesk, type JobDesk, listBuffers, serveDesk } from "../../../cli/score/thread-calls.ts";
import { ScoringError } from "../../../src/errors.ts";

/** A line to a desk that has these methods alone. */
function connect(methods: Partial<JobDesk>) {
  const { port1, port2 } = new MessageChannel();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is called
  serveDesk(port1, methods as JobDesk);
  return { line: connectDesk(port2), far: port1 };
}

it("answers calls in whatever order, and an error by its code", async () => {
  const { line } = connect({
    recallEtag: async (file) => {
      if (file === "none") throw new ScoringError("forbidden", "not this one");
      if (file === "slow") await new Promise((resolve) => setImmediate(resolve));
      return `etag of ${file}`;
    },
  });
  const ended: string[] = [];
  const recall = async (file: string) => ended.push((await line.desk.recallEtag(file))!);
  await Promise.all([recall("slow"), recall("a")]);
  expect(ended).toEqual(["etag of a", "etag of slow"]);
  await expect(line.desk.recallEtag("none")).rejects.toMatchObject({ code: "forbidden", detail: "not this one" });
  await line.close();
});

it("is closed when the last call was answered, whoever made it", async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<string>();
  const { line, far } = connect({ recallEtag: () => answered });
  const asked = line.desk.recallEtag("a.tar");
  const gone = once(far, "close");
  let isClosed = false;
  const closing = line.close().then(() => (isClosed = true));
  // A trip to the desk and back, in which a port that was closed too early would be gone.
  await connect({ recallEtag: async () => null }).line.desk.recallEtag("b.tar");
  expect(isClosed).toBe(false);
  answer("e");
  expect(await asked).toBe("e");
  await closing;
  await gone;
});

it("moves each buffer of a formatted chunk once", () => {
  const body = new Uint8Array(8);
  const piece = { body, items: [], records: [], part: null };
  const value = { input: new Uint8Array(4), rows: { jsonl: body, csv: new Uint8Array(2) }, piece };
  expect(listBuffers(value).map(({ byteLength }) => byteLength)).toEqual([4, 8, 2]);
  expect(listBuffers({ ...value, piece: null })).toHaveLength(3);
});
