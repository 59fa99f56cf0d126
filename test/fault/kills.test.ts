import { beforeAll, describe, expect, it, vi } from "vitest";
import { checkSuccess, LAYOUTS, makeLaidOutSpec, matchMoment, readOutputs, run } from "./scene.ts";
import type { SimulationOptions, SimulationResult } from "./simulation.ts";

/**
 * One death, or one message lost or doubled, at every place there is, one after the other: before and after each call that planning,
 * scoring and finalizing make of a port.
 */

vi.setConfig({ testTimeout: 300_000 });

interface Ending {
  readonly status: string;
  readonly failure: unknown;
  readonly outcomes: unknown;
  readonly outputs: Readonly<Record<string, string>>;
}

describe.each(LAYOUTS)("the outputs (%s) are those of a calm day", (layout) => {
  /** Four chunks; three finalizing steps with a carried state between them, or three ranges of two; an upload in parts; one consumer after the other. */
  const spec = makeLaidOutSpec(layout, { limits: { chunkSize: 4, maxConcurrency: 1 } });
  let calm: SimulationResult;
  let expected: Ending;

  async function runScene(
    changes: Partial<SimulationOptions>,
  ): Promise<{ readonly result: SimulationResult; readonly ending: Ending }> {
    const { result, store } = await run({ spec, ...changes });
    const { status, failure, outcomes } = result.state;
    await checkSuccess(store);
    return { result, ending: { status, failure, outcomes, outputs: await readOutputs(store) } };
  }

  beforeAll(async () => {
    const first = await runScene({});
    [calm, expected] = [first.result, first.ending];
  });

  it("the calm day ends well, with every kind of call", () => {
    expect(expected).toMatchObject({
      status: "completed_with_errors",
      failure: null,
      outcomes: { scored: 12, failed: 2 },
    });
    const kinds = new Set(calm.moments.map((moment) => moment.split(" ").slice(0, 2).join(" ")));
    for (const side of ["before", "after"]) {
      for (const call of ["list", "read", "put", "head", "begin", "part", "complete", "delete"]) {
        expect(kinds).toContain(`${side} ${call}`);
      }
      const merging = layout !== "single" ? ["beginRange", "commitRange"] : [];
      for (const call of [
        "beginPlan",
        "commitPlan",
        "lease",
        "finish",
        ...merging,
        "beginFinalize",
        "commitFinalize",
      ]) {
        expect(kinds).toContain(`${side} ${call}`);
      }
    }
    expect(calm.moments.length).toBeGreaterThan(250);
  });

  it("whatever call the consumer dies before or after", async () => {
    const seen = new Map<string, number>();
    // Up to its first part, a partitioned data set is made like any other; of what follows, each third moment.
    const from = layout === "partitions" ? calm.moments.findIndex((moment) => moment.includes("beginRange")) : 0;
    const each = layout === "partitions" ? 3 : 1;
    for (const [at, moment] of calm.moments.entries()) {
      const nth = seen.get(moment) ?? 0;
      seen.set(moment, nth + 1);
      if (at < from || at % each !== 0) continue;
      const { result, ending } = await runScene({ killAt: matchMoment(moment, nth) });
      expect(result.kills, `killed ${moment} (${nth})`).toBe(1);
      expect(ending, `killed ${moment} (${nth})`).toEqual(expected);
    }
  });

  it.each(["lose", "duplicate"] as const)("whatever message the queue should %s", async (fate) => {
    for (let at = 0; at < calm.sends; at++) {
      const { ending } = await runScene({ sendAt: (sends) => (sends === at ? fate : null) });
      expect(ending, `${fate} message ${at}`).toEqual(expected);
    }
  });
});
