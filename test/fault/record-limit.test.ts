import { describe, expect, it, vi } from "vitest";
import type { FaceFinder } from "../../src/model/face-finder.ts";
import { LIMITS, type Limits } from "../../src/scoring/limits.ts";
import { countMaxRecords, ROW_BYTES } from "../../src/scoring/manifest/output-formats.ts";
import { choosePartBytes } from "../../src/scoring/outputs/part-buffer.ts";
import { HEALABLE_RATES } from "./fault-store.ts";
import { checkSuccess, makeSpec, parseRecords, readOutputs, run, SMALL } from "./scene.ts";
import type { SimulationOptions } from "./simulation.ts";

/** A job with more records than its outputs can hold is told so as soon as that is known, and keeps what was done before. */

const RUNS = Number(process.env["SIMULATION_RUNS"] ?? 10);
vi.setConfig({ testTimeout: 60_000 + RUNS * 20_000 });

const TROUBLE = { duplicateRate: 0.2, loseRate: 0.1, killRate: 0.03, leapRate: 0.01, faults: HEALABLE_RATES };

/** The limits of a job whose outputs can hold so many records. */
function holdRecords(records: number): Limits {
  const limits = { ...SMALL, multipartBytes: 1600, maxMultipartBytes: 1600, maxMultipartParts: records };
  expect(countMaxRecords(limits)).toBe(records);
  return limits;
}

/** Finds the same three faces in every picture that has room for them. */
const finder: FaceFinder = {
  name: "three@1",
  find: async ({ width }) =>
    [0, 12, 24].filter((x) => x + 8 <= width).map((x) => ({ box: { x, y: 0, width: 8, height: 8 }, score: 0.9 })),
  dispose() {},
};

const ALL_FACES = { spec: makeSpec({ faces: "all", minFacePixels: 4 }), finder };

/** Runs the job; its end and how many records its outputs have. */
async function runJob(changes: Partial<SimulationOptions>) {
  const { result, store } = await run(changes);
  await checkSuccess(store, { allowLate: changes.leapRate !== undefined });
  const { status, failure, listed, outcomes, records } = result.state;
  expect(parseRecords(await readOutputs(store))).toHaveLength(records);
  return { status, failure, listed, outcomes, records };
}

describe("the records of a job", () => {
  it("are as many as finalization takes, and not one more", () => {
    const most = countMaxRecords(LIMITS);
    const limits = { maxParts: LIMITS.maxMultipartParts, maxPartBytes: LIMITS.maxMultipartBytes };
    expect(most).toBe(106_168_320);
    expect(choosePartBytes(most * ROW_BYTES.labels, limits)).toBe(LIMITS.maxMultipartBytes);
    expect(() => choosePartBytes((most + 1) * ROW_BYTES.labels, limits)).toThrow("quota_exceeded");
    // Every other output has fewer rows, or shorter ones.
    expect(Math.max(...Object.values(ROW_BYTES))).toBe(ROW_BYTES.labels);
  });

  it("are refused by the planning step that lists too many, before the rest is listed", async () => {
    expect(await runJob({ limits: holdRecords(14) })).toMatchObject({ status: "completed_with_errors", listed: 14 });
    for (let seed = 1; seed <= RUNS; seed++) {
      // Steps of five inputs: the third would pass 13, the second 9.
      for (const [most, listed] of [
        [13, 10],
        [9, 5],
      ] as const) {
        const end = await runJob({ limits: holdRecords(most), seed, ...TROUBLE });
        expect(end, `seed ${seed}`).toMatchObject({ status: "failed", listed, records: listed });
        expect(end.failure?.code).toBe("quota_exceeded");
        expect(end.failure?.message).toContain(` ${most} records`);
      }
    }
  });

  it("of a list are refused before anything was scored", async () => {
    const objects = Array.from({ length: 12 }, (_, at) => ({ key: `in/${String(at).padStart(2, "0")}.png` }));
    const lines = `${objects.map((object) => JSON.stringify(object)).join("\n")}\n`;
    const { store } = await run({});
    await store.put("list.jsonl", lines);
    const spec = makeSpec({
      input: { store: "faces", manifest: { key: "list.jsonl" } },
      faces: "aligned",
      output: { store: "faces", prefix: "listed/" },
    });
    const { result } = await run({ store, spec, limits: holdRecords(11) });
    expect(result.state).toMatchObject({ status: "failed", failure: { code: "quota_exceeded" } });
    expect(result.state.outcomes.scored).toBe(0);
  });

  it("with several faces per picture are refused by the chunk that brings too many; what was scored before is kept", async () => {
    const { records: all, status } = await runJob(ALL_FACES);
    expect([all, status]).toEqual([expect.any(Number), "completed_with_errors"]);
    expect(all).toBeGreaterThan(25);
    for (let seed = 1; seed <= RUNS; seed++) {
      const most = 14 + (seed % (all - 13));
      const end = await runJob({ ...ALL_FACES, limits: holdRecords(most), seed, ...TROUBLE });
      expect(end.records, `seed ${seed}`).toBeLessThanOrEqual(most);
      expect(end.status, `seed ${seed}`).toBe(most < all ? "failed" : "completed_with_errors");
      expect(end.failure?.code, `seed ${seed}`).toBe(most < all ? "quota_exceeded" : undefined);
    }
    const exact = await runJob({ ...ALL_FACES, limits: holdRecords(all) });
    expect(exact).toMatchObject({ status: "completed_with_errors", records: all });
    expect(await runJob({ ...ALL_FACES, limits: holdRecords(all - 1) })).toMatchObject({ status: "failed" });
  });
});
