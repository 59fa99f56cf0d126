import { describe, expect, it } from "vitest";
import type { Tracing } from "../../../../src/jobs/platform-spans.ts";
import { createTrace, markMessage, readTraceParent } from "../../../../src/jobs/platform-spans.ts";
import { createWorkQueue } from "../../../../src/jobs/work-queue.ts";
import type { WorkMessage } from "../../../../src/scoring/job/messages.ts";
import { type SpanName, type Trace, traceScorer } from "../../../../src/scoring/work/spans.ts";
import { createStore, decoder, pictures, readOutputs, run } from "../../../fault/scene.ts";
import { stripes } from "../../../golden/stripes.ts";

/** Spans of a whole job, and what the platform's tracer is told. */

const INPUTS = 14;

/** Notes every span, with those that it lies in. */
function createRecorder(): { readonly trace: Trace; readonly seen: Map<SpanName, number> } {
  const seen = new Map<SpanName, number>();
  return {
    seen,
    trace: async (name, body) => {
      seen.set(name, (seen.get(name) ?? 0) + 1);
      return body();
    },
  };
}

describe("spans", () => {
  it("stand around each part of a job's work, and change nothing of it", async () => {
    const { trace, seen } = createRecorder();
    const { result, store } = await run({ trace });
    expect(result.state.status).toBe("completed_with_errors");
    const calm = await run({});
    expect(await readOutputs(store)).toEqual(await readOutputs(calm.store));
    expect([...seen.keys()].toSorted()).toEqual(["decode", "infer", "lease", "merge", "plan", "read", "store"]);
    // Two of the inputs are no pictures: one has no bytes, and is not decoded.
    expect(seen.get("decode")).toBe(INPUTS - 1);
    expect(seen.get("read")).toBeGreaterThanOrEqual(INPUTS - 1);
    expect(seen.get("store")).toBe(result.state.chunks.done);
    expect((await createStore()).capabilities.versions).toBe(false);
  });

  it("stand around a search for faces, whose answer passes", async () => {
    const { trace, seen } = createRecorder();
    const found = [{ box: { x: 1, y: 2, width: 3, height: 4 }, score: 0.5 }];
    const finder = { name: "finder", find: async () => found, dispose: () => undefined };
    const scorer = traceScorer({ decoder, finder, classifier: stripes }, trace);
    const { raster } = await scorer.decoder.decode(pictures.get("grey-48x48.png")!);
    expect(await scorer.finder!.find(raster)).toBe(found);
    expect([...seen]).toEqual([
      ["decode", 1],
      ["find", 1],
    ]);
  });
});

describe("the platform's tracer", () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const spanId = "b7ad6b7169203331";

  function createTracing(context = { traceId, spanId, traceFlags: 1 }) {
    const names: string[] = [];
    const attributes: Record<string, unknown> = {};
    const span = {
      setAttribute: (name: string, value: unknown) => void (attributes[name] = value),
      spanContext: () => context,
    };
    const tracing: Tracing = {
      enterSpan(name, body) {
        names.push(name);
        return body(span);
      },
      getActiveSpan: () => span,
    };
    return { tracing, names, attributes };
  }

  it("gets our spans by name; without one the work is done all the same", async () => {
    const { tracing, names } = createTracing();
    expect(await createTrace(tracing)("read", async () => 7)).toBe(7);
    expect(names).toEqual(["countenance.read"]);
    expect(await createTrace(undefined)("read", async () => 8)).toBe(8);
    expect(await createTrace({})("read", async () => null)).toBeNull();
  });

  it("tells the trace that messages are sent in, which they carry to whoever takes them", async () => {
    const { tracing, attributes } = createTracing();
    const sent: { readonly body: WorkMessage }[] = [];
    const producer = {
      send: async () => undefined,
      sendBatch: async (batch: Iterable<{ body: WorkMessage }>) => void sent.push(...batch),
    };
    const message: WorkMessage = { kind: "score", jobId: "job", chunkId: "000000000" };
    await createWorkQueue(producer, () => readTraceParent(tracing)).send([{ message, delaySeconds: 0 }]);
    const carried = `00-${traceId}-${spanId}-01`;
    expect(sent.map(({ body }) => body)).toEqual([{ ...message, trace: carried }]);
    markMessage(tracing, sent[0]!.body);
    expect(attributes).toEqual({
      "countenance.work": "score",
      "countenance.job": "job",
      "countenance.chunk": "000000000",
      "countenance.sent_by": carried,
    });
  });

  it("that does not sample, or is not there, leaves messages as they are", async () => {
    expect(readTraceParent(undefined)).toBeNull();
    expect(readTraceParent({})).toBeNull();
    const { tracing } = createTracing({ traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 0 });
    expect(readTraceParent(tracing)).toBeNull();
  });
});
