import { beforeAll, describe, expect, it, vi } from "vitest";
import type { JobSpec } from "../../src/scoring/job/job-spec.ts";
import type { JobState } from "../../src/scoring/job/job-state.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import type { InputItem } from "../../src/scoring/records/input-item.ts";
import { makeRetryManifest } from "../../src/scoring/requests/retry-failed.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import { OUTPUT_NAMES, jobFolder } from "../../src/scoring/keys.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { createCommander } from "./commander.ts";
import { HEALABLE_RATES } from "./fault-store.ts";
import { checkSuccess, createStore, makeSpec, parseRecords, pictures, readOutputs, run, SMALL } from "./scene.ts";
import type { SimulationOptions, SimulationResult } from "./simulation.ts";

/** What people and clients do to a job while everything that can fail does. */

/** Seeds of each property; `SIMULATION_RUNS=2000` for a long look. */
const RUNS = Number(process.env["SIMULATION_RUNS"] ?? 12);
vi.setConfig({ testTimeout: 60_000 + RUNS * 20_000 });

/** Kills, losses, duplicates, expiring leases and a failing store, all at once. */
const TROUBLE: Partial<SimulationOptions> = {
  duplicateRate: 0.15,
  loseRate: 0.1,
  killRate: 0.02,
  leapRate: 0.01,
  faults: HEALABLE_RATES,
};

const SPECS = {
  edge: makeSpec(),
  auto: makeSpec({ execution: "auto" }),
  client: makeSpec({ execution: "client" }),
} as const;

const PAUSES = ["pause", "resume"];
const CLIENTS = [
  "client lease",
  "client renewal",
  "client return",
  "client submission",
  "client repetition",
  "client_rejected",
  "conflict",
];

/** Each listed input has one outcome and one record, in order; all counts say the same; nothing more can happen. */
async function checkEnding(
  store: ObjectStore,
  { state, coordinator, chunks }: SimulationResult,
): Promise<readonly ScoreRecord[]> {
  const outputs = await readOutputs(store);
  const records = parseRecords(outputs);
  const lines = (outputs["input.jsonl"] ?? "").split("\n").filter((line) => line !== "");
  const listed = lines.map((line) => parseStored<InputItem>(line).id);
  expect(records.map(({ id }) => id)).toEqual(listed);
  expect(new Set(listed).size).toBe(state.listed);
  expect(state.records).toBe(records.length);
  for (const [outcome, count] of Object.entries(state.outcomes)) {
    expect(`${outcome} ${records.filter(({ status }) => status === outcome).length}`).toBe(`${outcome} ${count}`);
  }
  expect(chunks.reduce((sum, { count }) => sum + count, 0)).toBe(state.listed);
  await checkSuccess(store, { allowLate: true });
  for (const command of ["pause", "resume", "cancel"] as const) expect(await coordinator.command(command)).toBe(false);
  for (const { id, attempt } of chunks) {
    expect(await coordinator.lease(id)).toBeNull();
    expect(await coordinator.release(id, attempt, null)).toBe(false);
    expect(await coordinator.loseChunk(id)).toBe(false);
  }
  await coordinator.sweep();
  expect((await coordinator.read())?.state).toEqual(state);
  return records;
}

/** Runs one seed with commands; what was done to it. */
async function runCommanded(
  seed: number,
  spec: JobSpec,
  rates: { readonly pauseRate: number; readonly cancelRate: number; readonly clientRate: number },
): Promise<{ result: SimulationResult; store: ObjectStore; done: ReadonlyMap<string, number> }> {
  const store = await createStore();
  const { onStep, done } = createCommander({ seed, store, ...rates });
  const { result } = await run({ ...TROUBLE, seed, spec, store, onStep });
  return { result, store, done };
}

function addAll(sums: Map<string, number>, more: ReadonlyMap<string, number>): void {
  for (const [what, count] of more) sums.set(what, (sums.get(what) ?? 0) + count);
}

describe("paused and resumed, shared with clients, in trouble", () => {
  it.each(Object.entries(SPECS))("the outputs are those of a calm day: execution %s", async (execution, spec) => {
    const calm = await readOutputs((await run({ spec })).store);
    const sums = new Map<string, number>();
    const clientRate = { edge: 0, auto: 0.1, client: 0.6 }[execution] ?? 0;
    for (let seed = 1; seed <= RUNS; seed++) {
      const { result, store, done } = await runCommanded(seed, spec, { pauseRate: 0.02, cancelRate: 0, clientRate });
      addAll(sums, done);
      expect(result.state.failure, `seed ${seed}`).toBeNull();
      expect(result.state.status, `seed ${seed}`).toBe("completed_with_errors");
      await checkEnding(store, result);
      expect(await readOutputs(store), `seed ${seed}`).toEqual(calm);
    }
    // The schedules met what they are for.
    expect((execution === "edge" ? PAUSES : [...PAUSES, ...CLIENTS]).filter((what) => !sums.has(what))).toEqual([]);
  });
});

describe("stopped by a command or by its time, in trouble", () => {
  it("each input has one outcome, and what was scored is what a calm day scores", async () => {
    const calm = new Map(parseRecords(await readOutputs((await run({})).store)).map((record) => [record.id, record]));
    const endings = new Set<JobState["status"]>();
    for (let seed = 1; seed <= RUNS; seed++) {
      const spec = makeSpec({
        execution: seed % 2 === 0 ? "auto" : "edge",
        limits: { expiresInSeconds: seed % 3 === 0 ? 60 + ((seed * 37) % 600) : 86_400 },
      });
      const { result, store } = await runCommanded(seed, spec, {
        pauseRate: 0.01,
        cancelRate: seed % 3 === 0 ? 0 : 0.005,
        clientRate: seed % 2 === 0 ? 0.1 : 0,
      });
      const { status } = result.state;
      endings.add(status);
      for (const record of await checkEnding(store, result)) {
        const isLeft = record.status === "cancelled" || record.status === "expired";
        expect(isLeft ? record.status : record, `seed ${seed}`).toEqual(isLeft ? status : calm.get(record.id));
      }
    }
    expect([...endings]).toEqual(expect.arrayContaining(["cancelled", "expired"]));
  });
});

describe("too many failures, in trouble", () => {
  it("stop the job whatever came first; what was done is kept", async () => {
    const spec = makeSpec({ limits: { errorThreshold: 0.1, errorMinimumSample: 6 } });
    for (let seed = 1; seed <= RUNS; seed++) {
      const { result, store } = await run({ ...TROUBLE, seed, spec });
      expect(result.state, `seed ${seed}`).toMatchObject({ status: "failed", failure: { code: "error_threshold" } });
      const records = await checkEnding(store, result);
      expect(records.filter(({ status }) => status === "failed").length).toBeGreaterThan(0);
    }
  });

  it("do not stop a job below the minimum sample, or at the threshold itself", async () => {
    for (const [errorThreshold, errorMinimumSample] of [
      [2 / 14, 14],
      [0, 15],
    ]) {
      const { result } = await run({ spec: makeSpec({ limits: { errorThreshold, errorMinimumSample } }) });
      expect(result.state.status).toBe("completed_with_errors");
    }
  });

  it("count those that killed their consumer", async () => {
    const spec = makeSpec({ input: { store: "faces", prefix: "in/11" }, limits: { errorMinimumSample: 1 } });
    const limits = { ...SMALL, maxSingleExpiries: 2 };
    const { result } = await run({ spec, limits, isDeadly: () => true });
    expect(result.state).toMatchObject({ status: "failed", failure: { code: "error_threshold" } });
  });
});

/** Runs the job that takes up the failed inputs of the first; its outputs. */
async function retryFailed(store: ObjectStore, changes: Partial<SimulationOptions>): Promise<Record<string, string>> {
  const body = makeRetryManifest(makeSpec(), `${jobFolder("out/", "job")}${OUTPUT_NAMES.errors}`);
  const spec = { ...makeSpec(body), id: "again", retryOf: "job" };
  const { result } = await run({ ...changes, spec, store });
  expect(result.state).toMatchObject({ status: "completed_with_errors", outcomes: { scored: 2, failed: 2 } });
  await checkSuccess(store, { job: "again", allowLate: true });
  return readOutputs(store, "again");
}

describe("pictures that kill their consumer, in trouble", () => {
  const deadly = pictures.get("lossy.webp")!.length;
  const isDeadly = (bytes: Uint8Array): boolean => bytes.length === deadly;
  /** Fewer troubles than expiries: nobody is sealed for the deaths of others. */
  const limits = { ...SMALL, maxSingleExpiries: 12 };
  const trouble = { ...TROUBLE, leapRate: 0, maxTroubles: 10 };
  let calm: Record<string, string>;
  beforeAll(async () => {
    calm = await readOutputs((await run({ isDeadly, limits })).store);
  });

  it("are sealed alone, and all others scored", async () => {
    for (let seed = 1; seed <= RUNS / 2; seed++) {
      const { result, store } = await run({ ...trouble, seed, isDeadly, limits });
      const records = await checkEnding(store, result);
      const sealed = records.filter((record) => record.error?.code === "item_poisoned").map(({ key }) => key);
      expect(sealed, `seed ${seed}`).toEqual(["in/05.png", "in/11.png"]);
      expect(await readOutputs(store), `seed ${seed}`).toEqual(calm);
    }
  });

  it("and failed, are taken up by a retry, in trouble too", async () => {
    const { store } = await run({ isDeadly, limits });
    const expected = await retryFailed(store, {});
    expect(parseRecords(expected).map(({ key, status }) => `${key} ${status}`)).toEqual([
      "in/05-text.jpg failed",
      "in/05.png scored",
      "in/08-empty.jpg failed",
      "in/11.png scored",
    ]);
    for (let seed = 1; seed <= RUNS / 2; seed++) {
      const { store: other } = await run({ ...trouble, seed, isDeadly, limits });
      expect(await retryFailed(other, { ...TROUBLE, seed }), `seed ${seed}`).toEqual(expected);
    }
  });
});
