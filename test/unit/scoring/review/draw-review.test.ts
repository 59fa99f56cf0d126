/* oxlint-disable typescript/no-unsafe-type-assertion -- a job's spec as far as a draw reads it */
import { gzipSync } from "node:zlib";
import { beforeEach, describe, expect, it } from "vitest";
import { LABELS } from "../../../../src/model/labels.ts";
import { nameProbabilities } from "../../../../src/scoring/chunk/score-record.ts";
import type { JobSpec } from "../../../../src/scoring/job/job-spec.ts";
import type { JobState } from "../../../../src/scoring/job/job-state.ts";
import { jobFolder, LABEL_FILES, OUTPUT_NAMES, RANGE_NAMES } from "../../../../src/scoring/keys.ts";
import { LIMITS, type Limits } from "../../../../src/scoring/limits.ts";
import { roundMicro } from "../../../../src/scoring/records/field-types.ts";
import { serializeRecord } from "../../../../src/scoring/records/record-line.ts";
import type { ScoreRecord } from "../../../../src/scoring/records/records.ts";
import { createReview, type ReviewDeps } from "../../../../src/scoring/review/review-desk.ts";
import { readDesign, type ReviewDesign } from "../../../../src/scoring/review/review-store.ts";
import { createMemoryStore } from "../../../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../../../src/storage/object-store.ts";
import { makePopulation } from "./population.ts";

/** Drawing from single files and from data sets, from all pictures and from the new ones. */

const FACES = 400;
const PER_RANGE = 150;
const population = makePopulation(9, FACES);
const keyOf = (index: number): string => `in/${String(index).padStart(4, "0")}.png`;
const records = population.map(({ index, label, margin, probabilities }): ScoreRecord => ({
  id: keyOf(index),
  key: keyOf(index),
  etag: `e${index}`,
  status: "scored",
  label: LABELS[label]!,
  probabilities: nameProbabilities(LABELS, probabilities.map(roundMicro)),
  margin,
  entropy: 1,
  face: null,
  groups: {},
  truth: null,
  quality: null,
  model: "m@1",
  pipeline: 1,
  error: null,
}));
const ask = { size: 100, halfWidth: null, by: null, seed: 4, readers: [], dryRun: false };
const join = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join("");
const listInputs = (from: number, end: number, etagOf = (index: number): string => `e${index}`): string =>
  join(
    records.slice(from, end).map(({ id, key }, at) => {
      const index = from + at;
      return JSON.stringify({ index, id, key, size: 9, etag: etagOf(index) });
    }),
  );
const listLabels = (from: number, end: number): string => join(records.slice(from, end).map(serializeRecord));

let store: ObjectStore;
const jobs = new Map<string, { spec: JobSpec; state: JobState }>();

function makeDeps(limits: Limits = LIMITS): ReviewDeps {
  return {
    openJob: (id) => ({ read: async () => jobs.get(id) ?? null, owner: async () => "owner" }),
    openStore: () => store,
    clock: () => Date.parse("2026-11-29T08:00:00Z"),
    limits,
  };
}

function addJob(id: string, layout: "single" | "dataset", previousJobId: string | null, more: object = {}): void {
  const manifest = { faces: "aligned", output: { store: "faces", prefix: "out", layout } };
  const schedule = { scheduleId: "s", dueMs: 0, previousJobId, baselineJobId: null };
  const state = { status: "completed", generation: 0, ...more };
  jobs.set(id, { spec: { id, manifest, owner: null, schedule } as unknown as JobSpec, state: state as JobState });
}

async function writeSingle(id: string, from: number, end: number, etagOf?: (index: number) => string): Promise<void> {
  const root = jobFolder("out", id);
  await store.put(`${root}${LABEL_FILES.jsonl.name}`, listLabels(from, end));
  await store.put(`${root}${OUTPUT_NAMES.input}`, listInputs(from, end, etagOf));
}

/** As a data set is written: a range of inputs each, its text in several members of gzip; one was written anew by an erasure. */
async function writeDataset(id: string): Promise<void> {
  const root = jobFolder("out", id);
  const total = Math.ceil(FACES / PER_RANGE);
  const rewritten: Record<number, number> = { 1: 2 };
  for (let range = 0; range < total; range += 1) {
    const [from, end] = [range * PER_RANGE, Math.min(FACES, (range + 1) * PER_RANGE)];
    const generation = rewritten[range] ?? 0;
    const text = Buffer.from(listLabels(from, end));
    const members = [text.subarray(0, 7001), text.subarray(7001)].map((part) => gzipSync(part));
    await store.put(`${root}${RANGE_NAMES.labels(range, "jsonl", generation)}`, new Uint8Array(Buffer.concat(members)));
    await store.put(`${root}${RANGE_NAMES.input(range, generation)}`, listInputs(from, end));
  }
  const merge = { inputs: PER_RANGE, end: FACES, total, begun: total, done: total, rewritten };
  addJob(id, "dataset", null, { merge, generation: 2 });
}

async function draw(id: string, more: object = {}, limits?: Limits): Promise<ReviewDesign> {
  await createReview(makeDeps(limits), id, { ...ask, ...more });
  return (await readDesign(store, jobFolder("out", id), LIMITS))!;
}

/** By day: the last hundred came, every eighth of the others was replaced. */
const isNew = (index: number): boolean => index >= 300 || index % 8 === 0;
const keysOf = ({ faces }: ReviewDesign): string[] => faces.map((face) => face!.item.key);

beforeEach(() => {
  store = createMemoryStore();
  jobs.clear();
});

describe("a draw", () => {
  it("of a data set is that of single files", async () => {
    addJob("single", "single", null);
    await writeSingle("single", 0, FACES);
    await writeDataset("parts");
    // Windows that end in the middle of lines and of members.
    const small = { ...LIMITS, reviewWindowBytes: 1001 };
    expect(await draw("parts", {}, small)).toEqual(await draw("single"));
  });

  it("counts what a data set holds, not what it takes in the store", async () => {
    await writeDataset("parts");
    const bytes = Buffer.byteLength(listLabels(0, FACES));
    const within = await draw("parts", {}, { ...LIMITS, maxReviewLabelBytes: bytes });
    expect(within.faces).toHaveLength(100);
    const ended = createReview(makeDeps({ ...LIMITS, maxReviewLabelBytes: bytes - 1 }), "parts", {
      ...ask,
      dryRun: true,
    });
    await expect(ended).rejects.toMatchObject({ code: "quota_exceeded" });
  });

  it.each(["single", "dataset"] as const)("of new pictures leaves out what the run before had (%s)", async (layout) => {
    if (layout === "single") {
      addJob("before", "single", null);
      await writeSingle("before", 0, FACES);
    } else await writeDataset("before");
    await rewriteBefore(layout, (index) => (index % 8 === 0 ? "old" : `e${index}`));
    addJob("night", "single", "before");
    await writeSingle("night", 0, FACES);
    const design = await draw("night", { newOnly: true, size: 60 });
    expect(design.newOnly).toBe(true);
    const drawn = design.faces.map((face) => face!.item.index);
    expect(drawn.filter((index) => !isNew(index))).toEqual([]);
    expect(design.strata.reduce((sum, { population: all }) => sum + all, 0)).toBe(
      population.filter(({ index }) => isNew(index)).length,
    );
  });

  it("of new pictures takes all where the run before is gone, and says so where there is none", async () => {
    addJob("night", "single", "gone");
    await writeSingle("night", 0, FACES);
    expect(keysOf(await draw("night", { newOnly: true }))).toHaveLength(100);
    addJob("again", "single", "night");
    await writeSingle("again", 0, FACES);
    expect(await createReview(makeDeps(), "again", { ...ask, newOnly: true })).toMatchObject({
      size: 0,
      population: 0,
    });
    expect(await readDesign(store, jobFolder("out", "again"), LIMITS)).toBeNull();
  });

  it("takes a few more than were asked for where that many strata need them", async () => {
    addJob("night", "single", null);
    await writeSingle("night", 0, FACES);
    const labels = new Set(population.map(({ label }) => label)).size;
    const design = await draw("night", { newOnly: true, size: 5 });
    expect(design.faces.length).toBeGreaterThan(5);
    expect(design.faces.length).toBeLessThanOrEqual(4 * labels);
  });
});

/** The inputs of the run before as they were: the first 300, some of them other pictures. */
async function rewriteBefore(layout: "single" | "dataset", etagOf: (index: number) => string): Promise<void> {
  const root = jobFolder("out", "before");
  if (layout === "single") {
    await store.put(`${root}${OUTPUT_NAMES.input}`, listInputs(0, 300, etagOf));
    return;
  }
  await store.put(`${root}${RANGE_NAMES.input(0)}`, listInputs(0, 150, etagOf));
  await store.put(`${root}${RANGE_NAMES.input(1, 2)}`, listInputs(150, 300, etagOf));
  await store.put(`${root}${RANGE_NAMES.input(2)}`, "");
}
