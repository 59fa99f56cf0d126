import { GRAY_48 } from "../../../../src/model/input-form.ts";
import { LABELS } from "../../../../src/model/labels.ts";
import * as fc from "fast-check";
import { packTar } from "modern-tar";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadCodecs } from "../../../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../../../src/image/decode.ts";
import type { Classifier } from "../../../../src/model/classifier.ts";
import { createCoordinator } from "../../../../src/scoring/job/coordinator.ts";
import { createItemReader, listReads } from "../../../../src/scoring/inputs/item-reader.ts";
import type { JobSpec } from "../../../../src/scoring/job/job-spec.ts";
import { viewJob } from "../../../../src/scoring/job/job-view.ts";
import { type Limits, LIMITS } from "../../../../src/scoring/limits.ts";
import { parseManifest } from "../../../../src/scoring/manifest/manifest.ts";
import { createMemoryRows } from "../../../../src/scoring/job/memory-rows.ts";
import type { WorkMessage } from "../../../../src/scoring/job/messages.ts";
import { describeOmission } from "../../../../src/scoring/manifest/output-formats.ts";
import { readObject } from "../../../../src/storage/read-object.ts";
import type { InputItem } from "../../../../src/scoring/records/input-item.ts";
import type { RunLock } from "../../../../src/scoring/finalize/run-lock.ts";
import { parseStored } from "../../../../src/scoring/stored-json.ts";
import { handleMessage } from "../../../../src/scoring/work/handle-message.ts";
import { createMemoryStore } from "../../../../src/storage/memory-store.ts";
import { meterStore } from "../../../../src/storage/metered-store.ts";
import type { ObjectStore } from "../../../../src/storage/object-store.ts";
import { createTestModel } from "../../../golden/network.ts";

/** Receipts against what was really asked of store, queue and coordinator. */

const LOCK = "out/job/run.lock.json";
const picture = join(import.meta.dirname, "../../../golden/images/grey-48x48.png");

const certain: Classifier = {
  model: "certain@1",
  labels: LABELS,
  input: GRAY_48,
  engine: "certain",
  batchSize: 16,
  async classify(_, count) {
    const probabilities = Float32Array.from({ length: count * 7 }, (_one, at) => (at % 7 === 0 ? 1 : 0));
    return { count, logits: probabilities, probabilities, theta: null, embedding: null };
  },
  dispose() {},
};

type Formats = JobSpec["manifest"]["output"]["formats"];

function makeSpec(format: "image" | "tar", formats: Formats = ["jsonl", "csv"]): JobSpec {
  const body = {
    input: { store: "faces", prefix: "in/" },
    format,
    output: { store: "faces", formats },
    limits: { chunkSize: 50 },
  };
  const manifest = parseManifest(body, new Map([["faces", { versions: false }]]), () => true);
  const own = { id: "job", createdMs: 1_800_000_000_000, manifest, manifestSha256: "0".repeat(64), retryOf: null };
  return { ...own, model: "certain@1", modelSha256: "0".repeat(64), pipeline: 1, owner: null };
}

/** Runs a whole job; what it asked for, and the lock that it wrote. */
async function runJob(inner: ObjectStore, spec: JobSpec, limits: Limits = LIMITS) {
  const store = meterStore(inner);
  const messages: WorkMessage[] = [];
  let sent = 0;
  const coordinator = createCoordinator({
    rows: createMemoryRows(),
    clock: () => spec.createdMs,
    queue: {
      send: async (batch) => {
        sent += batch.length;
        messages.push(...batch.map(({ message }) => message));
      },
    },
  });
  const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
  const scorer = { decoder, finder: null, classifier: certain, pipeline: 1 } as const;
  await coordinator.create(spec);
  /** What the job's page showed as its cost, message after message. */
  const shown: number[] = [];
  for (let message = messages.shift(); message !== undefined; message = messages.shift()) {
    const { state } = (await coordinator.read())!;
    shown.push(viewJob(state, spec, spec.createdMs).dollars);
    await handleMessage(
      {
        openJob: () => coordinator,
        openStore: () => store,
        withScorer: (body) => body(async () => scorer),
        readCard: async () => createTestModel(new Map()).card,
        limits,
      },
      message,
    );
  }
  const lock = await readObject(inner, LOCK, 1e6);
  return { sent, shown, asked: store.operations(), lock: parseStored<RunLock>(new TextDecoder().decode(lock!)) };
}

describe("a receipt", () => {
  it("counts what single objects took; the estimate beside it was right", async () => {
    const store = createMemoryStore();
    const bytes = new Uint8Array(await readFile(picture));
    for (let i = 0; i < 120; i++) await store.put(`in/${String(i).padStart(3, "0")}.png`, bytes);
    const { sent, asked, lock } = await runJob(store, makeSpec("image"));
    const { receipt, estimate } = lock;
    expect(receipt).toMatchObject({ chunks: { edge: 3 }, reads: 120, readBytes: 120 * bytes.length });
    // Merging is calculated, as it is not over when the lock is written: within ten operations.
    expect(Math.abs(receipt.cost.operations.classB - asked.reads)).toBeLessThanOrEqual(10);
    expect(Math.abs(receipt.cost.operations.classA - asked.writes)).toBeLessThanOrEqual(10);
    expect(receipt.cost.operations.queue).toBe(3 * sent);
    expect(Math.abs(estimate.operations.classB - asked.reads)).toBeLessThanOrEqual(10);
    expect(Math.abs(estimate.operations.classA - asked.writes)).toBeLessThanOrEqual(10);
    expect(Math.abs(estimate.operations.queue - 3 * sent)).toBeLessThanOrEqual(3);
    expect(Math.abs(estimate.dollars / receipt.cost.dollars - 1)).toBeLessThan(0.1);
  });

  it("counts the few reads of a shard, and the estimate knows of them", async () => {
    const store = createMemoryStore();
    const bytes = new Uint8Array(await readFile(picture));
    const members = Array.from({ length: 120 }, (_, at) => ({
      header: { name: `${at}.png`, size: bytes.length },
      body: bytes,
    }));
    await store.put("in/0.tar", new Uint8Array(await packTar(members)));
    const { asked, lock } = await runJob(store, makeSpec("tar"));
    const { receipt, estimate } = lock;
    expect(receipt).toMatchObject({ reads: 3, readBytes: 120 * bytes.length });
    expect(asked.reads).toBeLessThan(40);
    for (const { operations } of [receipt.cost, estimate]) {
      expect(Math.abs(operations.classB - asked.reads)).toBeLessThanOrEqual(10);
      expect(Math.abs(operations.classA - asked.writes)).toBeLessThanOrEqual(10);
    }
  });
});

describe("the cost of a job that goes on", () => {
  it("only grows, and is what the receipt says but for the merge", async () => {
    const store = createMemoryStore();
    const bytes = new Uint8Array(await readFile(picture));
    for (let i = 0; i < 120; i++) await store.put(`in/${i}.png`, bytes);
    const { shown, lock } = await runJob(store, makeSpec("image"));
    expect(shown).toEqual(shown.toSorted((a, b) => a - b));
    expect(new Set(shown).size).toBeGreaterThan(3);
    const { dollars, operations } = lock.receipt.cost;
    expect(shown.at(-1)).toBeLessThan(dollars);
    expect(shown.at(-1)).toBeGreaterThan(dollars - operations.classA * 4.5e-6 - operations.classB * 0.36e-6 - 5e-6);
  });
});

describe("a Parquet file that would be too long", () => {
  const FEW: Limits = { ...LIMITS, maxParquetRowGroupRows: 10, minParquetRowGroupRows: 5, targetParquetRowGroups: 2 };
  const ASKED: readonly { readonly count: number; readonly formats: Formats; readonly names: readonly string[] }[] = [
    { count: 20, formats: ["csv", "parquet"], names: ["labels.csv", "labels.parquet"] },
    { count: 21, formats: ["csv", "parquet"], names: ["labels.csv"] },
    { count: 21, formats: ["parquet"], names: ["labels.jsonl"] },
    { count: 21, formats: ["csv"], names: ["labels.csv"] },
  ];

  it.each(ASKED)("$count records as $formats: $names", async ({ count, formats, names }) => {
    const store = createMemoryStore();
    const bytes = new Uint8Array(await readFile(picture));
    for (let i = 0; i < count; i++) await store.put(`in/${i}.png`, bytes);
    const { lock } = await runJob(store, makeSpec("image", formats), FEW);
    const { objects } = await store.list({ prefix: "out/job/labels." });
    expect(objects.map(({ key }) => key.slice("out/job/".length))).toEqual(names);
    const success = new TextDecoder().decode((await readObject(store, "out/job/_SUCCESS", 1e6))!);
    for (const name of ["labels.csv", "labels.jsonl", "labels.parquet"]) {
      expect([name, success.includes(`"${name}"`)]).toEqual([name, names.includes(name)]);
    }
    const left = formats.includes("parquet") && !names.includes("labels.parquet");
    expect(lock.warnings).toHaveLength(left ? 1 : 0);
    expect(describeOmission({ formats, layout: "single" }, count, FEW)).toBe(lock.warnings[0] ?? null);
  });
});

describe("reads of a chunk", () => {
  it("are as many as were counted before", async () => {
    const sizes = { gap: fc.integer({ min: 0, max: 40 }), length: fc.integer({ min: 0, max: 60 }) };
    const shape = fc.record({ ...sizes, container: fc.nat(1), packed: fc.boolean(), known: fc.boolean() });
    const limits = { maxBytes: 50, maxRunBytes: 150, maxGapBytes: 20 };
    await fc.assert(
      fc.asyncProperty(fc.array(shape, { maxLength: 30 }), async (list) => {
        const inner = createMemoryStore();
        const etags: (string | null)[] = [];
        for (const key of ["0", "1", "single"]) {
          await inner.put(key, new Uint8Array(4000));
          etags.push((await inner.head(key))!.etag);
        }
        const ends = [0, 0];
        const items = list.map(({ gap, length, container, packed, known }, index): InputItem => {
          const base = { index, id: String(index), size: null };
          if (!packed) return { ...base, key: "single", etag: etags[2]! };
          const offset = ends[container]! + gap;
          ends[container] = offset + length;
          return { ...base, key: String(container), etag: known ? etags[container]! : null, range: { offset, length } };
        });
        const store = meterStore(inner);
        const read = createItemReader(store, items, limits);
        for (const item of items) await read(item);
        expect(store.operations().reads).toBe(listReads(items, limits).length);
      }),
      { numRuns: 300 },
    );
  });
});
