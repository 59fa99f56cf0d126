import fc from "fast-check";
import { expect, it } from "vitest";
import { alertMarksSchema } from "../../../src/scoring/schedules/alert-marks-schema.ts";
import { type AlertMarks, DEFAULT_ALERT_MARKS } from "../../../src/scoring/report/alert-marks.ts";
import { draftAlerts, MARK_FIELDS, readAlerts } from "../../../web/src/schedules/alert-draft.ts";

/** Marks of alerts, typed in a form and read again. */

const share = fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000);
const marks: fc.Arbitrary<AlertMarks> = fc.record({
  enabled: fc.boolean(),
  url: fc.option(fc.constant("https://receiver.example/hook")),
  noFace: share,
  failed: share,
  labelShift: share,
  quality: share.filter((value) => value > 0),
  accuracy: fc.option(share),
  accuracyDrop: share,
  dollars: fc.option(fc.integer({ min: 1, max: 1e6 })),
  costTimes: fc.integer({ min: 1, max: 1000 }),
});

/** A percentage and back is right to its last digits. */
const roundAll = (known: AlertMarks): unknown =>
  JSON.parse(JSON.stringify(known, (_, value: unknown) => (typeof value === "number" ? value.toFixed(9) : value)));

it("has a field for every mark", () => {
  const numbers = Object.keys(DEFAULT_ALERT_MARKS).filter((name) => name !== "enabled" && name !== "url");
  expect(MARK_FIELDS.map(({ name }) => name).toSorted()).toEqual(numbers.toSorted());
});

it("reads what it shows", () => {
  fc.assert(
    fc.property(marks, (known) => {
      const { alerts, issues } = readAlerts(draftAlerts(known));
      expect(issues).toEqual([]);
      expect(roundAll(alertMarksSchema.parse(alerts))).toEqual(roundAll(known));
    }),
  );
});

it("shows nothing where the defaults hold, and says where a number is none", () => {
  const empty = draftAlerts(null);
  expect(readAlerts(empty).alerts).toEqual({ enabled: true, url: null });
  expect(readAlerts({ ...empty, noFace: "a tenth" }).issues.map(({ path }) => path)).toEqual(["alerts.noFace"]);
  expect(readAlerts({ ...empty, noFace: " 25 " }).alerts.noFace).toBe(0.25);
});
