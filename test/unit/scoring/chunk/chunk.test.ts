import { GRAY_48 } from "../../../../src/model/input-form.ts";
import { LABELS } from "../../../../src/model/labels.ts";
import { packTar } from "modern-tar";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { loadCodecs } from "../../../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../../../src/image/decode.ts";
import type { DecodeAim, ImageDecoder } from "../../../../src/image/image-types.ts";
import type { Classifier } from "../../../../src/model/classifier.ts";
import { scoreChunk } from "../../../../src/scoring/chunk/score-chunk.ts";
import { createCoordinator } from "../../../../src/scoring/job/coordinator.ts";
import { planInputPage } from "../../../../src/scoring/plan/plan-page.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { parseManifest } from "../../../../src/scoring/manifest/manifest.ts";
import { createMemoryRows } from "../../../../src/scoring/job/memory-rows.ts";
import type { WorkMessage } from "../../../../src/scoring/job/messages.ts";
import { handleMessage } from "../../../../src/scoring/work/handle-message.ts";
import type { WorkDeps } from "../../../../src/scoring/work/work-deps.ts";
import { createMemoryStore } from "../../../../src/storage/memory-store.ts";
import { createTestModel } from "../../../golden/network.ts";
import { createFaultStore } from "../../../fault/fault-store.ts";

const IMAGES = join(import.meta.dirname, "../../../golden/images");

/** Always sure of the first class. */
const constant: Classifier = {
  model: "constant@1",
  labels: LABELS,
  input: GRAY_48,
  engine: "constant",
  batchSize: 8,
  async classify(_pixels, count) {
    const probabilities = new Float32Array(count * 7).map((_, at) => (at % 7 === 0 ? 1 : 0));
    return { count, logits: probabilities, probabilities, theta: null, embedding: null };
  },
  dispose() {},
};

describe("a chunk of packed inputs", () => {
  it("is read in runs, not picture by picture, and counts its reads", async () => {
    const picture = await readFile(join(IMAGES, "grey-48x48.png"));
    const entries = Array.from({ length: 256 }, (_, n) => ({
      header: { name: `${n}.png`, size: picture.length, type: "file" as const },
      body: n === 7 ? new Uint8Array(picture.length) : new Uint8Array(picture),
    }));
    const store = createMemoryStore();
    await store.put("s/0.tar", await packTar(entries));
    const { items } = await planInputPage(store, { kind: "prefix", format: "tar", prefix: "s/" }, null, LIMITS.plan);
    const counted = createFaultStore(store, () => null);
    const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
    const { records, reads, readBytes } = await scoreChunk(
      { store: counted, decoder, finder: null, classifier: constant },
      items,
      {
        ...LIMITS,
        format: "tar",
        faces: { mode: "aligned", minFacePixels: 1, minFaceScore: 0, faceDetail: "normal" },
        ...REST,
      },
    );
    expect(records.map(({ id }) => id)).toEqual(items.map(({ id }) => id));
    expect(records.filter(({ status }) => status === "failed").map(({ id }) => id)).toEqual(["s/0.tar/7.png"]);
    expect(records.filter(({ status }) => status === "scored")).toHaveLength(255);
    expect(readBytes).toBe(256 * picture.length);
    expect(reads).toBe(1);
    expect(counted.callCount).toBe(1);
  });
});

/** Reads that were begun when the n-th input came to be decoded. */
async function countBegun(sizes: readonly number[], maxAheadBytes: number, known: boolean): Promise<number[]> {
  const store = createMemoryStore();
  for (const [i, size] of sizes.entries()) await store.put(`in/${i}`, new Uint8Array(size).fill(1));
  const { items } = await planInputPage(store, { kind: "prefix", format: "image", prefix: "in/" }, null, LIMITS.plan);
  const counted = createFaultStore(store, () => null);
  const begun: number[] = [];
  const decoder: ImageDecoder = {
    async decode() {
      begun.push(counted.callCount);
      throw new ScoringError("image_corrupt", "no picture");
    },
    memoryBytes: () => 0,
    peakMemoryBytes: () => 0,
  };
  await scoreChunk(
    { store: counted, decoder, finder: null, classifier: constant },
    known ? items : items.map((item) => ({ ...item, size: null })),
    {
      ...LIMITS,
      maxAheadBytes,
      format: "image",
      faces: { mode: "aligned", minFacePixels: 1, minFaceScore: 0, faceDetail: "normal" },
      ...REST,
    },
  );
  return begun;
}

describe("reading ahead", () => {
  it("begins as many reads as there are connections, while their bytes are few", async () => {
    expect(await countBegun([10, 10, 10, 10, 10, 10, 10, 10], 1000, true)).toEqual([6, 7, 8, 8, 8, 8, 8, 8]);
  });

  it("holds no more bytes than are allowed, but always the input at hand", async () => {
    expect(await countBegun([10, 10, 10, 500, 10, 10], 25, true)).toEqual([2, 3, 3, 4, 6, 6]);
  });

  it("learns sizes that nobody told from those that came", async () => {
    expect(await countBegun([5, 5, 5, 5, 5, 5, 5, 5], 40, false)).toEqual([1, 7, 8, 8, 8, 8, 8, 8]);
  });
});

const REST = { stamp: { model: "constant@1", pipeline: 1 }, failedReads: "throw" } as const;

describe("the version of the preprocessing", () => {
  const NOBODY = { name: "nobody@1", find: async () => [], dispose() {} };
  const FACES = [
    { pipeline: 1, mode: "aligned", aim: "picture" },
    { pipeline: 2, mode: "aligned", aim: "face" },
    { pipeline: 2, mode: "largest", aim: "picture" },
    { pipeline: 3, mode: "aligned", aim: "picture" },
    { pipeline: 3, mode: "largest", aim: "search" },
    { pipeline: 3, mode: "all", detail: "fine", aim: "picture" },
  ] as const;

  it.each(FACES)("$pipeline decodes a crop ($mode) as a $aim, and stands in its record", async (setting) => {
    const store = createMemoryStore();
    await store.put("in/face.jpg", await readFile(join(IMAGES, "../faces/half-384x401.jpg")));
    const source = { kind: "prefix", format: "image", prefix: "in/" } as const;
    const { items } = await planInputPage(store, source, null, LIMITS.plan);
    const plain = createImageDecoder(await loadCodecs(), LIMITS.image);
    const aims: (DecodeAim | undefined)[] = [];
    const decoder: ImageDecoder = {
      ...plain,
      decode: (bytes, aim) => {
        aims.push(aim);
        return plain.decode(bytes, aim);
      },
    };
    const { records } = await scoreChunk({ store, decoder, finder: NOBODY, classifier: constant }, items, {
      ...LIMITS,
      format: "image",
      faces: {
        mode: setting.mode,
        minFacePixels: 1,
        minFaceScore: 0,
        faceDetail: "detail" in setting ? setting.detail : "normal",
      },
      stamp: { model: "constant@1", pipeline: setting.pipeline },
      failedReads: "throw",
    });
    expect(aims).toEqual([setting.aim]);
    expect(records).toMatchObject([{ pipeline: setting.pipeline }]);
  });
});

describe("a model that overflows", () => {
  it("is its own fault, not the picture's", async () => {
    const store = createMemoryStore();
    await store.put("in/face.png", await readFile(join(IMAGES, "grey-48x48.png")));
    const source = { kind: "prefix", format: "image", prefix: "in/" } as const;
    const { items } = await planInputPage(store, source, null, LIMITS.plan);
    const classifier: Classifier = {
      ...constant,
      async classify(_pixels, count) {
        const probabilities = new Float32Array(count * 7).fill(Number.NaN);
        return { count, logits: probabilities, probabilities, theta: null, embedding: null };
      },
    };
    const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
    const faces = { mode: "aligned", minFacePixels: 1, minFaceScore: 0, faceDetail: "normal" } as const;
    const scored = scoreChunk({ store, decoder, finder: null, classifier }, items, {
      ...LIMITS,
      format: "image",
      faces,
      ...REST,
    });
    await expect(scored).rejects.toThrow("model_invalid: the scores of constant@1 are not finite");
  });
});

const NOW_MS = 1_800_000_000_000;

/** A job over three objects that are no pictures, its messages and its rows. */
async function openJob() {
  const store = createMemoryStore({ minPartBytes: 1 });
  for (const name of ["a", "b", "c"]) await store.put(`in/${name}.png`, name);
  const messages: WorkMessage[] = [];
  const rows = createMemoryRows();
  const job = createCoordinator({
    rows,
    clock: () => NOW_MS,
    queue: { send: async (sent) => void messages.push(...sent.map(({ message }) => message)) },
  });
  const manifest = parseManifest(
    { input: { store: "faces", prefix: "in/" }, output: { store: "faces" }, limits: { errorThreshold: 1 } },
    new Map([["faces", { versions: false }]]),
    () => true,
  );
  await job.create({
    id: "job",
    createdMs: NOW_MS,
    manifest,
    manifestSha256: "0".repeat(64),
    model: "gone@1",
    modelSha256: "0".repeat(64),
    pipeline: 1,
    retryOf: null,
    owner: null,
  });
  const deps: Omit<WorkDeps, "withScorer"> = {
    openJob: () => job,
    openStore: () => store,
    readCard: async () => createTestModel(new Map()).card,
    limits: LIMITS,
  };
  return { store, messages, rows, job, deps };
}

async function handleAll(messages: WorkMessage[], deps: WorkDeps): Promise<void> {
  for (let message = messages.shift(); message !== undefined; message = messages.shift()) {
    await handleMessage(deps, message);
  }
}

describe("a chunk whose model or store is gone", () => {
  it.each(["unknown_model", "unknown_store"] as const)("fails the job at once with %s", async (code) => {
    const { messages, rows, deps } = await openJob();
    const withScorer: WorkDeps["withScorer"] = (body) =>
      body(() => Promise.reject(new ScoringError(code, "it was there yesterday")));
    await handleAll(messages, { ...deps, withScorer });
    const state = rows.readState();
    expect(state?.failure).toEqual({ code, message: "it was there yesterday" });
    expect(state?.status).toBe("failed");
    expect(state?.outcomes).toMatchObject({ cancelled: 3, failed: 0 });
    expect(rows.listChunks(0, 10)).toHaveLength(1);
  });
});

describe("the engine", () => {
  it("is held from before the lease, and free again while the records are stored and reported", async () => {
    const { store, messages, rows, job, deps } = await openJob();
    const seen: string[] = [];
    let held = false;
    const see = (what: string): void => void seen.push(`${what} ${held ? "held" : "free"}`);
    const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
    await handleAll(messages, {
      ...deps,
      openJob: () => ({
        ...job,
        lease: (id) => (see("lease"), job.lease(id)),
        finish: (id, result) => (see("finish"), job.finish(id, result)),
      }),
      openStore: () => ({
        ...store,
        put: (key, ...rest) => (key.includes("/parts/") && see("put"), store.put(key, ...rest)),
      }),
      async withScorer(body) {
        held = true;
        const result = await body(async () => ({ decoder, finder: null, classifier: constant }));
        held = false;
        return result;
      },
    });
    expect(seen).toEqual(["lease held", "put free", "finish free"]);
    expect(rows.readState()?.outcomes).toMatchObject({ failed: 3 });
  });
});
