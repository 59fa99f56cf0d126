import { describe, expect, it, vi } from "vitest";
import { serializeRecords } from "../../src/scoring/records/record-line.ts";
import { HEALABLE_RATES } from "./fault-store.ts";
import { checkSuccess, LAYOUTS, makeLaidOutSpec, parseRecords, pictures, readOutputs, run, SMALL } from "./scene.ts";
import type { SimulationOptions } from "./simulation.ts";

/** Seeds of each property; `SIMULATION_RUNS=5000` for a long look. */
const RUNS = Number(process.env["SIMULATION_RUNS"] ?? 16);
vi.setConfig({ testTimeout: 60_000 + RUNS * 20_000 });

describe.each(LAYOUTS)("whatever happens, the outputs (%s) are those of a calm day", (layout) => {
  const spec = makeLaidOutSpec(layout);
  let calm: Record<string, string>;
  it("a calm day scores what can be scored, on six connections", async () => {
    const { result, store } = await run({ spec });
    expect(result.state.status).toBe("completed_with_errors");
    expect(result.state.outcomes).toMatchObject({ scored: 12, failed: 2 });
    expect(result.peaks.score.connections).toBe(3);
    await checkSuccess(store);
    calm = await readOutputs(store);
    expect(calm["labels.jsonl"]!.trimEnd().split("\n")).toHaveLength(14);
  });

  const troubles: Record<string, Partial<SimulationOptions>> = {
    "messages duplicated, lost and reordered": { duplicateRate: 0.3, loseRate: 0.2 },
    "consumers killed before and after any call": { killRate: 0.05 },
    "leases that expire under living consumers": { leapRate: 0.02 },
    "a store that fails": { faults: HEALABLE_RATES },
    "chunks whose time is over after any input": { stopRate: 0.4, killRate: 0.02, leapRate: 0.01 },
    "all at once": {
      duplicateRate: 0.2,
      loseRate: 0.1,
      killRate: 0.03,
      leapRate: 0.01,
      stopRate: 0.2,
      faults: HEALABLE_RATES,
    },
  };
  it.each(Object.entries(troubles))("%s", async (_name, trouble) => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const { result, store } = await run({ ...trouble, spec, seed });
      expect(result.state.failure, `seed ${seed}`).toBeNull();
      expect(result.state.outcomes, `seed ${seed}`).toMatchObject({ scored: 12, failed: 2 });
      expect(await readOutputs(store), `seed ${seed}`).toEqual(calm);
      await checkSuccess(store, { allowLate: trouble.leapRate !== undefined });
    }
  });
});

describe.each(LAYOUTS)("a cancelled job (%s)", (layout) => {
  const spec = makeLaidOutSpec(layout);
  it("leaves valid, finalized output with one outcome for each input, whenever it is cancelled", async () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const at = (seed * 13) % 250;
      const { result, store } = await run({
        spec,
        seed,
        killRate: 0.02,
        loseRate: 0.05,
        onStep: async (step, job) => {
          if (step === at) await job.command("cancel");
        },
      });
      const { state } = result;
      const outputs = await readOutputs(store);
      const records = parseRecords(outputs);
      expect(records, `seed ${seed}`).toHaveLength(state.listed);
      // Parts are carried into it byte for byte, beside the lines of chunks that have none.
      expect(outputs["labels.jsonl"] ?? "").toBe(Buffer.from(serializeRecords(records)).toString("latin1"));
      for (const status of ["scored", "failed", "cancelled"] as const) {
        expect(
          records.filter((record) => record.status === status),
          `seed ${seed}`,
        ).toHaveLength(state.outcomes[status]);
      }
      await checkSuccess(store);
    }
  });
});

describe.each(LAYOUTS)("a picture that kills its consumer (%s)", (layout) => {
  const spec = makeLaidOutSpec(layout);
  it("is sealed alone; all others are scored", async () => {
    const poison = pictures.get("lossy.webp")!.length;
    const isDeadly = (bytes: Uint8Array): boolean => bytes.length === poison;
    const { result, store } = await run({ spec, isDeadly, limits: { ...SMALL, maxSingleExpiries: 2 } });
    expect(result.state.outcomes).toMatchObject({ scored: 10, failed: 4 });
    expect(result.state.errors).toMatchObject({ item_poisoned: 2 });
    const outputs = await readOutputs(store);
    const records = parseRecords(outputs);
    const sealed = records.filter((record) => record.error?.code === "item_poisoned").map(({ key }) => key);
    expect(sealed.toSorted()).toEqual(["in/05.png", "in/11.png"]);
  });
});
