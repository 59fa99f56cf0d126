import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { compareRuns } from "../../../../src/scoring/statistics/drift.ts";
import {
  countFlips,
  emptyFlips,
  joinRuns,
  mergeFlips,
  type RecordPair,
  summarizeFlips,
} from "../../../../src/scoring/statistics/flips.ts";
import { computeWilson } from "../../../../src/scoring/statistics/intervals.ts";
import { estimatePrevalence, projectToSimplex, solveLinear } from "../../../../src/scoring/statistics/prevalence.ts";
import { createRandom } from "../../../../src/scoring/statistics/random.ts";
import { compareHistograms, computeKolmogorov, testShift } from "../../../../src/scoring/statistics/shift.ts";
import { suppressGroups } from "../../../../src/scoring/statistics/suppression.ts";
import { summarize } from "../../../../src/scoring/fold/summary.ts";
import { anyRecord, makeRecords } from "../fold/aggregate-fixtures.ts";

describe("Wilson's interval", () => {
  // Newcombe 1998, Statistics in Medicine 17:857–872, table I, method 3 (score, no continuity correction).
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])("of %i in %i is the published one", (count, total, low, high) => {
    const interval = computeWilson(count, total);
    expect(interval?.low).toBeCloseTo(low, 4);
    expect(interval?.high).toBeCloseTo(high, 4);
  });

  it("holds its estimate, stays in 0…1, mirrors, and is null of nothing", () => {
    expect(computeWilson(0, 0)).toBeNull();
    // Of no failures in n: z² / (n + z²), with quantiles from tables of the normal distribution.
    const quantiles = [
      [0.5, 0.674489750196082],
      [0.9, 1.644853626951472],
      [0.95, 1.959963984540054],
      [0.99, 2.575829303548901],
      [0.999, 3.290526731491926],
    ] as const;
    for (const [level, z] of quantiles) {
      expect(computeWilson(0, 10, level)!.high, `${level}`).toBeCloseTo((z * z) / (10 + z * z), 12);
    }
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e8 }), fc.double({ min: 0, max: 1, noNaN: true }), (total, share) => {
        const count = Math.round(share * total);
        const { value, low, high } = computeWilson(count, total)!;
        const mirror = computeWilson(total - count, total)!;
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
        expect(mirror.low).toBeCloseTo(1 - high, 9);
      }),
    );
  });
});

const confusion = [
  [80, 10, 10],
  [5, 90, 5],
  [20, 20, 60],
];

const estimate = (seed: number) => estimatePrevalence([30, 40, 30], confusion, { seed });

describe("corrected prevalence", () => {
  it("recovers the true shares from the counts that the confusions make of them", () => {
    fc.assert(
      fc.property(fc.tuple(fc.nat(100), fc.nat(100), fc.nat(100)), (truth) => {
        fc.pre(truth[0] + truth[1] + truth[2] > 0);
        const total = truth[0] + truth[1] + truth[2];
        const counts = [0, 1, 2].map((column) =>
          truth.reduce((sum, faces, row) => sum + faces * (confusion[row]?.[column] ?? 0), 0),
        );
        const corrected = estimatePrevalence(counts, confusion, { seed: 1, replicates: 10 });
        for (const [index, share] of corrected!.shares.entries())
          expect(share.value).toBeCloseTo(truth[index]! / total, 9);
      }),
    );
  });

  it("covers a rare class too, most often with no face of its label", () => {
    // 2 % of 40 faces, and no other class is ever taken for it.
    const sharp = [
      [8000, 1000, 1000],
      [0, 9500, 500],
      [0, 2000, 8000],
    ];
    let covered = 0;
    const runs = 200;
    for (let run = 0; run < runs; run += 1) {
      const random = createRandom(run + 1);
      const counts = [0, 0, 0];
      for (let face = 0; face < 40; face += 1) {
        const truth = random.next();
        const row = sharp[truth < 0.02 ? 0 : truth < 0.6 ? 1 : 2]!.map((count) => count / 10_000);
        const predicted = random.next();
        counts[predicted < row[0]! ? 0 : predicted < row[0]! + row[1]! ? 1 : 2]! += 1;
      }
      const { low, high } = estimatePrevalence(counts, sharp, { seed: run, replicates: 200 })!.shares[0]!;
      if (low <= 0.02 && high >= 0.02) covered += 1;
    }
    expect(covered / runs).toBeGreaterThan(0.9);
  });

  it("is sure of no share that so few faces cannot settle", () => {
    // 5 % of a rare class would often leave none among 69 faces, however they were labeled; of a million, 0.1 % would not.
    const [few, many] = [69, 1_000_000].map(
      (faces) => estimatePrevalence([0, faces, 0], confusion, { seed: 1 })!.shares,
    );
    expect(few![0]!.value).toBe(0);
    expect(few!.every(({ low, high }) => high - low > 0.05)).toBe(true);
    expect(many![0]!.high).toBeGreaterThan(0.001);
  });

  it("covers the truth about as often as it says", () => {
    const truth = [0.5, 0.2, 0.3];
    let covered = 0;
    const runs = 200;
    for (let run = 0; run < runs; run += 1) {
      const random = createRandom(run + 100);
      const draw = (shares: readonly number[]): number => {
        let left = random.next() * shares.reduce((a, b) => a + b, 0);
        return Math.max(
          0,
          shares.findIndex((share) => (left -= share) < 0),
        );
      };
      const counts = [0, 0, 0];
      for (let face = 0; face < 400; face += 1) counts[draw(confusion[draw(truth)]!)]! += 1;
      // The evaluation set is a sample too.
      const sampled = confusion.map((row) => {
        const drawn = [0, 0, 0];
        for (let face = 0; face < 100; face += 1) drawn[draw(row)]! += 1;
        return drawn;
      });
      const share = estimatePrevalence(counts, sampled, { seed: run, replicates: 200 })!.shares[0]!;
      if (share.low <= 0.5 && share.high >= 0.5) covered += 1;
    }
    expect(covered / runs).toBeGreaterThan(0.9);
    expect(covered / runs).toBeLessThan(0.995);
  });

  it("is the same for the same seed, and another for another", () => {
    expect(estimate(7)).toEqual(estimate(7));
    expect(estimate(7)?.shares[0]?.low).not.toBe(estimate(8)?.shares[0]?.low);
    expect(estimate(7)?.assumption).toContain("Assumes");
  });

  it("is null where it cannot be known", () => {
    expect(estimatePrevalence([0, 0, 0], confusion, { seed: 1 })).toBeNull();
    expect(
      estimatePrevalence(
        [1, 1],
        [
          [5, 5],
          [5, 5],
        ],
        { seed: 1 },
      ),
    ).toBeNull();
    expect(
      estimatePrevalence(
        [1, 1],
        [
          [5, 0],
          [0, 0],
        ],
        { seed: 1 },
      ),
    ).toBeNull();
  });

  it("projects to the nearest point of the simplex", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 3, maxLength: 3 }),
        fc.nat(),
        (point, seed) => {
          const nearest = projectToSimplex(point);
          expect(nearest.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
          expect(Math.min(...nearest)).toBeGreaterThanOrEqual(0);
          const distance = (other: readonly number[]) =>
            Math.hypot(...other.map((value, index) => value - point[index]!));
          const random = createRandom(seed);
          for (let trial = 0; trial < 20; trial += 1) {
            const draws = [1, 1, 1].map(() => random.nextGamma(0.5));
            const sum = draws.reduce((a, b) => a + b);
            expect(distance(nearest)).toBeLessThanOrEqual(distance(draws.map((draw) => draw / sum)) + 1e-9);
          }
        },
      ),
    );
    expect(
      solveLinear(
        [
          [0, 2],
          [1, 0],
        ],
        [4, 3],
      ),
    ).toEqual([3, 2]);
  });

  it("draws gamma variates of the right mean and variance", () => {
    const random = createRandom(3);
    for (const shape of [0.3, 1, 7, 500]) {
      const draws = Array.from({ length: 20_000 }, () => random.nextGamma(shape));
      const mean = draws.reduce((a, b) => a + b) / draws.length;
      const variance = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / draws.length;
      expect(Math.abs(mean / shape - 1)).toBeLessThan(0.05);
      expect(Math.abs(variance / shape - 1)).toBeLessThan(0.1);
    }
  });
});

describe("shift", () => {
  it("gives χ², its probability and Cramér's V as R does", () => {
    // R: chisq.test(matrix(c(762,484,327,468,239,477), 2, byrow = …)) on Agresti 2007, p. 39: X² = 30.07, df = 2, p = 2.954e-07.
    const test = testShift([762, 327, 468], [484, 239, 477])!;
    expect(test.chiSquare).toBeCloseTo(30.07, 2);
    expect(test.degrees).toBe(2);
    expect(test.p).toBeCloseTo(2.954e-7, 9);
    expect(test.cramersV).toBeCloseTo(Math.sqrt(30.07 / 2757), 4);
    expect([test.effect, test.reliable]).toEqual(["small", true]);
  });

  it("sees nothing in two equal rows and says when it is rough", () => {
    expect(testShift([50, 50, 0], [100, 100, 0])).toMatchObject({
      chiSquare: 0,
      p: 1,
      cramersV: 0,
      degrees: 1,
      cohensW: 0,
    });
    expect(testShift([2, 3], [3, 2])?.reliable).toBe(false);
    expect(testShift([5, 0], [0, 5])).toMatchObject({ cramersV: 1, cohensW: null, effect: "large" });
    expect(testShift([0, 0], [1, 2])).toBeNull();
  });

  it("measures PSI and Kolmogorov–Smirnov on histograms", () => {
    expect(compareHistograms([10, 20, 30, 0], [10, 20, 30, 0])).toMatchObject({
      psi: 0,
      ks: 0,
      p: 1,
      verdict: "stable",
    });
    const shifted = compareHistograms([100, 0], [0, 100])!;
    expect(shifted.ks).toBe(1);
    expect(shifted.verdict).toBe("shifted");
    // (0.6−0.5)·ln(0.6/0.5) + (0.4−0.5)·ln(0.4/0.5), as the counts outgrow the half counts.
    expect(compareHistograms([5e6, 5e6], [6e6, 4e6])?.psi).toBeCloseTo(0.1 * Math.log(1.2) - 0.1 * Math.log(0.8), 5);
    // Kolmogorov's table: 1.358 is the 5 % point, 1.628 the 1 % point.
    expect(computeKolmogorov(1.3581 / 1000, 1e6)).toBeCloseTo(0.05, 3);
    expect(computeKolmogorov(1.6276 / 1000, 1e6)).toBeCloseTo(0.01, 3);
  });
});

const fold = (list: RecordPair[]) => summarizeFlips(list, 3);

describe("label flips", () => {
  const pairs: fc.Arbitrary<RecordPair[]> = fc.array(
    fc.tuple(fc.option(anyRecord), fc.option(anyRecord)).map(([before, after]): RecordPair => [before, after]),
    { maxLength: 30 },
  );

  it("fold in any order", () => {
    fc.assert(
      fc.property(pairs, pairs, pairs, (a, b, c) => {
        const whole = fold([...a, ...b, ...c]);
        expect(mergeFlips(mergeFlips(fold(a), fold(b)), fold(c))).toEqual(whole);
        expect(mergeFlips(fold(c), mergeFlips(fold(b), fold(a)))).toEqual(whole);
        expect(mergeFlips(emptyFlips(3), whole)).toEqual(whole);
      }),
    );
  });

  it("join runs by id as a map would", async () => {
    const before = makeRecords(60, { seed: 1 }).map((record, index) => ({
      ...record,
      id: `i${String(index * 2).padStart(4, "0")}`,
    }));
    const after = makeRecords(60, { seed: 2 }).map((record, index) => ({
      ...record,
      id: `i${String(index * 3).padStart(4, "0")}`,
    }));
    const joined: RecordPair[] = [];
    for await (const pair of joinRuns(before, after)) joined.push(pair);
    const ids = [...new Set([...before, ...after].map(({ id }) => id))].sort();
    expect(joined.map(([a, b]) => (a ?? b)?.id)).toEqual(ids);
    const known = new Map(before.map((record) => [record.id, record]));
    const counts = countFlips(summarizeFlips(joined));
    const both = after.filter((record) => known.get(record.id)?.label && record.label);
    expect(counts.compared).toBe(both.length);
    expect(counts.flipped).toBe(both.filter((record) => known.get(record.id)?.label !== record.label).length);
    expect(counts.flipped).toBeGreaterThan(0);
  });

  it("refuse runs that are not sorted", async () => {
    const run = makeRecords(3).map((record, index) => ({ ...record, id: String(3 - index) }));
    await expect(async () => {
      for await (const pair of joinRuns(run, [])) void pair;
    }).rejects.toThrow(ScoringError);
  });
});

describe("drift of a run", () => {
  const options = { groupBy: [] };

  it("finds shifted labels and darker pictures, and nothing in a second sample of the same", () => {
    const base = summarize(makeRecords(3000, { seed: 1 }), options);
    const same = compareRuns(base, summarize(makeRecords(3000, { seed: 2 }), options), {
      against: { name: "last run", jobId: "a" },
    });
    expect(same.findings).toEqual([]);
    expect(same.labels?.p).toBeGreaterThan(0.001);
    const moved = compareRuns(base, summarize(makeRecords(3000, { seed: 2, tilt: 1, dark: 30 }), options), {
      against: { name: "last run", jobId: "a" },
    });
    expect(moved.findings.join(" ")).toMatch(/labels shifted.*brightness shifted/);
    expect(moved.quality.find(({ measure }) => measure === "contrast")?.verdict).toBe("stable");
  });

  it("says that two models are not comparable", () => {
    const other = summarize(
      makeRecords(10).map((record) => ({ ...record, model: "deep-emotion@2" })),
      options,
    );
    const drift = compareRuns(summarize(makeRecords(10), options), other, {
      against: { name: "last run", jobId: "a" },
    });
    expect(drift.comparable).toBe(false);
    expect(drift.findings[0]).toContain("not comparable");
  });
});

describe("suppression", () => {
  it("never lets a hidden group be had by subtraction", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 40 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 20 }),
        (sizes, minimum) => {
          const hidden = suppressGroups(
            sizes.map((faces) => ({ faces })),
            minimum,
          );
          const withheld = sizes.filter((faces, index) => hidden[index] && faces > 0);
          expect(sizes.every((faces, index) => faces >= minimum || hidden[index])).toBe(true);
          const sum = withheld.reduce((a, b) => a + b, 0);
          const everything = sizes.every((_, index) => hidden[index]);
          expect(withheld.length === 0 || everything || (withheld.length > 1 && sum >= minimum)).toBe(true);
        },
      ),
    );
  });

  it("hides no more than it must", () => {
    expect(suppressGroups([{ faces: 100 }, { faces: 50 }, { faces: 3 }], 10)).toEqual([false, true, true]);
    expect(suppressGroups([{ faces: 100 }, { faces: 6 }, { faces: 5 }], 10)).toEqual([false, true, true]);
    expect(suppressGroups([{ faces: 100 }, { faces: 0 }], 10)).toEqual([false, true]);
    expect(suppressGroups([{ faces: 100 }, { faces: 50 }], 10)).toEqual([false, false]);
  });
});
