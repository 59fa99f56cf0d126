import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Limits } from "../../src/scoring/limits.ts";
import { HEALABLE_RATES } from "./fault-store.ts";
import { checkSuccess, LAYOUTS, makeLaidOutSpec, matchMoment, readOutputs, run, SMALL } from "./scene.ts";
import type { SimulationOptions } from "./simulation.ts";

/**
 * A large input is listed in ranges side by side. Whatever happens to them, each input is planned once, and has the index that it has
 * where one page is listed after the other.
 */

const RUNS = Number(process.env["SIMULATION_RUNS"] ?? 4);
vi.setConfig({ testTimeout: 60_000 + RUNS * 20_000 });

const narrow: Limits = {
  ...SMALL,
  plan: { ...SMALL.plan, maxItems: 2 },
  scan: { ...SMALL.scan, ranges: 6, listBytes: 300, probeKeys: 2, keysPerRange: 2, rangesPerStep: 2 },
};

const WAYS = {
  "a range a step": narrow,
  "ranges of several steps, planned to their end page by page": {
    ...narrow,
    plan: { ...SMALL.plan, maxItems: 1 },
    scan: { ...narrow.scan, probes: 3, stepsPerRange: 2, chunksPerStep: 2 },
  },
} satisfies Readonly<Record<string, Limits>>;

const TROUBLES: Readonly<Record<string, Partial<SimulationOptions>>> = {
  "messages duplicated, lost and reordered": { duplicateRate: 0.3, loseRate: 0.2 },
  "consumers killed before and after any call": { killRate: 0.05 },
  "all at once": {
    duplicateRate: 0.2,
    loseRate: 0.1,
    killRate: 0.03,
    leapRate: 0.01,
    stopRate: 0.2,
    faults: HEALABLE_RATES,
  },
};

/** Where a store gives short pages, and where pages come one after the other, chunks are cut elsewhere. */
const withoutCosts = (outputs: Record<string, string>) => ({ ...outputs, "run.lock.json": "" });

describe.each(Object.entries(WAYS))("an input in ranges: %s", (_way, limits) => {
  describe.each(LAYOUTS)("with outputs as %s", (layout) => {
    const spec = makeLaidOutSpec(layout);
    let inOrder: Record<string, string>;
    let calm: Record<string, string>;

    beforeAll(async () => {
      inOrder = await readOutputs((await run({ spec })).store);
      calm = await readOutputs((await run({ spec, limits })).store);
    });

    it("gives what a listing page after page gives", async () => {
      const { result, store } = await run({ spec, limits });
      const { scan, listed } = result.state;
      expect(scan).toMatchObject({
        begun: scan?.total,
        ready: scan?.total,
        taken: scan?.total,
        ahead: [],
        rest: false,
      });
      expect(scan?.total).toBeGreaterThan(1);
      expect(listed).toBe(14);
      expect(withoutCosts(await readOutputs(store))).toEqual(withoutCosts(inOrder));
      await checkSuccess(store);
    });

    it.each(Object.entries(TROUBLES))("%s", async (_name, trouble) => {
      for (let seed = 1; seed <= RUNS; seed++) {
        const { result, store } = await run({ ...trouble, spec, seed, limits });
        expect(result.state.failure, `seed ${seed}`).toBeNull();
        expect(result.state.listed, `seed ${seed}`).toBe(14);
        expect(withoutCosts(await readOutputs(store)), `seed ${seed}`).toEqual(withoutCosts(calm));
        await checkSuccess(store, { allowLate: trouble.leapRate !== undefined });
      }
    });

    it("is paused and goes on, or is canceled with one outcome for each input that was planned", async () => {
      for (let seed = 1; seed <= RUNS; seed++) {
        const at = (seed * 11) % 90;
        const { result, store } = await run({
          spec,
          seed,
          limits,
          killRate: 0.02,
          onStep: async (step, job) => {
            if (step === at) await job.command("pause");
            if (step === at + 40) await job.command(seed % 2 === 0 ? "resume" : "cancel");
          },
        });
        const { state } = result;
        const outputs = await readOutputs(store);
        expect(state.verdict === "completed" ? outputs : calm, `seed ${seed}`).toEqual(calm);
        const finished = Object.values(state.outcomes).reduce((sum, count) => sum + count, 0);
        expect(finished, `seed ${seed}`).toBe(state.listed);
        await checkSuccess(store);
      }
    });
  });

  it("whatever call of planning the consumer dies before or after", async () => {
    const spec = makeLaidOutSpec("single");
    const { result: calm, store: calmStore } = await run({ spec, limits });
    const expected = await readOutputs(calmStore);
    const calls = / (list|beginPlan|commitPlan|beginRange scan|commitRange)/;
    const moments = [...new Set(calm.moments)].filter((moment) => calls.test(moment));
    expect(moments.length).toBeGreaterThan(40);
    for (const moment of moments.filter((_, at) => at % 3 === 0)) {
      const { result, store } = await run({ spec, limits, killAt: matchMoment(moment, 0) });
      expect(result.kills, `killed ${moment}`).toBe(1);
      expect(await readOutputs(store), `killed ${moment}`).toEqual(expected);
    }
  });
});
