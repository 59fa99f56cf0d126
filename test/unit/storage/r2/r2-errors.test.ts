import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { toR2Error } from "../../../../src/storage/r2/r2-errors.ts";
import { createR2Store } from "../../../../src/storage/r2/r2-store.ts";

const hang = (): Promise<never> => new Promise(() => undefined);
const object = { key: "a", size: 3, etag: "e", httpEtag: '"e"', uploaded: new Date(0) };
const getHanging = async () => ({ ...object, body: new ReadableStream<Uint8Array>({ pull: hang }), arrayBuffer: hang });

/** Messages as Cloudflare documents them; the local emulator cannot be made to give the first four. */
describe("what the R2 binding throws", () => {
  it.each([
    ["get: We encountered an internal error. Please try again. (10001)", "store_unavailable"],
    ["put: Please reduce your concurrent request rate for the same object. (10058)", "store_throttled"],
    ["list: The service is temporarily unavailable. (10043)", "store_throttled"],
    ["get: Network connection lost.", "store_unavailable"],
    ["uploadPart: The specified multipart upload does not exist. (10024)", "not_found"],
    ["get: The requested range is not satisfiable (10039)", "input_invalid"],
  ])("%s is %s", (message, code) => {
    expect(toR2Error(new Error(message), "get", "a")).toMatchObject({ code });
  });

  it("leaves faults of the program alone", () => {
    const bug = new TypeError("Cannot read properties of undefined");
    expect(toR2Error(bug, "get", "a")).toBe(bug);
    const known = new ScoringError("internal", "x");
    expect(toR2Error(known, "get", "a")).toBe(known);
  });
});

/** The binding takes no signal, and the local bucket cannot be made to hang. */
describe("a bucket that never answers", () => {
  const upload = { key: "a", uploadId: "u", uploadPart: hang, complete: hang, abort: hang };
  const bucket = {
    head: hang,
    get: hang,
    put: hang,
    list: hang,
    delete: hang,
    createMultipartUpload: hang,
    resumeMultipartUpload: () => upload,
  };
  const pace = { answerMs: 20, bytesPerSecond: 1e6 };

  it("costs its caller the deadline of the call and no more", async () => {
    const store = createR2Store(bucket, pace);
    const resumed = store.resumeMultipart("a", "u");
    const calls: readonly (() => Promise<unknown>)[] = [
      () => store.head("a"),
      () => store.get("a"),
      () => store.read("a", { maxBytes: 10 }),
      () => store.put("a", "x"),
      () => store.list({ prefix: "" }),
      () => store.delete(["a"]),
      () => store.createMultipart("a"),
      () => resumed.uploadPart(1, new Uint8Array(10)),
      () => resumed.complete([{ partNumber: 1, etag: "e" }]),
      () => resumed.abort(),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "store_timeout" });
  });

  it("in the middle of a body breaks it off", async () => {
    const store = createR2Store({ ...bucket, get: getHanging }, pace);
    await expect(store.read("a", { maxBytes: 10 })).rejects.toMatchObject({ code: "store_timeout" });
    const found = await store.get("a");
    expect(found.kind).toBe("found");
    const { body } = found as Extract<typeof found, { kind: "found" }>;
    await expect(body.getReader().read()).rejects.toMatchObject({ code: "store_timeout" });
  });
});
