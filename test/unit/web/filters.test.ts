import { describe, expect, it } from "vitest";
import { LABELS } from "../../../src/model/labels.ts";
import type { ScoreRecord } from "../../../src/scoring/records/records.ts";
import { countChoices, parseFilters, selectRecords } from "../../../web/src/job/filters.ts";
import { findFlip, pairBy } from "../../../web/src/job/flips.ts";

/** What the gallery shows, out of what its address asks for. */

function make(id: string, label: ScoreRecord["label"], margin: number | null = 0.5): ScoreRecord {
  return {
    id,
    key: `in/${id}`,
    status: label === null && margin === null ? "failed" : "scored",
    label,
    margin,
    probabilities: margin === null ? null : Object.fromEntries(LABELS.map((one) => [one, one === label ? 0.7 : 0.05])),
    entropy: null,
    truth: null,
    groups: {},
    error: null,
    face: null,
    etag: null,
    model: "deep-emotion@4",
    pipeline: 3,
    quality: null,
  };
}

const place = (records: readonly ScoreRecord[]) =>
  records.map((record, input) => ({ record, input, offset: input, length: 1 }));
const ids = (shown: ReturnType<typeof selectRecords>): readonly string[] => shown.map(({ record }) => record.id);

describe("records whose label another run did not give", () => {
  const unsure: ScoreRecord = { ...make("d", null), abstained: { label: "Fear", threshold: 0.9 } };
  const records = place([make("a", "Happy"), make("b", "Sad", 0.9), make("c", null, null), unsure]);
  const earlier = new Map(
    [make("a", "Happy"), make("b", "Happy"), make("c", "Happy"), make("d", "Sad"), make("gone", "Sad")].map(
      (record) => [pairBy(record), record.label ?? ""],
    ),
  );
  const filters = parseFilters(new URLSearchParams("flips=the-run-before"));

  it("are those alone that both runs scored, by their most probable labels", () => {
    expect(ids(selectRecords(records, filters, earlier))).toEqual(["b", "d"]);
    expect(records.map(({ record }) => findFlip(record, earlier))).toEqual([null, "Happy", null, "Sad"]);
  });

  it("are none while the other run is not read, and all records without the filter", () => {
    expect(selectRecords(records, filters)).toEqual([]);
    expect(selectRecords(records, parseFilters(new URLSearchParams()), earlier)).toHaveLength(4);
  });

  it("are counted and ordered as any", () => {
    expect(countChoices(records, filters, earlier).outcomes).toEqual({ scored: 2 });
    const surest = parseFilters(new URLSearchParams("flips=the-run-before&sort=surest"));
    expect(ids(selectRecords(records, surest, earlier))).toEqual(["b", "d"]);
    const least = parseFilters(new URLSearchParams("flips=the-run-before&sort=margin"));
    expect(ids(selectRecords(records, least, earlier))).toEqual(["d", "b"]);
  });
});
