import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { loadCodecs } from "../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import type { ImageDecoder } from "../../src/image/image-types.ts";
import type { Classifier } from "../../src/model/classifier.ts";
import { FACE_PIXELS } from "../../src/model/labels.ts";
import { computeProbabilities } from "../../src/model/softmax.ts";
import type { JobSpec } from "../../src/scoring/job-spec.ts";
import { jobFolder } from "../../src/scoring/keys.ts";
import { LIMITS, type Limits } from "../../src/scoring/limits.ts";
import { parseManifest } from "../../src/scoring/manifest.ts";
import { digestHex, parsePart, readObject } from "../../src/scoring/part.ts";
import { serializeRecords } from "../../src/scoring/outputs/labels-jsonl.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import { createMemoryStore } from "../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { createTestModel } from "../golden/network.ts";
import { HEALABLE_RATES } from "./fault-store.ts";
import { type SimulationOptions, type SimulationResult, simulateJob } from "./simulation.ts";

/** Seeds of each property; `SIMULATION_RUNS=5000` for a long look. */
const RUNS = Number(process.env["SIMULATION_RUNS"] ?? 60);

const PICTURES = ["grey-1x1.png", "grey-47x49.png", "grey-48x48.png", "palette.png", "rgb-47x49.png", "lossy.webp"];

/** Everything small, so that few inputs meet every boundary; and nothing is given up on. */
const SMALL: Limits = {
  ...LIMITS,
  maxPagesPerPlanStep: 1,
  maxChunksPerFinalizeStep: 2,
  multipartBytes: 700,
  maxSingleExpiries: 1000,
  maxChunkAttempts: 1000,
  maxTaskAttempts: 1000,
  maxTransientAttempts: 1000,
  maxFinalizeRestarts: 1000,
  plan: { ...LIMITS.plan, maxItems: 5 },
};

/** A deterministic engine that is cheap enough for thousands of jobs: scores follow the mean of seven stripes. */
const stripes: Classifier = {
  model: "stripes@1",
  engine: "stripes",
  batchSize: 3,
  async classify(pixels, count) {
    const logits = new Float32Array(count * 7);
    for (let face = 0; face < count; face++) {
      for (let i = 0; i < FACE_PIXELS; i++) {
        const at = face * 7 + Math.floor((i * 7) / FACE_PIXELS);
        logits[at] = logits[at]! + pixels[face * FACE_PIXELS + i]! / 10_000;
      }
    }
    return { count, logits, probabilities: computeProbabilities(logits, count, null), theta: null };
  },
  dispose() {},
};

const pictures = new Map<string, Uint8Array>();
let decoder: ImageDecoder;

beforeAll(async () => {
  const folder = join(import.meta.dirname, "../golden/images");
  for (const name of PICTURES) pictures.set(name, await readFile(join(folder, name)));
  decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
});

/** 14 inputs: twelve pictures, a text and an empty object. */
async function createStore(): Promise<ObjectStore> {
  const store = createMemoryStore({ minPartBytes: 1 });
  for (let i = 0; i < 12; i++) {
    await store.put(`in/${String(i).padStart(2, "0")}.png`, pictures.get(PICTURES[i % PICTURES.length]!)!);
  }
  await store.put("in/05-text.jpg", "no picture");
  await store.put("in/08-empty.jpg", "");
  return store;
}

function makeSpec(): JobSpec {
  const manifest = parseManifest(
    {
      input: { store: "faces", prefix: "in/" },
      output: { store: "faces", prefix: "out/", formats: ["jsonl", "csv", "parquet"] },
      limits: { chunkSize: 3, maxConcurrency: 3 },
      groupBy: ["site"],
    },
    new Map([["faces", { versions: false }]]),
    () => true,
  );
  return {
    id: "job",
    createdMs: 1_800_000_000_000,
    manifest,
    manifestSha256: "0".repeat(64),
    model: "stripes@1",
    modelSha256: "0".repeat(64),
    pipeline: 1,
    retryOf: null,
    owner: null,
  };
}

async function run(changes: Partial<SimulationOptions>): Promise<{ result: SimulationResult; store: ObjectStore }> {
  const store = changes.store ?? (await createStore());
  const calm = { seed: 1, killRate: 0, faults: {}, duplicateRate: 0, loseRate: 0, leapRate: 0, maxTroubles: 60 };
  const parts = {
    spec: makeSpec(),
    card: createTestModel(new Map()).card,
    decoder,
    classifier: stripes,
    limits: SMALL,
  };
  const result = await simulateJob({ ...calm, ...parts, ...changes, store });
  return { result, store };
}

/** Outputs that may not depend on what happened on the way, but for times and the receipt. Parts may be split. */
const SAME = [
  "input.jsonl",
  "labels.jsonl",
  "labels.csv",
  "labels.parquet",
  "errors.jsonl",
  "report.json",
  "report.html",
  "run.lock.json",
];

async function readOutputs(store: ObjectStore): Promise<Record<string, string>> {
  const folder = jobFolder("out/", "job");
  const outputs: Record<string, string> = {};
  for (const name of SAME) {
    const bytes = await readObject(store, `${folder}${name}`, 1e7);
    outputs[name] = bytes === null ? "missing" : hideTimes(name, Buffer.from(bytes).toString("latin1"));
  }
  return outputs;
}

/** Without what honestly differs: when it ended, and what was read twice. */
function hideTimes(name: string, text: string): string {
  if (name === "report.json") return text.replaceAll(/"finishedAt": "[^"]*"/g, "");
  if (name === "report.html") return text.replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?Z?)?/g, "");
  if (name !== "run.lock.json") return text;
  return JSON.stringify({ ...parseStored<Record<string, unknown>>(text), finishedAt: "", receipt: null });
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}

/** `_SUCCESS` names exactly what is there, with the right sizes and hashes. */
async function checkSuccess(store: ObjectStore, allowLate = false): Promise<void> {
  const folder = jobFolder("out/", "job");
  const bytes = await readObject(store, `${folder}_SUCCESS`, 1e7);
  const success = parseStored<{ objects: { name: string; bytes: number; sha256: string }[] }>(
    new TextDecoder().decode(bytes!),
  );
  const { objects } = await store.list({ prefix: folder });
  const there: typeof success.objects = [];
  for (const { key, size } of objects) {
    const body = await readObject(store, key, 1e7);
    there.push({ name: key.slice(folder.length), bytes: size, sha256: await digestHex(body!) });
  }
  const names = new Set(["_SUCCESS", ...success.objects.map(({ name }) => name)]);
  expect([...names]).toEqual(expect.arrayContaining(SAME));
  // A consumer that was taken for dead may write after the end: only a part or a carried state, which nothing names.
  const late = there.filter(({ name }) => !names.has(name) && !(allowLate && /^(parts|work)\//.test(name)));
  expect(late).toEqual([]);
  expect(there.filter(({ name }) => names.has(name) && name !== "_SUCCESS").toSorted(byName)).toEqual(
    success.objects.toSorted(byName),
  );
}

describe("whatever happens, the outputs are those of a calm day", () => {
  let calm: Record<string, string>;
  it("a calm day scores what can be scored, on six connections", async () => {
    const { result, store } = await run({});
    expect(result.state.status).toBe("completed_with_errors");
    expect(result.state.outcomes).toMatchObject({ scored: 12, failed: 2 });
    expect(result.meter.most).toBeLessThanOrEqual(6);
    await checkSuccess(store);
    calm = await readOutputs(store);
    expect(calm["labels.jsonl"]!.trimEnd().split("\n")).toHaveLength(14);
  });

  const troubles: Record<string, Partial<SimulationOptions>> = {
    "messages duplicated, lost and reordered": { duplicateRate: 0.3, loseRate: 0.2 },
    "consumers killed before and after any call": { killRate: 0.05 },
    "leases that expire under living consumers": { leapRate: 0.02 },
    "a store that fails": { faults: HEALABLE_RATES },
    "all at once": { duplicateRate: 0.2, loseRate: 0.1, killRate: 0.03, leapRate: 0.01, faults: HEALABLE_RATES },
  };
  it.each(Object.entries(troubles))("%s", async (_name, trouble) => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const { result, store } = await run({ ...trouble, seed });
      expect(result.state.failure, `seed ${seed}`).toBeNull();
      expect(result.state.outcomes, `seed ${seed}`).toMatchObject({ scored: 12, failed: 2 });
      expect(await readOutputs(store), `seed ${seed}`).toEqual(calm);
      await checkSuccess(store, trouble.leapRate !== undefined);
    }
  });
});

describe("a cancelled job", () => {
  it("leaves valid, finalised output with one outcome for each input, whenever it is cancelled", async () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const at = (seed * 13) % 250;
      const { result, store } = await run({
        seed,
        killRate: 0.02,
        loseRate: 0.05,
        onStep: async (step, job) => {
          if (step === at) await job.command("cancel");
        },
      });
      const { state } = result;
      const outputs = await readOutputs(store);
      const records = parsePart(Buffer.from(outputs["labels.jsonl"]!, "latin1"));
      expect(records, `seed ${seed}`).toHaveLength(state.listed);
      // Parts are carried into it byte for byte, beside the lines of chunks that have none.
      expect(outputs["labels.jsonl"]).toBe(Buffer.from(serializeRecords(records)).toString("latin1"));
      for (const status of ["scored", "failed", "cancelled"] as const) {
        expect(
          records.filter((record) => record.status === status),
          `seed ${seed}`,
        ).toHaveLength(state.outcomes[status]);
      }
      await checkSuccess(store);
    }
  });
});

describe("a picture that kills its consumer", () => {
  it("is sealed alone; all others are scored", async () => {
    const poison = pictures.get("lossy.webp")!.length;
    const isDeadly = (bytes: Uint8Array): boolean => bytes.length === poison;
    const { result, store } = await run({ isDeadly, limits: { ...SMALL, maxSingleExpiries: 2 } });
    expect(result.state.outcomes).toMatchObject({ scored: 10, failed: 4 });
    expect(result.state.errors).toMatchObject({ item_poisoned: 2 });
    const outputs = await readOutputs(store);
    const records = parsePart(Buffer.from(outputs["labels.jsonl"]!, "latin1"));
    const sealed = records.filter((record) => record.error?.code === "item_poisoned").map(({ key }) => key);
    expect(sealed).toEqual(["in/05.png", "in/11.png"]);
  });
});
