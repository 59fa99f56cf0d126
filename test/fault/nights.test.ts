import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { loadCodecs } from "../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import type { ImageDecoder } from "../../src/image/image-types.ts";
import type { JobCoordinator } from "../../src/scoring/job/coordinator-port.ts";
import type { JobSpec } from "../../src/scoring/job/job-spec.ts";
import type { OutputLayout } from "../../src/scoring/keys.ts";
import { LIMITS, type Limits } from "../../src/scoring/limits.ts";
import { parseManifest } from "../../src/scoring/manifest/manifest.ts";
import { readObject } from "../../src/storage/read-object.ts";
import type { Report } from "../../src/scoring/report/report.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import { createMemoryStore } from "../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { createTestModel } from "../golden/network.ts";
import { stripes } from "../golden/stripes.ts";
import { HEALABLE_RATES } from "./fault-store.ts";
import { simulateJob, type SimulationOptions } from "./simulation.ts";

/** A second night in a bad one: whatever is killed, lost, doubled or refused, it carries over, counts and compares as on a calm day. */

const RUNS = Number(process.env["SIMULATION_RUNS"] ?? 6);
vi.setConfig({ testTimeout: 60_000 + RUNS * 20_000 });
const PICTURES = ["grey-47x49.png", "grey-48x48.png", "palette.png", "rgb-47x49.png"];

/** Everything small, so that few inputs meet every boundary. What is given up on, and when, is as shipped. */
const SMALL: Limits = {
  ...LIMITS,
  maxPagesPerPlanStep: 1,
  maxChunksPerFinalizeStep: 2,
  multipartBytes: 700,
  maxComparisonCalls: 3,
  plan: { ...LIMITS.plan, maxItems: 3, windowBytes: 300, maxLineBytes: 200 },
  dataset: { ...LIMITS.dataset, sortBytes: 900, partRows: 4, gzipBytes: 700, joinBytes: 150, orphanPages: 1 },
};

interface Shape {
  readonly chunkSize?: number;
  readonly layout?: OutputLayout;
}

const pictures: Uint8Array[] = [];
let decoder: ImageDecoder;

beforeAll(async () => {
  for (const name of PICTURES) pictures.push(await readFile(join(import.meta.dirname, "../golden/images", name)));
  decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
});

function makeSpec(id: string, previousJobId: string | null, { chunkSize = 2, layout = "single" }: Shape = {}): JobSpec {
  const manifest = parseManifest(
    {
      input: { store: "faces", prefix: "in/" },
      faces: "aligned",
      output: { store: "faces", prefix: "out/", formats: ["jsonl", "csv"], layout },
      limits: { chunkSize, maxConcurrency: 3 },
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
  };
}

const CALM = { seed: 1, killRate: 0, faults: {}, duplicateRate: 0, loseRate: 0, leapRate: 0, maxTroubles: 60 };

/** Both nights: the first calm, some pictures exchanged, removed and added by day, the second as `changes` say. */
async function runNights(changes: Partial<SimulationOptions>, layout: OutputLayout): Promise<Record<string, string>> {
  const store = createMemoryStore({ minPartBytes: 1 });
  const card = createTestModel(new Map()).card;
  const common = { ...CALM, store, card, decoder, classifier: stripes, limits: SMALL };
  const put = (name: string, picture: number) => store.put(`in/${name}`, pictures[picture % pictures.length]!);
  for (let i = 0; i < 12; i++) await put(`${String(i).padStart(2, "0")}.png`, i);
  await store.put("in/05-text.jpg", "no picture");
  const first = await simulateJob({ ...common, spec: makeSpec("one", null, { layout }) });
  await store.delete(["in/03.png", "in/11.png"]);
  await put("01.png", 2);
  await put("08.png", 3);
  await put("00-new.png", 1);
  await put("99-new.png", 2);
  const ended = new Map<string, JobCoordinator>([["one", first.coordinator]]);
  const second = await simulateJob({ ...common, ...changes, spec: makeSpec("two", "one", { layout }), ended });
  expect(second.state.status).toBe("completed_with_errors");
  return readOutputs(store);
}

/** What may not depend on the way; of the report, what has no times. */
async function readOutputs(store: ObjectStore): Promise<Record<string, string>> {
  const outputs: Record<string, string> = {};
  const { objects } = await store.list({ prefix: "out/two/" });
  const parts = objects.map(({ key }) => key.slice("out/two/".length)).filter((name) => /^(labels|input)\//.test(name));
  const lists = parts.length > 0 ? parts : ["input.jsonl", "labels.jsonl", "labels.csv"];
  for (const name of [...lists, "errors.jsonl", "summary.json", "report.json"]) {
    const bytes = await readObject(store, `out/two/${name}`, 1e7);
    outputs[name] = bytes === null ? "missing" : Buffer.from(bytes).toString("latin1");
  }
  const { drift, total, denominators } = parseStored<Report>(outputs["report.json"]!);
  return { ...outputs, "report.json": JSON.stringify({ drift, total, denominators }) };
}

describe.each(["single", "dataset"] as const)("a second night (%s)", (layout) => {
  it("carries over what it should, on a calm day", async () => {
    const { drift } = parseStored<Report>((await runNights({}, layout))["report.json"]!);
    // Thirteen before: two gone, two changed, one that never was a picture; two new.
    expect(drift?.inputs).toEqual({ carried: 8, scoredAgain: 3, appeared: 2, vanished: 2 });
  });

  it.each<[string, Partial<SimulationOptions>]>([
    ["consumers killed before and after any call", { killRate: 0.05 }],
    ["messages duplicated, lost and reordered, leases expiring", { duplicateRate: 0.2, loseRate: 0.1, leapRate: 0.02 }],
    ["a store that fails", { faults: HEALABLE_RATES, maxTroubles: 20 }],
  ])("has the outputs of a calm day: %s", async (_, changes) => {
    const calm = await runNights({}, layout);
    for (let seed = 1; seed <= RUNS; seed++) expect(await runNights({ ...changes, seed }, layout)).toEqual(calm);
  });
});

describe("comparing with a first night", () => {
  it("reads so much of it in one finalizing step, however small its chunks were", async () => {
    const limits = { ...SMALL, maxChunksPerFinalizeStep: 100, plan: { ...SMALL.plan, maxItems: 100 } };
    const measure = async (maxComparisonCalls: number): Promise<number> => {
      const store = createMemoryStore({ minPartBytes: 1 });
      for (let i = 0; i < 60; i++) await store.put(`in/${i}.png`, pictures[i % pictures.length]!);
      const { card } = createTestModel(new Map());
      const common = { ...CALM, store, card, decoder, classifier: stripes, limits: { ...limits, maxComparisonCalls } };
      const first = await simulateJob({ ...common, spec: makeSpec("one", null, { chunkSize: 1 }) });
      const ended = new Map<string, JobCoordinator>([["one", first.coordinator]]);
      const second = await simulateJob({ ...common, spec: makeSpec("two", "one", { chunkSize: 10 }), ended });
      expect(second.state.status).toBe("completed");
      return second.peaks.finalize.subrequests;
    };
    // Six chunks read ten parts each; in one step all of them, or one chunk's beside what every step uploads and carries.
    expect(await measure(1000)).toBeGreaterThan((await measure(1)) + 30);
  });
});
