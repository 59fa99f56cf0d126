import fc from "fast-check";
import { expect, it } from "vitest";
import { LABELS } from "../../../../src/model/labels.ts";
import { EXAMPLES_PER_LABEL, mergeExamples, pickExamples } from "../../../../src/scoring/fold/examples.ts";
import { makeRecords } from "./aggregate-fixtures.ts";

const records = makeRecords(400);
const items = new Map(
  records.map((record, index) => [record, { index, id: record.id, key: record.key, size: null, etag: record.etag }]),
);
const pick = (from: number, to: number) =>
  pickExamples(records.slice(from, to), LABELS, (record) => items.get(record) ?? null);

it("are the same few of each label, however the records are cut and in whatever order they are merged", () => {
  const whole = pick(0, 400);
  for (const [label, list] of whole.entries()) {
    expect(list.length).toBeLessThanOrEqual(EXAMPLES_PER_LABEL);
    for (const { item } of list) expect(records[item.index]).toMatchObject({ status: "scored", label: LABELS[label] });
  }
  expect(whole.some((list) => list.length === EXAMPLES_PER_LABEL)).toBe(true);
  fc.assert(
    fc.property(fc.array(fc.nat(400), { maxLength: 8 }), fc.boolean(), (cuts, isTurned) => {
      const ends = [0, ...cuts.toSorted((a, b) => a - b), 400];
      const parts = ends.slice(1).map((end, at) => pick(ends[at]!, end));
      const ordered = isTurned ? parts.toReversed() : parts;
      expect(ordered.reduce((sum, part) => mergeExamples(sum, part))).toEqual(whole);
    }),
  );
});
