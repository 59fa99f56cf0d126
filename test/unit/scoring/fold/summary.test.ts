import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { LABELS } from "../../../../src/model/labels.ts";
import type { ScoreRecord } from "../../../../src/scoring/records/records.ts";
import { type ChunkSummary, emptySummary, mergeSummaries, summarize } from "../../../../src/scoring/fold/summary.ts";
import { createQualityBuilder, describeMoment, mergeQuality } from "../../../../src/scoring/fold/summary-quality.ts";
import { calibrationBin, confidenceBin, countFaces, countInputs } from "../../../../src/scoring/fold/summary-tally.ts";
import { anyRecord, makeRecords } from "./aggregate-fixtures.ts";

// Two values a name: the fold into "other" happens in nearly every example.
const options = { groupBy: ["site", "__proto__", "more"], faces: "largest", maxGroupValues: 2 } as const;
const records = fc.array(anyRecord, { maxLength: 24 });
const fold = (list: readonly ScoreRecord[]): ChunkSummary => summarize(list, options);
const text = (summary: ChunkSummary): string => JSON.stringify(summary);

describe("summaries", () => {
  it("merge associatively", () => {
    fc.assert(
      fc.property(records, records, records, (a, b, c) => {
        const left = mergeSummaries(mergeSummaries(fold(a), fold(b)), fold(c));
        const right = mergeSummaries(fold(a), mergeSummaries(fold(b), fold(c)));
        expect(text(left)).toBe(text(right));
      }),
    );
  });

  it("merge commutatively, with the empty summary as identity", () => {
    fc.assert(
      fc.property(records, records, (a, b) => {
        expect(text(mergeSummaries(fold(a), fold(b)))).toBe(text(mergeSummaries(fold(b), fold(a))));
        expect(text(mergeSummaries(fold(a), emptySummary(options)))).toBe(text(fold(a)));
        expect(text(mergeSummaries(emptySummary(options), fold(a)))).toBe(text(fold(a)));
      }),
    );
  });

  it("of any partition in any order are the summary of the whole", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyRecord, fc.nat({ max: 5 })), { maxLength: 60 }),
        fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }),
        (dealt, order) => {
          const parts = order.map((part) => fold(dealt.filter(([, to]) => to === part).map(([record]) => record)));
          const merged = parts.reduce(mergeSummaries, emptySummary(options));
          expect(text(merged)).toBe(text(fold(dealt.map(([record]) => record))));
        },
      ),
    );
  });

  it("stay exact where a record holds more than 6 decimals", () => {
    const third = makeRecords(9, { seed: 2 }).map((record) => ({
      ...record,
      margin: 1 / 3,
      entropy: Math.SQRT2,
      probabilities:
        record.probabilities &&
        Object.fromEntries(Object.entries(record.probabilities).map(([label, value]) => [label, value / 3])),
    }));
    const [a, b, c] = [fold(third.slice(0, 2)), fold(third.slice(2, 5)), fold(third.slice(5))] as const;
    expect(text(mergeSummaries(a, mergeSummaries(b, c)))).toBe(text(fold(third)));
    expect(Number.isInteger(fold(third).total.margin)).toBe(true);
    expect(fold(third).total.probabilities.every(Number.isInteger)).toBe(true);
  });

  it("survive JSON and stay mergeable", () => {
    fc.assert(
      fc.property(records, records, (a, b) => {
        const read: ChunkSummary = JSON.parse(text(fold(a)));
        expect(read).toEqual(fold(a));
        expect(text(mergeSummaries(read, fold(b)))).toBe(text(mergeSummaries(fold(a), fold(b))));
      }),
    );
  });

  it("count every record once in each group name", () => {
    fc.assert(
      fc.property(records, (list) => {
        const { total, groups } = fold(list);
        expect(countInputs(total)).toBe(list.length);
        for (const { values, absent, other } of groups) {
          const tallies = [...values.map(([, tally]) => tally), absent, other].filter((tally) => tally !== null);
          expect(tallies.reduce((sum, tally) => sum + countInputs(tally), 0)).toBe(list.length);
          expect(tallies.reduce((sum, tally) => sum + countFaces(tally), 0)).toBe(countFaces(total));
          expect(values.length).toBeLessThanOrEqual(2);
        }
      }),
    );
  });

  it("stay exact at 100 million faces", () => {
    let summary = fold(makeRecords(128, { seed: 5 }));
    const single = summary;
    // Doubling 20 times: 134 million records.
    for (let step = 0; step < 20; step += 1) summary = mergeSummaries(summary, summary);
    const factor = 2 ** 20;
    for (const [index, sum] of single.total.probabilities.entries()) {
      expect(summary.total.probabilities[index]).toBe(sum * factor);
      expect(Number.isSafeInteger(summary.total.probabilities[index])).toBe(true);
    }
    const quality = single.total.quality?.brightness;
    expect(summary.total.quality?.brightness.sumSquares).toBe(
      String(BigInt(quality?.sumSquares ?? 0) * BigInt(factor)),
    );
  });

  it("refuse to mix models, pipelines or jobs", () => {
    const [record] = makeRecords(1);
    const a = fold([record!]);
    expect(() => mergeSummaries(a, fold([{ ...record!, model: "other@1" }]))).toThrow(ScoringError);
    expect(() => fold([record!, { ...record!, pipeline: 2 }])).toThrow(ScoringError);
    expect(() => mergeSummaries(a, emptySummary({ groupBy: ["site"] }))).toThrow(ScoringError);
    expect(() => emptySummary({ groupBy: ["a", "b", "c", "d", "e"] })).toThrow(ScoringError);
  });

  it("count a picture with several faces as one input", () => {
    const [first] = makeRecords(30).filter(({ status }) => status === "scored");
    const faces = ["p.jpg#0", "p.jpg#1", "p.jpg#12"].map((id) => ({ ...first!, id }));
    const missing = {
      ...makeRecords(1)[0]!,
      id: "q#1",
      face: null,
      status: "no_face",
      label: null,
      probabilities: null,
    } as const;
    const { total } = summarize([...faces, missing], { faces: "all" });
    expect([total.inputs.scored, total.inputs.no_face, countFaces(total)]).toEqual([1, 1, 3]);
    expect(summarize(faces, { faces: "largest" }).total.inputs.scored).toBe(3);
  });

  it("count truth, reasons and moments as plain loops do", () => {
    const list = makeRecords(500, { seed: 7 });
    const { total } = fold(list);
    const scored = list.filter(({ status }) => status === "scored");
    const judged = scored.filter(({ truth }) => truth !== null);
    for (const [row, truth] of LABELS.entries()) {
      for (const [column, label] of LABELS.entries()) {
        const count = judged.filter((record) => record.truth === truth && record.label === label).length;
        expect(total.truth?.confusion[row * 7 + column]).toBe(count);
      }
    }
    expect(total.reasons["failed/image_corrupt"]).toBe(
      list.filter(({ error }) => error?.code === "image_corrupt").length,
    );
    const brightness = scored.map(({ quality }) => quality?.brightness ?? 0);
    const mean = brightness.reduce((a, b) => a + b) / brightness.length;
    const figures = describeMoment(total.quality!.brightness);
    expect(figures.mean).toBeCloseTo(mean, 10);
    expect(figures.deviation).toBeCloseTo(
      Math.sqrt(brightness.reduce((sum, value) => sum + (value - mean) ** 2, 0) / brightness.length),
      9,
    );
  });

  it("sum the squares of any sides exactly, as merging one by one does", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 6_553_500 }), { minLength: 1, maxLength: 300 }), (sides) => {
        const builder = createQualityBuilder();
        for (const side of sides) builder.add({ brightness: 1, contrast: 2, side: side / 100 });
        const one = sides.map((side) => {
          const single = createQualityBuilder();
          single.add({ brightness: 1, contrast: 2, side: side / 100 });
          return single.build();
        });
        expect(builder.build()).toEqual(one.reduce(mergeQuality));
        const squares = sides.reduce((sum, side) => sum + BigInt(side) ** 2n, 0n);
        expect(builder.build()?.side.sumSquares).toBe(String(squares));
      }),
    );
    const builder = createQualityBuilder();
    // 2^53 lies at 210 of these.
    for (let i = 0; i < 1000; i++) builder.add({ brightness: 1, contrast: 2, side: 65_535.01 });
    expect(builder.build()?.side.sumSquares).toBe(String(1000n * 6_553_501n ** 2n));
  });

  it("put the edges into the stated bins", () => {
    expect([0, 49_999, 50_000, 999_999, 1_000_000].map(confidenceBin)).toEqual([0, 0, 1, 19, 19]);
    expect([0, 66_666, 66_667, 200_000, 200_001, 1_000_000].map(calibrationBin)).toEqual([0, 0, 1, 2, 3, 14]);
  });
});
