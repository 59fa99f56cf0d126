import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ABSTENTION_PRECISIONS, findThresholds, type Thresholds } from "../../../../src/model/abstention.ts";
import { LABEL_COUNT, LABELS } from "../../../../src/model/labels.ts";
import { deriveVerdict } from "../../../../src/model/softmax.ts";
import { WHOLE_PICTURE } from "../../../../src/scoring/chunk/faces.ts";
import { giveLabel, makeScoredRecord } from "../../../../src/scoring/chunk/score-record.ts";
import { groupRecords } from "../../../../src/scoring/client-compute/check-records.ts";
import { isSameLabel } from "../../../../src/scoring/records/engine-agreement.ts";
import { roundMicro } from "../../../../src/scoring/records/field-types.ts";
import { parseRecord, serializeRecord } from "../../../../src/scoring/records/record-line.ts";
import { summarize } from "../../../../src/scoring/fold/summary.ts";
import { describeAbstained, describeAbstentions } from "../../../../src/scoring/report/abstentions.ts";
import { makeRecords } from "../fold/aggregate-fixtures.ts";

const shares = fc
  .array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: LABEL_COUNT, maxLength: LABEL_COUNT })
  .map((list) => {
    const sum = list.reduce((total, one) => total + one, 0);
    return Float32Array.from(list, (one) => one / sum);
  });
const anyThresholds: fc.Arbitrary<Thresholds> = fc.array(
  fc.option(fc.integer({ min: 0, max: 1_000_000 }).map((n) => n / 1_000_000)),
  { minLength: LABEL_COUNT, maxLength: LABEL_COUNT },
);

const item = { index: 0, id: "a", key: "a.jpg", size: 1, etag: '"1"' };

/** The record of one face with these probabilities. */
function score(probabilities: Float32Array, thresholds?: Thresholds) {
  const stamp = { model: "m@1", pipeline: 3 as const, ...(thresholds === undefined ? {} : { thresholds }) };
  const face = {
    item,
    etag: '"1"',
    selected: WHOLE_PICTURE,
    ordinal: null,
    quality: { brightness: 100, contrast: 20, side: 48 },
    width: 48,
    height: 48,
  };
  const scores = { count: 1, logits: new Float32Array(LABEL_COUNT), probabilities, theta: null, embedding: null };
  return { record: makeScoredRecord(face, LABELS, scores, 0, stamp), stamp };
}

/** A face with this top probability in a job with this threshold. */
const at = (top: number, threshold: number) =>
  score(
    Float32Array.from([top, ...Array.from({ length: 6 }, () => (1 - top) / 6)]),
    LABELS.map(() => threshold),
  ).record;

/** A card's evaluation. */
const evaluation = (tta: "none" | "flip", thresholds: Thresholds) => ({
  dataset: "FER2013 PublicTest",
  command: "npm run evaluate",
  tta,
  faces: 7,
  accuracy: 1,
  interval: [0.5, 1] as [number, number],
  balancedAccuracy: 1,
  macroF1: 1,
  ece: { before: 0, after: null },
  perClass: LABELS.map((label) => ({ label, precision: 1, recall: 1, f1: 1, support: 1 })),
  confusion: LABELS.map(() => LABELS.map(() => 1)),
  abstention: [{ precision: 0.8, thresholds: [...thresholds], coverage: 0.5, achieved: 0.8 }],
});

describe("a face below its label's threshold", () => {
  it("has no label, and keeps everything else", () => {
    fc.assert(
      fc.property(shares, anyThresholds, (probabilities, thresholds) => {
        const given = score(probabilities).record;
        const { record } = score(probabilities, thresholds);
        const verdict = deriveVerdict(LABELS, probabilities);
        const threshold = thresholds[verdict.labelIndex] ?? null;
        const sure = threshold !== null && roundMicro(verdict.probabilities[verdict.labelIndex]!) >= threshold;
        expect(record).toEqual(sure ? given : { ...given, label: null, abstained: { label: given.label, threshold } });
      }),
    );
  });

  it("is a record that a client may return, and that reads back as it was", () => {
    fc.assert(
      fc.property(shares, anyThresholds, (probabilities, thresholds) => {
        const { record, stamp } = score(probabilities, thresholds);
        const line = serializeRecord(record);
        const read = parseRecord(line);
        expect(serializeRecord(read)).toBe(line);
        expect(groupRecords([item], [read], "aligned", stamp).kind).toBe("groups");
      }),
    );
  });

  it("is found out where a client gives the label all the same", () => {
    const probabilities = Float32Array.from([0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]);
    const thresholds = LABELS.map(() => 0.5);
    const { stamp } = score(probabilities, thresholds);
    const lie = score(probabilities).record;
    expect(groupRecords([item], [lie], "aligned", stamp)).toMatchObject({ kind: "wrong" });
  });

  it("counts as the same on two engines only near the threshold", () => {
    expect(isSameLabel(at(0.50004, 0.5), at(0.49998, 0.5))).toBe(true);
    expect(isSameLabel(at(0.51, 0.5), at(0.49, 0.5))).toBe(false);
    expect(isSameLabel(at(0.6, 0.5), at(0.6, 0.7))).toBe(false);
  });
});

describe("thresholds of a card", () => {
  const never = LABELS.map(() => null);
  const card = {
    name: "m",
    version: 1,
    evaluations: [evaluation("none", [0.5, ...never.slice(1)]), evaluation("flip", never)],
  };

  it("are those of the job's own mirroring", () => {
    expect(findThresholds(card, 0.8, "none")[0]).toBe(0.5);
    expect(() => findThresholds(card, 0.8, "flip")).toThrow(/reaches no precision of 0.8/);
  });

  it("are refused, with the place, where the card has none", () => {
    const bare = { ...card, evaluations: [] };
    expect(() => findThresholds(bare, ABSTENTION_PRECISIONS[0], "none")).toThrow(/: abstain\.precision: m@1 /);
  });
});

describe("aggregates of a job that abstains", () => {
  it("count the most probable label of every face, and abstentions apart", () => {
    const given = makeRecords(500);
    const thresholds = LABELS.map(() => 0.5);
    const records = given.map((record) => {
      if (record.probabilities === null || record.label === null) return record;
      const verdict = deriveVerdict(LABELS, Object.values(record.probabilities));
      return { ...record, ...giveLabel(verdict, thresholds) };
    });
    const before = summarize(given, {});
    const after = summarize(records, {});
    const unsure = records.filter(({ abstained }) => abstained !== undefined);
    expect(unsure.length).toBeGreaterThan(50);
    expect({ ...after.total, abstained: null }).toEqual(before.total);
    const figures = describeAbstained(after.total);
    expect(figures?.faces).toBe(unsure.length);
    const labeled = records.filter(({ label, truth }) => label !== null && truth !== null);
    expect(figures?.given?.faces).toBe(labeled.length);
    expect(figures?.given?.value).toBeCloseTo(
      labeled.filter(({ label, truth }) => label === truth).length / labeled.length,
      12,
    );
    expect(describeAbstentions(figures, 500, 0.8)).toMatch(/^\d+ of 500 faces \(.*\) have no label/);
  });
});
