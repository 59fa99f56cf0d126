import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, it } from "vitest";
import { parseModelCard } from "../../../../src/model/card.ts";
import { buildReport, type Report } from "../../../../src/scoring/report/report.ts";
import { listScheduleAlerts } from "../../../../src/scoring/report/schedule-alerts.ts";
import { summarize } from "../../../../src/scoring/fold/summary.ts";
import { makeRecords } from "../fold/aggregate-fixtures.ts";

const card = parseModelCard(
  readFileSync(new URL("../../../../models/deep-emotion@2/card.json", import.meta.url), "utf8"),
);
const base = buildReport(summarize(makeRecords(50), {}), {
  job: { id: "a", name: null, purpose: null, status: "completed", createdAt: "", finishedAt: "" },
  listed: 50,
  missingChunks: 0,
  card,
  engine: "fused",
  pipeline: 1,
  faces: "largest",
  faceFinder: null,
  tta: "none",
  minGroupSize: 10,
});

/** A run of `listed` inputs, of which some have no face and some failed. */
function makeRun(listed: number, noFace: number, failed = 0): Report {
  const scored = listed - noFace - failed;
  return { ...base, denominators: { ...base.denominators, listed, scored, noFace, failed, skipped: 0 } };
}

it("tells a share that is unusual for the schedule, with what is usual", () => {
  const before = [makeRun(1000, 20), makeRun(1000, 18), makeRun(1000, 25)];
  expect(listScheduleAlerts(makeRun(1000, 270), before)).toEqual([
    { tone: "bad", subject: "No face", text: "27\u00a0% of the pictures have no found face; the usual is 2\u00a0%." },
  ]);
  expect(listScheduleAlerts(makeRun(1000, 20, 90), before)[0]).toMatchObject({ subject: "Not scored", tone: "bad" });
  // Without runs before, the fixed mark alone speaks.
  expect(listScheduleAlerts(makeRun(1000, 270), [])[0]?.text).toContain("have no found face: the shares below");
});

it("stays calm while runs are alike", () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 5000 }), fc.integer({ min: 0, max: 4 }), (listed, percent) => {
      const run = makeRun(listed, Math.floor((listed * percent) / 100));
      expect(listScheduleAlerts(run, [run, run, run])).toEqual([]);
    }),
  );
});
