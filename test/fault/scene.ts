/** A small job for simulations: 14 inputs of every kind, limits that few inputs meet, and what must come out. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { loadCodecs } from "../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import { nameLast } from "../../src/scoring/finalize/finalize-merge.ts";
import type { JobSpec } from "../../src/scoring/job/job-spec.ts";
import type { JobStatus } from "../../src/scoring/job/job-status.ts";
import { jobFolder } from "../../src/scoring/keys.ts";
import { LIMITS, type Limits } from "../../src/scoring/limits.ts";
import { parseManifest } from "../../src/scoring/manifest/manifest.ts";
import { parsePart, splitLines } from "../../src/scoring/records/record-line.ts";
import { readObject } from "../../src/storage/read-object.ts";
import { digestHex } from "../../src/scoring/sha256.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import { createMemoryStore } from "../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { createTestModel } from "../golden/network.ts";
import { stripes } from "../golden/stripes.ts";
import { gunzipSync } from "node:zlib";
import { type SimulationOptions, type SimulationResult, simulateJob } from "./simulation.ts";

const PICTURES = ["grey-1x1.png", "grey-47x49.png", "grey-48x48.png", "palette.png", "rgb-47x49.png", "lossy.webp"];

/** Everything small, so that few inputs meet every boundary. What is given up on, and when, is as shipped. */
export const SMALL: Limits = {
  ...LIMITS,
  maxPagesPerPlanStep: 1,
  maxChunksPerFinalizeStep: 2,
  multipartBytes: 700,
  plan: { ...LIMITS.plan, maxItems: 5 },
  // Page after page; test/fault/scan.test.ts lists side by side.
  scan: { ...LIMITS.scan, ranges: 1 },
  dataset: { ...LIMITS.dataset, sortBytes: 900, partRows: 5, gzipBytes: 700, joinBytes: 150, orphanPages: 1 },
};

export const pictures = new Map<string, Uint8Array>();
for (const name of PICTURES) {
  pictures.set(name, await readFile(join(import.meta.dirname, "../golden/images", name)));
}
export const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);

/** 14 inputs: twelve pictures, a text and an empty object. */
export async function createStore(): Promise<ObjectStore> {
  const store = createMemoryStore({ minPartBytes: 1 });
  for (let i = 0; i < 12; i++) {
    await store.put(`in/${String(i).padStart(2, "0")}.png`, pictures.get(PICTURES[i % PICTURES.length]!)!);
  }
  await store.put("in/05-text.jpg", "no picture");
  await store.put("in/08-empty.jpg", "");
  await store.put(LIST_KEY, await listInputs(store));
  return store;
}

/** The same inputs as a list, every other one with a group. */
const LIST_KEY = "lists/in.jsonl";

async function listInputs(store: ObjectStore): Promise<string> {
  const { objects } = await store.list({ prefix: "in/" });
  const entries = objects.map(({ key, size, etag }, at) => ({
    key,
    size,
    etag,
    ...(at % 2 === 0 && { groups: { site: "a/b" } }),
  }));
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
}

/** Every way in which the outputs may lie in the store. */
export const LAYOUTS = ["single", "dataset", "partitions"] as const;

const FORMATS = ["jsonl", "csv", "parquet"];

/** The job with its outputs in this layout. @param manifest more changes of it */
export function makeLaidOutSpec(
  layout: (typeof LAYOUTS)[number],
  manifest: Readonly<Record<string, unknown>> = {},
): JobSpec {
  const output = { store: "faces", prefix: "out/", formats: FORMATS };
  if (layout !== "partitions") return makeSpec({ output: { ...output, layout }, ...manifest });
  const partitioned = { ...output, formats: ["jsonl", "parquet"], layout: "dataset", partitionBy: "site" };
  return makeSpec({ input: { store: "faces", manifest: { key: LIST_KEY } }, output: partitioned, ...manifest });
}

/** @param manifest changes of it */
export function makeSpec(manifest: Readonly<Record<string, unknown>> = {}): JobSpec {
  const { limits, ...rest } = manifest;
  const parsed = parseManifest(
    {
      input: { store: "faces", prefix: "in/" },
      faces: "aligned",
      output: { store: "faces", prefix: "out/", formats: FORMATS },
      limits: { chunkSize: 3, maxConcurrency: 3, ...(typeof limits === "object" ? limits : {}) },
      groupBy: ["site"],
      ...rest,
    },
    new Map([["faces", { versions: false }]]),
    () => true,
  );
  return {
    id: "job",
    createdMs: 1_800_000_000_000,
    manifest: parsed,
    manifestSha256: "0".repeat(64),
    model: "stripes@1",
    modelSha256: "0".repeat(64),
    pipeline: 1,
    retryOf: null,
    owner: null,
  };
}

/** Runs the job on a calm day, but for the changes. */
export async function run(
  changes: Partial<SimulationOptions>,
): Promise<{ readonly result: SimulationResult; readonly store: ObjectStore }> {
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
const SAME = ["errors.jsonl", "report.json", "report.html", "run.lock.json"];
const SINGLE = ["input.jsonl", "labels.jsonl", "labels.csv", "labels.parquet"];

/** Names of the outputs that must be there, and be the same: of a data set, those of its parts that hold inputs and labels. */
async function listSame(store: ObjectStore, folder: string): Promise<readonly string[]> {
  const { objects } = await store.list({ prefix: folder });
  const names = objects.map(({ key }) => key.slice(folder.length));
  const parts = names.filter((name) => /^(labels|input)\//.test(name));
  return [...(parts.length > 0 ? parts : SINGLE), ...SAME];
}

export async function readOutputs(store: ObjectStore, job = "job"): Promise<Record<string, string>> {
  const folder = jobFolder("out/", job);
  const outputs: Record<string, string> = {};
  for (const name of await listSame(store, folder)) {
    const bytes = await readObject(store, `${folder}${name}`, 1e7);
    outputs[name] = bytes === null ? "missing" : hideTimes(name, Buffer.from(bytes).toString("latin1"));
    const [, whole] = /^labels\/.*part-\d+\.(jsonl|csv)\.gz$/.exec(name) ?? [];
    if (whole === undefined) continue;
    const text = gunzipSync(bytes!).toString("latin1");
    outputs[`labels.${whole}`] = (outputs[`labels.${whole}`] ?? "") + text;
  }
  return outputs;
}

/** Without what honestly differs: when it ended, what was read twice, and who computed. */
function hideTimes(name: string, original: string): string {
  const text = original.replaceAll("client:node, stripes", "stripes").replaceAll("client:node", "stripes");
  if (name === "report.json") return text.replaceAll(/"finishedAt": "[^"]*"/g, "");
  if (name === "report.html") return text.replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?Z?)?/g, "");
  if (name !== "run.lock.json") return text;
  return JSON.stringify({ ...parseStored<Record<string, unknown>>(text), finishedAt: "", engines: [], receipt: null });
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}

/** `_SUCCESS`, or `_FAILED` where the job did not end well, names exactly what is there, with the right sizes and hashes. */
export async function checkSuccess(store: ObjectStore, { allowLate = false, job = "job" } = {}): Promise<void> {
  const folder = jobFolder("out/", job);
  const last = (await store.head(`${folder}_SUCCESS`)) === null ? "_FAILED" : "_SUCCESS";
  const bytes = await readObject(store, `${folder}${last}`, 1e7);
  const success = parseStored<{ status: JobStatus; objects: { name: string; bytes: number; sha256: string }[] }>(
    new TextDecoder().decode(bytes!),
  );
  const { objects } = await store.list({ prefix: folder });
  const there: typeof success.objects = [];
  for (const { key, size } of objects) {
    const body = await readObject(store, key, 1e7);
    there.push({ name: key.slice(folder.length), bytes: size, sha256: await digestHex(body!) });
  }
  expect(nameLast(success.status)).toBe(last);
  const names = new Set([last, ...success.objects.map(({ name }) => name)]);
  expect([...names]).toEqual(expect.arrayContaining([...(await listSame(store, folder))]));
  // Of a data set, the parts of chunks are named range by range.
  for (const { key } of objects) {
    if (!/\/ranges\/\d+\.chunks\.jsonl$/.test(key)) continue;
    for (const line of splitLines((await readObject(store, key, 1e7))!)) {
      const object = parseStored<(typeof success.objects)[number]>(line);
      names.add(object.name);
      success.objects.push(object);
    }
  }
  // A consumer that was taken for dead may write after the end: only a part or a carried state, which nothing names.
  const late = there.filter(({ name }) => !names.has(name) && !(allowLate && /^(parts|work)\//.test(name)));
  expect(late).toEqual([]);
  expect(there.filter(({ name }) => names.has(name) && name !== last).toSorted(byName)).toEqual(
    success.objects.map(({ name, bytes: size, sha256 }) => ({ name, bytes: size, sha256 })).toSorted(byName),
  );
}

/** The records of `labels.jsonl`. */
export function parseRecords(outputs: Readonly<Record<string, string>>): readonly ScoreRecord[] {
  return parsePart(Buffer.from(outputs["labels.jsonl"] ?? "", "latin1"));
}

/** The n-th time that a gate of this name is passed. */
export function matchMoment(wanted: string, nth: number): (moment: string) => boolean {
  let left = nth;
  return (moment) => moment === wanted && left-- === 0;
}
