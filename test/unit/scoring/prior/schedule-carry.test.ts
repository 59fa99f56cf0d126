import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { loadCodecs } from "../../../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../../../src/image/decode.ts";
import type { ImageDecoder } from "../../../../src/image/image-types.ts";
import { createCoordinator } from "../../../../src/scoring/job/coordinator.ts";
import type { JobCoordinator } from "../../../../src/scoring/job/coordinator-port.ts";
import type { JobSpec } from "../../../../src/scoring/job/job-spec.ts";
import { pinModel } from "../../../../src/scoring/job/pinned-model.ts";
import { LIMITS, type Limits } from "../../../../src/scoring/limits.ts";
import { parseManifest } from "../../../../src/scoring/manifest/manifest.ts";
import { createMemoryRows } from "../../../../src/scoring/job/memory-rows.ts";
import type { WorkMessage } from "../../../../src/scoring/job/messages.ts";
import { readObject } from "../../../../src/storage/read-object.ts";
import type { InputItem } from "../../../../src/scoring/records/input-item.ts";
import type { Report } from "../../../../src/scoring/report/report.ts";
import { listChanges } from "../../../../src/scoring/prior/carry.ts";
import { compareItems, joinPrior, type PriorLines } from "../../../../src/scoring/prior/prior-join.ts";
import { parseStored } from "../../../../src/scoring/stored-json.ts";
import { handleMessage } from "../../../../src/scoring/work/handle-message.ts";
import { createMemoryStore } from "../../../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../../../src/storage/object-store.ts";
import { drawModel, PUBLISHED_WIDTHS } from "../../../contract/classifier-parity.ts";
import { createTestModel } from "../../../golden/network.ts";
import { stripes } from "../../../golden/stripes.ts";

/** Two nights in one process: what is carried over, what is scored again, and that nobody can tell by the labels. */

const PICTURES = ["grey-47x49.png", "grey-48x48.png", "palette.png", "rgb-47x49.png"];
const pictures: Uint8Array[] = [];
let decoder: ImageDecoder;

/** Pages, chunks and steps so small that few inputs cross every boundary. */
const SMALL: Limits = {
  ...LIMITS,
  maxPagesPerPlanStep: 1,
  maxChunksPerFinalizeStep: 2,
  multipartBytes: 700,
  plan: { ...LIMITS.plan, maxItems: 3, windowBytes: 300, maxLineBytes: 200 },
};

beforeAll(async () => {
  for (const name of PICTURES) pictures.push(await readFile(join(import.meta.dirname, "../../../golden/images", name)));
  decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
});

interface Night {
  readonly store: ObjectStore;
  /** Keys under `in/` that were read, and read how often. */
  readonly read: string[];
  readonly jobs: Map<string, JobCoordinator>;
}

function startNights(): Night {
  const inner = createMemoryStore({ minPartBytes: 1 });
  const read: string[] = [];
  const store: ObjectStore = {
    ...inner,
    get(key, options) {
      if (key.startsWith("in/")) read.push(key);
      return inner.get(key, options);
    },
    read(key, options) {
      if (key.startsWith("in/")) read.push(key);
      return inner.read(key, options);
    },
  };
  return { store, read, jobs: new Map() };
}

function makeSpec(id: string, previousJobId: string | null, changes: Partial<JobSpec> = {}): JobSpec {
  const manifest = parseManifest(
    {
      input: { store: "faces", prefix: "in/" },
      faces: "aligned",
      output: { store: "faces", prefix: "out/", formats: ["jsonl"] },
      limits: { chunkSize: 2 },
    },
    new Map([["faces", { versions: false }]]),
    () => true,
  );
  return {
    id,
    createdMs: 1_800_000_000_000,
    manifest,
    manifestSha256: "0".repeat(64),
    model: "stripes@1",
    modelSha256: "0".repeat(64),
    pipeline: 1,
    retryOf: null,
    owner: null,
    schedule: { scheduleId: "s", dueMs: 0, previousJobId, baselineJobId: null },
    ...changes,
  };
}

/** Runs a job to its end, its messages one after the other. */
async function runJob({ store, jobs }: Night, spec: JobSpec): Promise<void> {
  const queue: WorkMessage[] = [];
  const job = createCoordinator({
    rows: createMemoryRows(),
    limits: SMALL,
    clock: () => spec.createdMs,
    queue: { send: async (messages) => void queue.push(...messages.map(({ message }) => message)) },
  });
  jobs.set(spec.id, job);
  await job.create(spec);
  for (let message = queue.shift(); message !== undefined; message = queue.shift()) {
    await handleMessage(
      {
        openJob: (id) => jobs.get(id)!,
        openStore: () => store,
        withScorer: (body) =>
          body(async () => ({ decoder, classifier: stripes, finder: null, pipeline: spec.pipeline })),
        readCard: async () => createTestModel(new Map()).card,
        limits: SMALL,
      },
      message,
    );
  }
  expect((await job.read())?.state.status).toMatch(/^completed/);
}

async function readText({ store }: Night, id: string, name: string): Promise<string> {
  const bytes = await readObject(store, `out/${id}/${name}`, 1e7);
  return bytes === null ? "missing" : new TextDecoder().decode(bytes);
}

const readReport = async (night: Night, id: string): Promise<Report> =>
  parseStored<Report>(await readText(night, id, "report.json"));

/** A night's folder: names to pictures; −1 is no picture. */
const content = fc.dictionary(
  fc.constantFrom(...Array.from("abcdefghijklm", (letter) => `${letter}.png`), "ß.png", "😀.png", "\uffee.png"),
  fc.integer({ min: -1, max: PICTURES.length - 1 }),
  { minKeys: 1, maxKeys: 14 },
);

/** Makes the folder hold exactly this; what is the same stays untouched. */
async function setContent({ store }: Night, before: Record<string, number>, after: Record<string, number>) {
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  await store.delete(gone.map((name) => `in/${name}`));
  for (const [name, picture] of Object.entries(after)) {
    if (before[name] !== picture) await store.put(`in/${name}`, picture < 0 ? "no picture" : pictures[picture]!);
  }
}

describe("a second night", () => {
  it("scores only what is new, changed or failed, and has the labels of a run that scores everything", async () => {
    await fc.assert(
      fc.asyncProperty(content, content, async (first, second) => {
        const night = startNights();
        await setContent(night, {}, first);
        await runJob(night, makeSpec("one", null));
        await setContent(night, first, second);
        night.read.length = 0;
        await runJob(night, makeSpec("two", "one"));
        const names = Object.keys(second);
        const kept = names.filter((name) => first[name] === second[name] && second[name]! >= 0);
        const fresh = names.filter((name) => !kept.includes(name)).map((name) => `in/${name}`);
        expect(night.read.toSorted()).toEqual(fresh.toSorted());
        await runJob(night, makeSpec("whole", null));
        for (const name of ["labels.jsonl", "input.jsonl", "errors.jsonl", "summary.json"]) {
          expect(await readText(night, "two", name)).toBe(await readText(night, "whole", name));
        }
        const { drift } = await readReport(night, "two");
        expect(drift?.inputs).toEqual({
          carried: kept.length,
          scoredAgain: names.filter((name) => Object.hasOwn(first, name)).length - kept.length,
          appeared: names.filter((name) => !Object.hasOwn(first, name)).length,
          vanished: Object.keys(first).filter((name) => !Object.hasOwn(second, name)).length,
        });
      }),
      { numRuns: 40 },
    );
  });

  it("names label flips of changed pictures", async () => {
    const night = startNights();
    const labels = new Map<string, number>();
    await setContent(night, {}, { "a.png": 0, "b.png": 1, "c.png": 2, "d.png": 3 });
    await runJob(night, makeSpec("probe", null));
    for (const [at, line] of (await readText(night, "probe", "labels.jsonl")).trimEnd().split("\n").entries()) {
      labels.set(parseStored<{ label: string }>(line).label, at);
    }
    // Two pictures that the engine calls differently.
    expect(labels.size).toBeGreaterThan(1);
    const [from, to] = [...labels.values()];
    const again = startNights();
    await setContent(again, {}, { "a.png": from!, "b.png": from! });
    await runJob(again, makeSpec("one", null));
    await setContent(again, { "a.png": from!, "b.png": from! }, { "a.png": to!, "b.png": from! });
    await runJob(again, makeSpec("two", "one"));
    const { drift } = await readReport(again, "two");
    expect(drift).toMatchObject({
      against: { name: "the last run", jobId: "one" },
      comparable: true,
      flips: { compared: 2, flipped: 1, unchangedFlips: 0, samples: [{ id: "in/a.png" }] },
    });
    expect(drift?.quality.map(({ measure }) => measure)).toEqual(["brightness", "contrast", "side"]);
    expect(await readText(again, "two", "report.html")).toContain("Compared with the last run");
  });

  it("scores everything again after a change of model, and says that the runs do not compare", async () => {
    const night = startNights();
    await setContent(night, {}, { "a.png": 0, "b.png": 1 });
    await runJob(night, makeSpec("one", null));
    night.read.length = 0;
    await runJob(night, makeSpec("two", "one", { model: "stripes@2", modelSha256: "1".repeat(64) }));
    expect(night.read.toSorted()).toEqual(["in/a.png", "in/b.png"]);
    const { drift } = await readReport(night, "two");
    expect(drift).toMatchObject({ comparable: false, inputs: { carried: 0, scoredAgain: 2 } });
  });

  it("scores everything again where the card says something else of scores under the same weights, and says why", async () => {
    const night = startNights();
    await setContent(night, {}, { "a.png": 0, "b.png": 1 });
    await runJob(night, makeSpec("one", null, { modelForm: "1".repeat(64) }));
    await runJob(night, makeSpec("two", "one", { modelForm: "1".repeat(64) }));
    night.read.length = 0;
    const schedule = { scheduleId: "s", dueMs: 0, previousJobId: "two", baselineJobId: "one" };
    await runJob(night, makeSpec("three", "two", { modelForm: "2".repeat(64), schedule }));
    expect(night.read.toSorted()).toEqual(["in/a.png", "in/b.png"]);
    const { drift, baseline } = await readReport(night, "three");
    const changes = ["what the model's card says of scores"];
    expect(drift).toMatchObject({ comparable: false, changes, inputs: { carried: 0, scoredAgain: 2 } });
    expect(drift?.findings).toEqual([
      "Model or pipeline differ between the two runs: the labels are not comparable.",
      "Everything was scored again, since other than in that run: what the model's card says of scores.",
    ]);
    expect(baseline).toMatchObject({ comparable: false, changes });
    expect(baseline?.findings[1]).toBe("Other than in that run: what the model's card says of scores.");
  });

  it("carries over where nothing but figures and notices of the card changed, or the run before noted no card", async () => {
    const night = startNights();
    await setContent(night, {}, { "a.png": 0, "b.png": 1 });
    const { card } = drawModel(1, PUBLISHED_WIDTHS, [1, 0, 0, 0, 1, 0]);
    const pin = (notices: string[]): Promise<Partial<JobSpec>> => pinModel({ ...card, notices }, { tta: "none" });
    await runJob(night, makeSpec("one", null));
    await runJob(night, makeSpec("two", "one", { ...(await pin(["as it was"])), modelSha256: "0".repeat(64) }));
    await runJob(night, makeSpec("three", "two", { ...(await pin(["as it is"])), modelSha256: "0".repeat(64) }));
    expect(night.read).toHaveLength(2);
    const { drift, provenance } = await readReport(night, "three");
    expect(drift).toMatchObject({ comparable: true, inputs: { carried: 2, scoredAgain: 0 } });
    expect(drift?.changes).toBeUndefined();
    expect(provenance.notices).toEqual(["as it is"]);
  });

  it("names everything that changed", () => {
    const spec = makeSpec("one", null, { modelForm: "a", thresholds: [0.5, null] });
    expect(listChanges(spec, spec)).toEqual([]);
    const flipped = { ...spec, manifest: { ...spec.manifest, tta: "flip" as const } };
    expect(listChanges(flipped, makeSpec("zero", null, { modelForm: "b" }))).toEqual([
      "what the model's card says of scores",
      "mirroring",
      "the thresholds of labels",
    ]);
    expect(listChanges(spec, { ...spec, modelSha256: "1", modelForm: "b" })).toEqual(["the model's weights"]);
    expect(listChanges(spec, { ...flipped, model: "other@1", modelForm: "b" })).toEqual(["the model"]);
  });

  it("scores everything again after a change of the face finder", async () => {
    const night = startNights();
    await setContent(night, {}, { "a.png": 0, "b.png": 1 });
    await runJob(night, makeSpec("one", null, { faceFinder: "blazeface@1/1" }));
    night.read.length = 0;
    await runJob(night, makeSpec("two", "one", { faceFinder: "blazeface@1/1" }));
    expect(night.read).toEqual([]);
    await runJob(night, makeSpec("three", "two", { faceFinder: "blazeface@1/2" }));
    expect(night.read.toSorted()).toEqual(["in/a.png", "in/b.png"]);
  });

  it("goes on alone where the run before was deleted, or lost a part", async () => {
    const night = startNights();
    await setContent(night, {}, { "a.png": 0, "b.png": 1, "c.png": 2 });
    await runJob(night, makeSpec("one", null));
    await night.store.delete(["out/one/parts/000000000.jsonl"]);
    night.read.length = 0;
    await runJob(night, makeSpec("two", "one"));
    expect(night.read.toSorted()).toEqual(["in/a.png", "in/b.png"]);
    const page = await night.store.list({ prefix: "out/two/" });
    await night.store.delete(page.objects.map(({ key }) => key));
    night.read.length = 0;
    await runJob(night, makeSpec("three", "two"));
    expect(night.read).toHaveLength(3);
    expect((await readReport(night, "three")).drift).toBeNull();
  });

  it("is compared with the baseline too", async () => {
    const night = startNights();
    const schedule = { scheduleId: "s", dueMs: 0, previousJobId: "two", baselineJobId: "one" };
    await setContent(night, {}, { "a.png": 0 });
    await runJob(night, makeSpec("one", null));
    await runJob(night, makeSpec("two", "one"));
    await runJob(night, makeSpec("three", "two", { schedule }));
    const { drift, baseline } = await readReport(night, "three");
    expect([drift?.against.jobId, baseline?.against]).toEqual(["two", { name: "the baseline", jobId: "one" }]);
    expect(baseline?.inputs).toBeNull();
  });
});

const makeItem = (index: number, key: string): InputItem => ({ index, id: key, key, size: 1, etag: `"${index}"` });
const readLinesOf = (items: readonly InputItem[]): PriorLines => {
  let at = 0;
  return {
    peek: async () => items[at] ?? null,
    next: () => void (at += 1),
    position: () => null,
  };
};

const sort = (names: readonly string[]) =>
  names
    .map((key) => makeItem(0, key))
    .sort(compareItems)
    .map((item, index) => makeItem(index, item.key));

describe("the merge-join", () => {
  // Few letters, so that both lists have many keys in common; two of them order differently in UTF-16 and in UTF-8.
  const unit = fc.constantFrom("a", "b", "/", "\u{ffee}", "\u{1f600}");
  const keys = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3, unit }), { maxLength: 30 });

  it("finds every key that both have, for any two sorted lists", async () => {
    await fc.assert(
      fc.asyncProperty(keys, keys, async (left, right) => {
        const [before, after] = [sort(left), sort(right)];
        const joined = await joinPrior(after, readLinesOf(before));
        const positions = new Map(before.map(({ key, index }) => [key, index]));
        expect(joined.map(({ prior }) => prior)).toEqual(after.map(({ key }) => positions.get(key)));
      }),
    );
  });

  it("finds no wrong partner in lists that are not sorted", async () => {
    await fc.assert(
      fc.asyncProperty(keys, keys, async (left, right) => {
        const before = left.map((key, index) => makeItem(index, key));
        const joined = await joinPrior(
          right.map((key, index) => makeItem(index, key)),
          readLinesOf(before),
        );
        for (const { key, prior } of joined) expect(prior === undefined || before[prior]?.key === key).toBe(true);
      }),
    );
  });
});
