import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import type { ScoreRecord } from "../../../../src/scoring/records/records.ts";
import { compareFaces } from "../../../../src/scoring/statistics/compare-faces.ts";
import { computePairedDifference, testMcNemar } from "../../../../src/scoring/statistics/paired.ts";
import { createRandom } from "../../../../src/scoring/statistics/random.ts";
import { anyRecord, makeRecords } from "../fold/aggregate-fixtures.ts";

const limits = { maxWaiting: 1000 };

/** The same records in an order of their own. */
function shuffle<T>(values: readonly T[], seed: number): T[] {
  const random = createRandom(seed);
  return values
    .map((value) => ({ value, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

function makeFace(id: string, label: string, probabilities: Record<string, number>, truth: string | null): ScoreRecord {
  const [base] = makeRecords(1);
  return { ...base!, id, status: "scored", label, probabilities, truth, error: null };
}

describe("paired figures", () => {
  it("are the published ones of 21 children before and after a transplant", () => {
    // Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91, and 2014, Statistics in Medicine 33:2850.
    const { value, low, high } = computePairedDifference({ both: 1, first: 7, second: 1, neither: 12 })!;
    expect([value, low, high].map((figure) => figure.toFixed(3))).toEqual(["-0.286", "-0.507", "-0.026"]);
    expect(testMcNemar(7, 1).toFixed(3)).toBe("0.039");
  });

  it("cover what they estimate", () => {
    const random = createRandom(7);
    let covered = 0;
    for (let round = 0; round < 400; round += 1) {
      const counts = { both: 0, first: 0, second: 0, neither: 0 };
      for (let unit = 0; unit < 60; unit += 1) {
        const at = random.next();
        counts[at < 0.4 ? "both" : at < 0.65 ? "first" : at < 0.75 ? "second" : "neither"] += 1;
      }
      const { low, high } = computePairedDifference(counts)!;
      if (low <= -0.15 && high >= -0.15) covered += 1;
    }
    expect(covered).toBeGreaterThan(400 * 0.93);
    expect(covered).toBeLessThan(400);
  });

  it("mirror, say nothing of nothing, and go on without a step where the approximation begins", () => {
    expect(computePairedDifference({ both: 0, first: 0, second: 0, neither: 0 })).toBeNull();
    expect(testMcNemar(0, 0)).toBe(1);
    expect(testMcNemar(9, 9)).toBe(1);
    expect(testMcNemar(471, 530)).toBeCloseTo(testMcNemar(470, 529), 2);
    fc.assert(
      fc.property(
        fc.array(fc.nat(40), { minLength: 4, maxLength: 4 }),
        ([both = 0, first = 0, second = 0, neither = 1]) => {
          const there = computePairedDifference({ both, first, second, neither: neither + 1 })!;
          const back = computePairedDifference({ both, first: second, second: first, neither: neither + 1 })!;
          expect(there.low).toBeLessThanOrEqual(there.value);
          expect(there.high).toBeGreaterThanOrEqual(there.value);
          expect([there.value, there.low, there.high]).toEqual(
            [-back.value, -back.high, -back.low].map((figure) => expect.closeTo(figure, 12)),
          );
          expect(testMcNemar(first, second)).toBe(testMcNemar(second, first));
        },
      ),
    );
  });
});

describe("two jobs side by side", () => {
  it("are counted face by face, with labels of their own", async () => {
    const first = [
      makeFace("a", "Happy", { Happy: 0.9, Sad: 0.1 }, "Happy"),
      makeFace("b", "Sad", { Happy: 0.2, Sad: 0.8 }, "Sad"),
      makeFace("c", "Sad", { Happy: 0.4, Sad: 0.6 }, "Happy"),
      makeFace("only", "Sad", { Happy: 0.4, Sad: 0.6 }, "Happy"),
    ];
    const second = [
      makeFace("c", "Happy", { Happy: 0.7, Sad: 0.2, Calm: 0.1 }, null),
      makeFace("b", "Calm", { Happy: 0, Sad: 0, Calm: 1 }, null),
      makeFace("a", "Happy", { Happy: 0.9, Sad: 0.1, Calm: 0 }, "Happy"),
    ];
    const compared = await compareFaces(first, second, limits);
    expect(compared.faces).toEqual({
      compared: 3,
      scoredByFirst: 0,
      scoredBySecond: 0,
      scoredByNone: 0,
      onlyFirst: 1,
      onlySecond: 0,
    });
    expect(compared.confusion).toEqual({
      first: ["Happy", "Sad"],
      second: ["Happy", "Sad", "Calm"],
      counts: [
        [1, 0, 0],
        [1, 0, 1],
      ],
    });
    expect(compared.agreement.agreed).toBe(1);
    expect(compared.shares.map(({ label, first: a, second: b }) => [label, a, b])).toEqual([
      ["Happy", 1 / 3, 2 / 3],
      ["Sad", 2 / 3, 0],
      ["Calm", 0, 1 / 3],
    ]);
    expect(compared.truth).toMatchObject({ faces: 3, onlyFirst: 1, onlySecond: 1, p: 1 });
    expect(compared.farthest.map(({ id, distance }) => [id, Number(distance.toFixed(3))])).toEqual([
      ["b", 1],
      ["c", 0.4],
    ]);
  });

  it("do not depend on the order of either, and a job agrees with itself", async () => {
    const records = makeRecords(300, { seed: 4 });
    const others = makeRecords(300, { seed: 4, tilt: 2 });
    const straight = await compareFaces(records, others, limits);
    const turned = await compareFaces(shuffle(records, 1), shuffle(others, 2), limits);
    // The order of labels is the first scored record's of each: the same model's.
    expect(turned).toEqual(straight);
    const own = await compareFaces(records, shuffle(records, 3), limits);
    const scored = records.filter(({ status }) => status === "scored").length;
    expect(own.faces).toMatchObject({ compared: scored, scoredByNone: 300 - scored, onlyFirst: 0, onlySecond: 0 });
    expect(own.agreement).toMatchObject({ agreed: scored, kappa: expect.closeTo(1, 12) });
    expect([own.truth?.p, own.farthest]).toEqual([1, []]);
  });

  it("count every record once, whatever they hold", async () => {
    const jobs = fc.array(anyRecord, { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(jobs, jobs, async (first, second) => {
        const { faces, confusion } = await compareFaces(first, second, limits);
        const { compared, scoredByFirst, scoredBySecond, scoredByNone, onlyFirst, onlySecond } = faces;
        const pairs = compared + scoredByFirst + scoredBySecond + scoredByNone;
        expect([pairs + onlyFirst, pairs + onlySecond]).toEqual([first.length, second.length]);
        expect(confusion.counts.flat().reduce((sum, count) => sum + count, 0)).toBe(compared);
      }),
    );
  });

  it("that have too little in common are refused before they fill the memory", async () => {
    const records = makeRecords(50);
    const others = records.map((record) => ({ ...record, id: `other/${record.id}` }));
    await expect(compareFaces(records, others, { maxWaiting: 20 })).rejects.toThrow(ScoringError);
    expect((await compareFaces(records, others, { maxWaiting: 50 })).faces).toMatchObject({
      compared: 0,
      onlyFirst: 50,
      onlySecond: 50,
    });
  });
});
