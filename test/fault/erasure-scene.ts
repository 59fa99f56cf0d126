/** A finished job in memory, copied as often as a test needs it, and the erasing of images from it under kills. */

import { GRAY_48 } from "../../src/model/input-form.ts";
import { LABELS } from "../../src/model/labels.ts";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadCodecs } from "../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import type { Classifier } from "../../src/model/classifier.ts";
import { computeProbabilities } from "../../src/model/softmax.ts";
import { createCoordinator } from "../../src/scoring/job/coordinator.ts";
import { createEraser } from "../../src/scoring/erase/eraser.ts";
import type { Eraser } from "../../src/scoring/erase/eraser-port.ts";
import type { JobRows } from "../../src/scoring/job/job-rows.ts";
import type { JobSpec } from "../../src/scoring/job/job-spec.ts";
import { isEnded } from "../../src/scoring/job/job-status.ts";
import type { OutputLayout } from "../../src/scoring/keys.ts";
import { LIMITS, type Limits } from "../../src/scoring/limits.ts";
import { parseManifest } from "../../src/scoring/manifest/manifest.ts";
import { createMemoryRows } from "../../src/scoring/job/memory-rows.ts";
import type { WorkMessage } from "../../src/scoring/job/messages.ts";
import { readObject } from "../../src/storage/read-object.ts";
import { handleMessage } from "../../src/scoring/work/handle-message.ts";
import type { WorkDeps } from "../../src/scoring/work/work-deps.ts";
import { createMemoryStore } from "../../src/storage/memory-store.ts";
import type { MultipartUpload, ObjectStore } from "../../src/storage/object-store.ts";
import { createTestModel } from "../golden/network.ts";

/** Everything small, so that few inputs meet every boundary; and nothing is given up on. */
export const SMALL: Limits = {
  ...LIMITS,
  maxPagesPerPlanStep: 1,
  maxChunksPerFinalizeStep: 2,
  maxEraseReads: 2,
  multipartBytes: 700,
  maxTaskAttempts: 1000,
  maxFinalizeRestarts: 1000,
  plan: { ...LIMITS.plan, maxItems: 5, windowBytes: 400, maxLineBytes: 400 },
  dataset: { ...LIMITS.dataset, sortBytes: 900, partRows: 5, gzipBytes: 700, joinBytes: 150, orphanPages: 1 },
};

/** Scores follow the first pixels: cheap, and no two pictures alike. */
const classifier: Classifier = {
  model: "corner@1",
  labels: LABELS,
  input: GRAY_48,
  engine: "corner",
  batchSize: 3,
  async classify(pixels, count) {
    const logits = Float32Array.from(
      { length: count * 7 },
      (_, at) => pixels[Math.floor(at / 7) * 2304 + (at % 7)]! / 100,
    );
    return { count, logits, probabilities: computeProbabilities(logits, count, null), theta: null, embedding: null };
  },
  dispose() {},
};

const PICTURES = ["grey-1x1.png", "grey-47x49.png", "grey-48x48.png", "palette.png", "rgb-47x49.png", "lossy.webp"];

/** A manifest's input over `in/`: a listing, named objects, or the lines of a list in the store. */
export type SceneInput =
  | { readonly prefix: string }
  | { readonly objects: readonly { readonly key: string }[] }
  | { readonly lines: readonly unknown[] };

const LIST_KEY = "lists/scene.jsonl";

/** One job that ended, in a store of its own. */
export interface Scene {
  readonly store: ObjectStore;
  readonly rows: JobRows;
}

interface SceneOutput {
  readonly layout?: OutputLayout;
  readonly partitionBy?: string;
  readonly thumbnails?: boolean;
}

function makeSpec(input: SceneInput, { layout = "single", partitionBy, thumbnails }: SceneOutput): JobSpec {
  const manifest = parseManifest(
    {
      input: { store: "faces", ...("lines" in input ? { manifest: { key: LIST_KEY } } : input) },
      faces: "aligned",
      output: { store: "faces", prefix: "out/", formats: ["jsonl", "csv", "parquet"], layout, partitionBy },
      groupBy: partitionBy === undefined ? [] : [partitionBy],
      limits: { chunkSize: 3 },
      thumbnails,
    },
    new Map([["faces", { versions: false }]]),
    () => true,
  );
  const model = { model: "corner@1", modelSha256: "0".repeat(64), pipeline: 1 } as const;
  const base = { createdMs: 1_800_000_000_000, manifestSha256: "0".repeat(64), retryOf: null, owner: null };
  return { id: "job", manifest, ...base, ...model };
}

/** What all lives of consumers share. */
export async function createWorkDeps(store: ObjectStore): Promise<Omit<WorkDeps, "openJob">> {
  const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
  return {
    openStore: () => store,
    withScorer: (body) => body(async () => ({ decoder, classifier, finder: null, pipeline: 1 })),
    readCard: async () => createTestModel(new Map()).card,
    limits: SMALL,
  };
}

/** Runs a job of 14 inputs (12 pictures, a text, an empty object) to its end; `cancelled`: most of it is never scored. */
export async function runSceneJob(
  input: SceneInput,
  options: SceneOutput & { readonly without?: string; readonly cancelled?: boolean } = {},
): Promise<Scene> {
  const store = createMemoryStore({ minPartBytes: 1 });
  const folder = join(import.meta.dirname, "../golden/images");
  for (let i = 0; i < 12; i++) {
    await store.put(
      `in/${String(i).padStart(2, "0")}.png`,
      await readFile(join(folder, PICTURES[i % PICTURES.length]!)),
    );
  }
  await store.put("in/05-text.jpg", "no picture");
  await store.put("in/08-empty.jpg", "");
  if (options.without !== undefined) await store.delete([options.without]);
  if ("lines" in input) await store.put(LIST_KEY, input.lines.map((line) => JSON.stringify(line)).join("\n"));
  const rows = createMemoryRows();
  const queue: WorkMessage[] = [];
  const job = createCoordinator({
    rows,
    limits: SMALL,
    clock: () => 1_800_000_000_000,
    queue: { send: async (messages) => void queue.push(...messages.map(({ message }) => message)) },
  });
  await job.create(makeSpec(input, options));
  const deps = { ...(await createWorkDeps(store)), openJob: () => job };
  for (let message = queue.shift(); message !== undefined; message = queue.shift()) {
    await handleMessage(deps, message);
    if (options.cancelled === true && message.kind === "score") await job.command("cancel");
  }
  if (!isEnded(rows.readState()!.status)) throw new Error("the job did not end");
  return { store, rows };
}

/** An independent copy. */
export async function copyScene(scene: Scene): Promise<Scene> {
  const store = createMemoryStore({ minPartBytes: 1 });
  for (const key of await listKeys(scene.store, "")) {
    await store.put(key, (await readObject(scene.store, key, 1e8))!);
  }
  const rows = createMemoryRows();
  rows.writeState(scene.rows.readState()!);
  rows.writeSpec(scene.rows.readSpec()!);
  for (const chunk of scene.rows.listChunks(0, 1e6)) rows.writeChunk(chunk);
  return { store, rows };
}

export async function listKeys(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await store.list({ prefix })).objects.map(({ key }) => key);
}

/** The process died. */
class Killed extends Error {}

/** Called at each moment before and after each call to a port; throws where the process dies. */
export type Moment = () => void;

/** A run of erasing: who asks, who works, and when it dies. */
export interface ErasureRun {
  readonly eraser: Eraser;
  /** Delivers all messages, each again after a kill, until nothing is left to do. `check` is called after each kill. */
  finish(check: () => Promise<void>): Promise<void>;
  /** Moments so far. */
  readonly moments: number;
  readonly kills: number;
}

/** @param isFatal whether the process dies at moment n, counted from 0 over all lives */
export async function startErasure(scene: Scene, isFatal: (moment: number) => boolean): Promise<ErasureRun> {
  let nowMs = 1_800_000_100_000;
  let moments = 0;
  let kills = 0;
  let queue: WorkMessage[] = [];
  const base = await createWorkDeps(scene.store);
  const eraser = createEraser({
    rows: scene.rows,
    limits: SMALL,
    clock: () => nowMs,
    queue: {
      async send(messages) {
        // A kill between the commit and the send: the message never was, the sweep sends another.
        if (isFatal(moments++)) kills += 1;
        else queue.push(...messages.map(({ message }) => message));
      },
    },
  });

  function createLife(): WorkDeps {
    let dead = false;
    const pass = (): void => {
      if (!dead && isFatal(moments++)) {
        dead = true;
        kills += 1;
      }
      if (dead) throw new Killed("killed");
    };
    const gate = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        pass();
        const result = await call(...args);
        pass();
        return result;
      };
    };
    const store = gateStore(scene.store, gate);
    const gated: Eraser = {
      askErase: gate((name, target) => eraser.askErase(name, target)),
      beginErase: gate((step) => eraser.beginErase(step)),
      commitErase: gate((report) => eraser.commitErase(report)),
      listChunks: gate((from, limit) => eraser.listChunks(from, limit)),
      listOrphans: gate((ids) => eraser.listOrphans(ids)),
      // A dead process reports nothing.
      retryErase: gate((step, attempt, failure, isFatal) => eraser.retryErase(step, attempt, failure, isFatal)),
    };
    return { ...base, openStore: () => store, openEraser: () => gated, openJob: () => raise() };
  }

  return {
    eraser,
    get moments() {
      return moments;
    },
    get kills() {
      return kills;
    },
    async finish(check) {
      for (let rounds = 0; rounds < 10_000; rounds++) {
        const message = queue.shift();
        if (message === undefined) {
          // Over the lease of a step whose consumer died, and over every wait.
          nowMs += SMALL.unwatchedLeaseMs;
          if ((await eraser.sweep()) === null && queue.length === 0) return;
          continue;
        }
        const before = kills;
        try {
          await handleMessage(createLife(), message);
        } catch (error) {
          if (!(error instanceof Killed)) throw error;
          // Unacknowledged: delivered again.
          queue = [...queue, message];
        }
        if (kills > before) await check();
      }
      throw new Error("erasing never ended");
    },
  };
}

function raise(): never {
  throw new Error("erasing asks nothing of the coordinator");
}

type Gate = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => (...args: A) => Promise<R>;

function gateStore(store: ObjectStore, gate: Gate): ObjectStore {
  const gateUpload = (upload: MultipartUpload): MultipartUpload => ({
    key: upload.key,
    uploadId: upload.uploadId,
    uploadPart: gate((number, body) => upload.uploadPart(number, body)),
    complete: gate((parts) => upload.complete(parts)),
    abort: gate(() => upload.abort()),
  });
  return {
    capabilities: store.capabilities,
    head: gate((key) => store.head(key)),
    get: gate((key, options) => store.get(key, options)),
    read: gate((key, options) => store.read(key, options)),
    put: gate((key, body, options) => store.put(key, body, options)),
    list: gate((options) => store.list({ ...options, limit: 7 })),
    delete: gate((keys) => store.delete(keys)),
    createMultipart: gate(async (key, options) => gateUpload(await store.createMultipart(key, options))),
    resumeMultipart: (key, uploadId) => gateUpload(store.resumeMultipart(key, uploadId)),
  };
}
