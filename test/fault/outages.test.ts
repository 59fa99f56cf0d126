import { beforeAll, describe, expect, it, vi } from "vitest";
import type { JobCoordinator } from "../../src/scoring/job/coordinator-port.ts";
import { viewJob } from "../../src/scoring/job/job-view.ts";
import { makeRetryManifest } from "../../src/scoring/requests/retry-failed.ts";
import { OUTPUT_NAMES, jobFolder } from "../../src/scoring/keys.ts";
import { createRandom, type Fault, type FaultCall } from "./fault-store.ts";
import { checkSuccess, makeSpec, parseRecords, readOutputs, run, SMALL } from "./scene.ts";
import type { SimulationOptions } from "./simulation.ts";

/** A store that is away, throttles, hangs or takes nothing costs a job time and nothing else. The limits are those that are shipped. */

/** Seeds of each property; `SIMULATION_RUNS=1000` for a long look. */
const RUNS = Number(process.env["SIMULATION_RUNS"] ?? 9);
vi.setConfig({ testTimeout: 60_000 + RUNS * 20_000 });

const SECOND = 1000;
const HOUR = 3600 * SECOND;
/** Two of the fourteen inputs fail on any day, a third is one too many: whatever an outage counted against the job would end it. */
const STRICT = { chunkSize: 3, maxConcurrency: 3, errorThreshold: 2 / 14, errorMinimumSample: 14 };
const spec = makeSpec({ limits: STRICT });
const { createdMs } = spec;
const FAULTS = ["unavailable", "throttled", "timeout"] as const;

type Outage = NonNullable<SimulationOptions["outage"]>;

const isInput = ({ key }: FaultCall): boolean => key.startsWith("in/");
const isOutput = ({ key }: FaultCall): boolean => key.startsWith("out/");

/** Away from `fromMs` after the job was made, for `forMs`. */
function away(
  fromMs: number,
  forMs: number,
  kind: (typeof FAULTS)[number],
  strikes: (call: FaultCall) => boolean,
): Outage {
  return (call, nowMs) =>
    strikes(call) && nowMs >= createdMs + fromMs && nowMs < createdMs + fromMs + forMs ? { kind } : null;
}

/** The stores that the job was seen waiting for. */
function watchWaits(): { readonly seen: Set<string>; readonly onStep: NonNullable<SimulationOptions["onStep"]> } {
  const seen = new Set<string>();
  return {
    seen,
    onStep: async (_step: number, job: JobCoordinator, nowMs: number) => {
      const { state } = (await job.read())!;
      const view = viewJob(state, spec, nowMs);
      if (view.waiting !== undefined) seen.add(`${view.waiting.store}: ${view.waiting.code}`);
    },
  };
}

let calm: Record<string, string>;
beforeAll(async () => {
  calm = await readOutputs((await run({ spec })).store);
});

const cancelAtStep40: SimulationOptions["onStep"] = async (step, job) => {
  if (step === 40) await job.command("cancel");
};

describe("a store that is away", () => {
  it.each(FAULTS)("for seconds or hours is waited for, and the outputs are those of a calm day: %s", async (kind) => {
    const waits = watchWaits();
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = createRandom(seed);
      const fromMs = Math.floor(random() * 200);
      const forMs = [12 * SECOND, 10 * 60 * SECOND, 5 * HOUR][seed % 3]!;
      const strikes = [isInput, isOutput, () => true][Math.floor(random() * 3)]!;
      const outage = away(fromMs, forMs, kind, strikes);
      const { result, store } = await run({ spec, seed, outage, tickRate: 0.5, ...waits });
      expect(result.state, `seed ${seed}`).toMatchObject({ failure: null, outcomes: { scored: 12, failed: 2 } });
      expect(result.state.waiting ?? null, `seed ${seed}`).toBeNull();
      expect(await readOutputs(store), `seed ${seed}`).toEqual(calm);
      await checkSuccess(store, { allowLate: true });
    }
    expect([...waits.seen]).toEqual([
      `faces: ${{ unavailable: "store_unavailable", throttled: "store_throttled", timeout: "store_timeout" }[kind]}`,
    ]);
  });

  it("again and again, while consumers die and leases expire, is waited for", async () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const outage: Outage = (call, nowMs) => {
        const minute = Math.floor((nowMs - createdMs) / 30_000);
        return minute < 20 && minute % 2 === 0 && !call.key.includes("work/") ? { kind: FAULTS[minute % 3]! } : null;
      };
      const trouble = { killRate: 0.02, loseRate: 0.05, duplicateRate: 0.1, leapRate: 0.01 };
      const { result, store } = await run({ spec, seed, outage, ...trouble });
      expect(result.state, `seed ${seed}`).toMatchObject({ failure: null, outcomes: { scored: 12, failed: 2 } });
      expect(await readOutputs(store), `seed ${seed}`).toEqual(calm);
    }
  });

  it("is not stormed meanwhile: a few reads in a growing pause, and all chunks again when it is back", async () => {
    const struck: number[] = [];
    const until = createdMs + HOUR;
    const outage: Outage = (call, nowMs) => {
      if (!isInput(call) || call.operation === "list" || nowMs >= until) return null;
      struck.push(nowMs);
      return { kind: "unavailable" };
    };
    // All chunks have been handed out when the first meets the outage.
    const wide = makeSpec({ limits: { ...STRICT, chunkSize: 1, maxConcurrency: 14 } });
    const { result } = await run({ spec: wide, outage });
    expect(result.state.outcomes).toMatchObject({ scored: 12 });
    // Four reads each of the four consumers, and of the two chunks that probe: those that wait in the queue go back unread.
    expect(struck.filter((ms) => ms < createdMs + SECOND).length).toBeLessThanOrEqual((4 + 2) * 4);
    // An hour of pauses of a minute: two chunks, each read four times, and the first minute's shorter pauses.
    expect(struck.length).toBeLessThan((60 + 6) * 2 * 4 * 2 + 24);
    expect(result.state.window ?? null).toBeNull();
  });

  it("gives no more than three parts and then fails for a minute: each finalizing step keeps what it merged", async () => {
    let [left, until] = [3, 0];
    const outage: Outage = ({ operation, key }, nowMs) => {
      if (operation !== "get" || !/parts\/.*jsonl/.test(key)) return null;
      if (nowMs >= until && left > 0) left -= 1;
      else if (nowMs >= until) [left, until] = [3, nowMs + 60 * SECOND];
      return nowMs >= until ? null : { kind: "unavailable" };
    };
    const limits = { ...SMALL, maxChunksPerFinalizeStep: 100 };
    const many = makeSpec({ limits: { ...STRICT, chunkSize: 1 } });
    const { result } = await run({ spec: many, limits, outage, tickRate: 0.5 });
    expect(result.state).toMatchObject({ failure: null, outcomes: { scored: 12, failed: 2 } });
  });

  it("until the job's time is over leaves every input expired, for retry-failed to take up", async () => {
    const brief = makeSpec({ limits: { ...STRICT, expiresInSeconds: 3600 } });
    const outage: Outage = (call, nowMs) =>
      isInput(call) && nowMs < createdMs + 2 * HOUR && call.operation !== "list" ? { kind: "timeout" } : null;
    const { result, store } = await run({ spec: brief, outage });
    expect(result.state).toMatchObject({ status: "expired", outcomes: { expired: 14, failed: 0 }, waiting: null });
    const body = makeRetryManifest(brief, `${jobFolder("out/", "job")}${OUTPUT_NAMES.errors}`);
    const again = await run({
      spec: { ...makeSpec(body), id: "again", createdMs: createdMs + 3 * HOUR, retryOf: "job" },
      store,
    });
    expect(again.result.state.outcomes).toMatchObject({ scored: 12, failed: 2 });
  });
});

describe("a store that throttles", () => {
  it("more than half of all calls, for minutes, costs time only", async () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = createRandom(seed * 31);
      const outage: Outage = (_call, nowMs) =>
        nowMs < createdMs + 10 * 60 * SECOND && random() < 0.6 ? { kind: "throttled" } : null;
      const { result, store } = await run({ spec, seed, outage, tickRate: 0.5 });
      expect(result.state, `seed ${seed}`).toMatchObject({ failure: null, outcomes: { scored: 12, failed: 2 } });
      expect(await readOutputs(store), `seed ${seed}`).toEqual(calm);
    }
  });
});

describe("a store that hangs", () => {
  /** Longer than all tries of a single input take. */
  const FOR_MS = 3 * HOUR;

  it.each(["hang", "mute"] as const)("is named soon, and no input pays for it: %s", async (kind) => {
    const noticedMs: number[] = [];
    for (let seed = 1; seed <= RUNS; seed++) {
      const strikes = [isInput, isOutput, () => true][seed % 3]!;
      // From any call of planning, scoring and finalizing on.
      let healthy = Math.floor(createRandom(seed * 17)() * 70);
      let struckMs = Number.POSITIVE_INFINITY;
      let namedMs = Number.POSITIVE_INFINITY;
      const { result, store } = await run({
        spec,
        seed,
        tickRate: 0.5,
        outage(call, nowMs) {
          healthy -= 1;
          if (healthy >= 0 || !strikes(call) || nowMs > struckMs + FOR_MS) return null;
          struckMs = Math.min(struckMs, nowMs);
          return { kind };
        },
        async onStep(_step, job, nowMs) {
          if (viewJob((await job.read())!.state, spec, nowMs).waiting?.store === "faces")
            namedMs = Math.min(namedMs, nowMs);
        },
      });
      expect(result.state, `seed ${seed}`).toMatchObject({ failure: null, outcomes: { scored: 12, failed: 2 } });
      expect(await readOutputs(store), `seed ${seed}`).toEqual(calm);
      // All inputs may have been read before.
      if (struckMs < namedMs) noticedMs.push(namedMs - struckMs);
    }
    expect(noticedMs.length).toBeGreaterThan(RUNS / 2);
    // Two timeouts of the first input, and two of another, where the store hangs for inputs alone. Where it hangs for all, the third is the last.
    expect(Math.max(...noticedMs)).toBeLessThanOrEqual(41 * SECOND);
  });
});

describe("a store that takes nothing", () => {
  it.each(["unavailable", "hang"] as const)("but gives everything costs time only: %s", async (kind) => {
    for (let seed = 1; seed <= RUNS; seed++) {
      let healthy = Math.floor(createRandom(seed * 13)() * 12);
      let untilMs = Number.POSITIVE_INFINITY;
      const outage: Outage = ({ operation }, nowMs) => {
        if (operation !== "put" && operation !== "uploadPart") return null;
        healthy -= 1;
        if (healthy >= 0 || nowMs > untilMs) return null;
        untilMs = Math.min(untilMs, nowMs + HOUR / 2);
        return { kind };
      };
      const { result, store } = await run({ spec, seed, outage, tickRate: 0.5 });
      expect(result.state, `seed ${seed}`).toMatchObject({ failure: null, outcomes: { scored: 12, failed: 2 } });
      expect(await readOutputs(store), `seed ${seed}`).toEqual(calm);
    }
  });
});

const never =
  (key: string, kind: Fault["kind"] & ("unavailable" | "timeout")): Outage =>
  (call) =>
    call.key === key ? { kind } : null;

describe("one object that the store never gives", () => {
  it.each(["in/00.png", "in/04.png", "in/11.png"])("is recorded as such, and keeps nobody waiting: %s", async (key) => {
    for (const kind of ["unavailable", "timeout"] as const) {
      const { result, store } = await run({ spec, outage: never(key, kind) });
      expect(result.state).toMatchObject({ status: "completed_with_errors", outcomes: { scored: 11, failed: 3 } });
      const records = parseRecords(await readOutputs(store));
      const failed = records.filter((record) => record.error?.code === `store_${kind}`);
      expect(failed.map((record) => record.key)).toEqual([key]);
      // Within the hour, tries over minutes.
      const end = result.state.times.completed_with_errors!;
      expect(end - createdMs).toBeGreaterThan(5 * 60 * SECOND);
      expect(end - createdMs).toBeLessThan(HOUR);
    }
  });
});

describe("several objects that the store never gives", () => {
  it.each([
    ["in/00.png", "in/04.png"],
    ["in/00.png", "in/01.png", "in/11.png"],
  ])("are recorded as such, whichever they are: %s, %s", async (...keys) => {
    const tolerant = makeSpec({ limits: { ...STRICT, errorThreshold: 1 } });
    const outage: Outage = (call) => (keys.includes(call.key) ? { kind: "unavailable" } : null);
    const { result, store } = await run({ spec: tolerant, outage });
    const [scored, failed] = [12 - keys.length, 2 + keys.length];
    expect(result.state).toMatchObject({ status: "completed_with_errors", outcomes: { scored, failed } });
    const records = parseRecords(await readOutputs(store));
    expect(records.filter((record) => record.error?.code === "store_unavailable").map(({ key }) => key)).toEqual(keys);
  });
});

describe("a job that failed", () => {
  it("leaves what it did not come to in errors.jsonl, for retry-failed to take up", async () => {
    const intolerant = makeSpec({ limits: { ...STRICT, maxConcurrency: 1, errorThreshold: 0, errorMinimumSample: 1 } });
    const { result, store } = await run({ spec: intolerant });
    const { status, outcomes } = result.state;
    expect(status).toBe("failed");
    expect(outcomes.cancelled).toBeGreaterThan(0);
    const lines = (await readOutputs(store))["errors.jsonl"]!.trimEnd().split("\n");
    expect(lines).toHaveLength(outcomes.failed + outcomes.cancelled);
    const body = makeRetryManifest(spec, `${jobFolder("out/", "job")}${OUTPUT_NAMES.errors}`);
    const again = await run({ spec: { ...makeSpec(body), id: "again", retryOf: "job" }, store });
    expect(again.result.state.outcomes).toMatchObject({ scored: 12 - outcomes.scored });
  });

  it("but not what somebody canceled", async () => {
    const { result, store } = await run({ spec, onStep: cancelAtStep40 });
    expect(result.state.outcomes.cancelled).toBeGreaterThan(0);
    const errors = (await readOutputs(store))["errors.jsonl"]!;
    expect(errors.split("\n").filter((line) => line.includes('"item_cancelled"'))).toEqual([]);
  });
});
