/* oxlint-disable typescript/no-unsafe-type-assertion -- a job's spec as far as a review reads it */
import { nameProbabilities } from "../../../../src/scoring/chunk/score-record.ts";
import { beforeEach, describe, expect, it } from "vitest";
import { LABELS } from "../../../../src/model/labels.ts";
import type { Caller } from "../../../../src/scoring/access/access.ts";
import type { JobSpec } from "../../../../src/scoring/job/job-spec.ts";
import type { JobState } from "../../../../src/scoring/job/job-state.ts";
import { jobFolder, LABEL_FILES, OUTPUT_NAMES, REVIEW_NAMES } from "../../../../src/scoring/keys.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { roundMicro } from "../../../../src/scoring/records/field-types.ts";
import { serializeRecord } from "../../../../src/scoring/records/record-line.ts";
import type { ScoreRecord } from "../../../../src/scoring/records/records.ts";
import {
  answerReview,
  createReview,
  listReaderFaces,
  openForReader,
  readReview,
  type ReviewDeps,
} from "../../../../src/scoring/review/review-desk.ts";
import { deleteReview, eraseFromReview, readDesign, readLines } from "../../../../src/scoring/review/review-store.ts";
import { renderReviewHtml } from "../../../../src/scoring/review/review-html.ts";
import { createMemoryStore } from "../../../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../../../src/storage/object-store.ts";
import { type KnownFace, makePopulation } from "./population.ts";

const ID = "0190b6a5-0000-7000-8000-000000000000";
const root = jobFolder("out", ID);
const population = makePopulation(31, 600);

const toRecord = ({ index, label, margin, probabilities }: KnownFace): ScoreRecord => ({
  id: `in/${index}.png`,
  key: `in/${index}.png`,
  etag: `e${index}`,
  status: "scored",
  label: LABELS[label]!,
  probabilities: nameProbabilities(LABELS, probabilities.map(roundMicro)),
  margin,
  entropy: 1,
  face: null,
  groups: { shop: index % 3 === 0 ? "north" : "south" },
  truth: null,
  quality: null,
  model: "m@1",
  pipeline: 1,
  error: null,
});

const caller = (keyId: string, scopes: Caller["scopes"] = ["jobs:read", "jobs:write", "reviews:write"]): Caller => ({
  keyId,
  scopes,
  grants: null,
  purposes: null,
  maxJobs: null,
  maxImagesPerDay: null,
});
const owner = caller("owner");
const ask = { size: 150, halfWidth: null, by: null, seed: 4, readers: [], dryRun: false };

/** What the report says of Happy. */
const CORRECTED = { value: 0.3, low: 0.2, high: 0.4 };
const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join("");

let store: ObjectStore;
let deps: ReviewDeps;
let status: JobState["status"];

beforeEach(async () => {
  store = createMemoryStore();
  status = "completed";
  const records = population.map(toRecord);
  await store.put(`${root}${LABEL_FILES.jsonl.name}`, lines(records.map(serializeRecord)));
  const items = records.map(({ id, key, etag }, index) => JSON.stringify({ index, id, key, size: 9, etag }));
  await store.put(`${root}${OUTPUT_NAMES.input}`, lines(items));
  const figures = { labels: LABELS.map((label, at) => ({ label, corrected: at === 3 ? CORRECTED : null })) };
  const shown = ["south", "north"].map((value) => ({ kind: "value", value, figures }));
  const report = {
    total: figures,
    groups: [{ key: "shop", groups: [...shown, { kind: "absent", value: null, figures }] }],
  };
  await store.put(`${root}${OUTPUT_NAMES.reportJson}`, JSON.stringify(report));
  const manifest = { faces: "aligned", minGroupSize: 10, output: { store: "faces", prefix: "out" } };
  const spec = { id: ID, manifest } as unknown as JobSpec;
  deps = {
    openJob: (id) => ({
      read: async () => (id === ID ? { spec, state: { status, generation: 0 } as unknown as JobState } : null),
      owner: async () => (id === ID ? "owner" : null),
    }),
    openStore: () => store,
    clock: () => Date.parse("2026-11-29T08:00:00Z"),
    limits: LIMITS,
  };
});

/** What the reader "one" of the key answers to each face of the sample, as far as `count`. */
async function answerTruly(reader = "one", count = 1000): Promise<void> {
  const design = (await readDesign(store, root, LIMITS))!;
  const answers = design.faces.slice(0, count).map((face, at) => ({
    at,
    label: LABELS[population[face!.item.index]!.truth]!,
    seconds: 3,
  }));
  await answerReview(deps, ID, owner, reader, answers.slice(0, 100));
  if (answers.length > 100) await answerReview(deps, ID, owner, reader, answers.slice(100));
}

describe("drawing", () => {
  it("tells beforehand how many faces a wished interval takes, and stores nothing then", async () => {
    const wide = await createReview(deps, ID, { ...ask, size: null, halfWidth: 0.1, dryRun: true });
    const narrow = await createReview(deps, ID, { ...ask, size: null, halfWidth: 0.04, dryRun: true });
    expect(narrow.size).toBeGreaterThan(wide.size);
    expect(narrow.halfWidth).toBeLessThanOrEqual(0.04);
    expect(narrow.population).toBe(600);
    expect(await readDesign(store, root, LIMITS)).toBeNull();
  });

  it("stores the faces with what opens their pictures, once", async () => {
    expect(await createReview(deps, ID, ask)).toMatchObject({ size: 150, population: 600 });
    const design = (await readDesign(store, root, LIMITS))!;
    expect(design.faces.length).toBe(150);
    for (const face of design.faces) {
      expect(face!.item).toEqual({
        index: face!.item.index,
        id: face!.id,
        key: face!.id,
        size: 9,
        etag: `e${face!.item.index}`,
      });
      expect(design.strata[face!.stratum]!.key.label).toBe(population[face!.item.index]!.label);
    }
    await expect(createReview(deps, ID, ask)).rejects.toMatchObject({ code: "conflict" });
    await deleteReview(store, root);
    await createReview(deps, ID, ask);
    expect(await readDesign(store, root, LIMITS)).toEqual(design);
  });

  it("lays the sample out by a group of the job, and by no other", async () => {
    await createReview(deps, ID, { ...ask, size: 300, by: "shop" });
    const design = (await readDesign(store, root, LIMITS))!;
    expect(new Set(design.strata.map(({ key }) => key.group))).toEqual(new Set(["north", "south"]));
    await deleteReview(store, root);
    await expect(createReview(deps, ID, { ...ask, by: "city" })).rejects.toMatchObject({ code: "validation_failed" });
  });

  it("waits for the end of the job, and needs its records", async () => {
    status = "running";
    await expect(createReview(deps, ID, ask)).rejects.toMatchObject({ code: "conflict" });
    status = "completed";
    await store.delete([`${root}${LABEL_FILES.jsonl.name}`]);
    await expect(createReview(deps, ID, ask)).rejects.toMatchObject({ code: "conflict" });
  });
});

describe("answering", () => {
  beforeEach(async () => {
    await createReview(deps, ID, { ...ask, readers: ["friend"] });
  });

  it("gives figures of the whole job", async () => {
    await answerTruly();
    const { figures } = await readReview(deps, ID);
    expect(figures).toMatchObject({ drawn: 150, seen: 150, answered: 150, missing: 0 });
    const accuracy = population.filter(({ truth, label }) => truth === label).length / 600;
    expect(figures.total!.accuracy.low).toBeLessThan(accuracy);
    expect(figures.total!.accuracy.high).toBeGreaterThan(accuracy);
    const page = renderReviewHtml({ id: ID, name: "<b>", model: "m@1" }, await readReview(deps, ID));
    expect(page).toContain("150 of 150 drawn faces were read");
    expect(page).not.toContain("<b>:");
    // Beside it stands what the report has.
    expect(figures.total!.labels.map(({ corrected }) => corrected)).toEqual([
      null,
      null,
      null,
      CORRECTED,
      null,
      null,
      null,
    ]);
    expect(figures.fairness).toBeNull();
    expect(page).toContain("20.0–40.0");
  });

  it("compares the groups that it was drawn by", async () => {
    await deleteReview(store, root);
    await createReview(deps, ID, { ...ask, size: 300, by: "shop" });
    await answerTruly();
    const view = await readReview(deps, ID);
    expect(view.figures.fairness).toMatchObject({ key: "shop", groups: ["north", "south"], comparisons: 14 });
    expect(view.figures.groups[0]!.figures.labels[3]!.corrected).toEqual(CORRECTED);
    expect(renderReviewHtml({ id: ID, name: null, model: "m@1" }, view)).toContain("Are the groups treated alike?");
  });

  it("shows a reader the faces without the model's label, with no answers but the reader's own", async () => {
    await answerTruly("one", 5);
    const mine = await listReaderFaces(deps, ID, owner, "two");
    expect(mine.length).toBe(150);
    expect(mine.every(({ answer }) => answer === null)).toBe(true);
    expect(Object.keys(mine[0]!).sort()).toEqual(["answer", "at", "box"]);
    const theirs = await listReaderFaces(deps, ID, owner, "one");
    expect(theirs.filter(({ answer }) => answer !== null).length).toBe(5);
  });

  it("opens the review to the keys that the draw named, and to no others", async () => {
    const friend = caller("friend", ["reviews:write"]);
    expect((await listReaderFaces(deps, ID, friend, "friend")).length).toBe(150);
    await expect(listReaderFaces(deps, ID, caller("stranger"), "x")).rejects.toMatchObject({ code: "not_found" });
    await expect(openForReader(deps, ID, caller("stranger"))).rejects.toMatchObject({ code: "not_found" });
  });

  it("adds nothing when a request is repeated, and loses nothing when two readers write at once", async () => {
    await Promise.all([answerTruly("one", 20), answerTruly("two", 20), answerTruly("three", 20)]);
    expect((await readLines(store, root, LIMITS)).length).toBe(60);
    await answerTruly("two", 20);
    expect((await readLines(store, root, LIMITS)).length).toBe(60);
    const [line] = await readLines(store, root, LIMITS);
    expect(Object.keys(line!).sort()).toEqual(["at", "id", "key", "label", "reader", "seconds", "time"]);
  });

  it("refuses a face that was not drawn", async () => {
    const answers = [{ at: 150, label: "Sad" as const, seconds: 1 }];
    await expect(answerReview(deps, ID, owner, "one", answers)).rejects.toMatchObject({ code: "validation_failed" });
  });

  it("forgets an erased image and what was said of it", async () => {
    await answerTruly();
    const design = (await readDesign(store, root, LIMITS))!;
    const { key } = design.faces[7]!.item;
    await eraseFromReview(store, root, [{ key, id: null }], LIMITS);
    await eraseFromReview(store, root, [{ key, id: null }], LIMITS);
    const texts = await Promise.all(
      Object.values(REVIEW_NAMES).map(async (name) => {
        const found = await store.read(`${root}${name}`, { maxBytes: 10_000_000 });
        return found.kind === "found" ? new TextDecoder().decode(found.bytes) : "";
      }),
    );
    expect(texts.every((text) => text !== "" && !text.includes(`"${key}"`))).toBe(true);
    expect((await readReview(deps, ID)).figures).toMatchObject({ drawn: 149, seen: 149, missing: 0 });
    expect((await listReaderFaces(deps, ID, owner, "one")).some(({ at }) => at === 7)).toBe(false);
    // An answer that comes late, from a page that was offline, is dropped.
    await answerReview(deps, ID, owner, "one", [{ at: 7, label: "Sad", seconds: 1 }]);
    expect((await readLines(store, root, LIMITS)).some(({ at }) => at === 7)).toBe(false);
  });
});
