import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSampleDraw } from "../../../../src/scoring/review/draw-sample.ts";
import {
  allocateSample,
  chooseSize,
  expectHalfWidth,
  STRATUM_FLOOR,
  type StratumTotals,
} from "../../../../src/scoring/review/sample-design.ts";
import { createRandom } from "../../../../src/scoring/statistics/random.ts";
import { type KnownFace, makePopulation } from "./population.ts";

function drawFrom(population: readonly KnownFace[], seed: number, size: number) {
  const draw = createSampleDraw<KnownFace>(seed, size);
  for (const face of population) draw.add(face, null);
  return draw.finish(size);
}

const indices = (faces: readonly KnownFace[], seed: number): number[] =>
  drawFrom(faces, seed, 120).faces.map(({ face }) => face.index);

describe("the draw", () => {
  const population = makePopulation(1, 2000);

  it("is the same for the same seed, in whatever order the faces come, and another for another", () => {
    expect(indices([...population].reverse(), 4)).toEqual(indices(population, 4));
    expect(indices(population, 5)).not.toEqual(indices(population, 4));
  });

  it("takes no face twice, as many of each stratum as was planned, and tells each face's stratum", () => {
    const { strata, faces } = drawFrom(population, 4, 150);
    expect(new Set(faces.map(({ face }) => face.index)).size).toBe(150);
    for (const [index, { key, allocated, population: size }] of strata.entries()) {
      const drawn = faces.filter(({ stratum }) => stratum === index);
      expect(drawn.length).toBe(allocated);
      expect(allocated).toBeGreaterThanOrEqual(Math.min(size, STRATUM_FLOOR));
      expect(drawn.every(({ face }) => face.label === key.label)).toBe(true);
    }
    expect(strata.reduce((sum, stratum) => sum + stratum.population, 0)).toBe(2000);
  });

  it("gives every face of a stratum the same chance", () => {
    // 40 faces in one stratum, 10 drawn, 4,000 times: each is drawn 1,000 times, give or take 27.
    const alike = Array.from({ length: 40 }, (_, index) => ({
      index,
      label: 0,
      margin: 0.9,
      probabilities: [1, 0, 0, 0, 0, 0, 0],
    }));
    const counts = alike.map(() => 0);
    for (let seed = 0; seed < 4000; seed += 1) {
      const draw = createSampleDraw<(typeof alike)[number]>(seed, 10);
      for (const face of alike) draw.add(face, null);
      for (const { face } of draw.finish(10).faces) counts[face.index]! += 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(880);
    expect(Math.max(...counts)).toBeLessThan(1120);
  });

  it("puts two of every stratum first, so that figures come early", () => {
    const { strata, faces } = drawFrom(population, 4, 200);
    const start = faces.slice(
      0,
      strata.reduce((sum, { allocated }) => sum + Math.min(2, allocated), 0),
    );
    for (const [index, { allocated }] of strata.entries()) {
      expect(start.filter(({ stratum }) => stratum === index).length).toBe(Math.min(2, allocated));
    }
  });

  it("leaves bands out where the groups alone make many strata", () => {
    const draw = createSampleDraw<KnownFace>(1, 200);
    for (const face of population) draw.add(face, String(face.index % 5));
    const { strata } = draw.finish(200);
    expect(strata.every(({ key }) => key.band === null)).toBe(true);
    expect(() => draw.finish(100)).toThrow(/100 pictures are too few for \d+ strata: ask for \d+ or more/);
  });
});

const totals = fc
  .array(
    fc.record({ population: fc.integer({ min: 1, max: 100_000 }), spread: fc.double({ min: 0, max: 1, noNaN: true }) }),
    {
      minLength: 1,
      maxLength: 40,
    },
  )
  .map((rows) =>
    rows.map(({ population, spread }, index): StratumTotals => {
      const own = 1 - (6 / 7) * spread;
      const probabilities = Array.from({ length: 7 }, (_, label) => (label === index % 7 ? own : (1 - own) / 6));
      return {
        key: { label: index % 7, band: Math.floor(index / 7), group: null },
        population,
        probabilities: probabilities.map((value) => value * population),
        squares: probabilities.map((value) => value * value * population),
      };
    }),
  );

describe("allocation", () => {
  it("spends the whole size, keeps the floors, and takes no more than there is", () => {
    fc.assert(
      fc.property(totals, fc.integer({ min: 160, max: 2000 }), (strata, size) => {
        const allocation = allocateSample(strata, size);
        const all = strata.reduce((sum, { population }) => sum + population, 0);
        expect(allocation.reduce((sum, count) => sum + count, 0)).toBe(Math.min(size, all));
        for (const [index, count] of allocation.entries()) {
          expect(count).toBeLessThanOrEqual(strata[index]!.population);
          expect(count).toBeGreaterThanOrEqual(Math.min(STRATUM_FLOOR, strata[index]!.population));
        }
      }),
    );
  });

  it("gives more to what the model is unsure of", () => {
    const random = createRandom(1);
    const make = (own: number): StratumTotals => {
      const probabilities = Array.from({ length: 7 }, (_, label) => (label === 0 ? own : (1 - own) / 6));
      return {
        key: { label: 0, band: Math.floor(random.next() * 3), group: null },
        population: 1000,
        probabilities: probabilities.map((value) => 1000 * value),
        squares: probabilities.map((value) => 1000 * value * value),
      };
    };
    const [sure, unsure] = allocateSample([make(0.95), make(0.4)], 100);
    expect(unsure).toBeGreaterThan(1.5 * sure!);
  });

  it("finds the fewest faces for a wished interval", () => {
    const draw = createSampleDraw<KnownFace>(1, 2000);
    for (const face of makePopulation(2, 20_000)) draw.add(face, null);
    const cells = draw.cells();
    const size = chooseSize(cells, 0.04, 2000);
    expect(size).toBeGreaterThan(100);
    expect(size).toBeLessThan(700);
    expect(expectHalfWidth(cells, allocateSample(cells, size))).toBeLessThanOrEqual(0.04);
    expect(expectHalfWidth(cells, allocateSample(cells, size - 1))).toBeGreaterThan(0.04);
    expect(chooseSize(cells, 0.0001, 2000)).toBe(2000);
  });
});
