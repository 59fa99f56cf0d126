import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, it } from "vitest";
import { parseModelCard } from "../../../../src/model/card.ts";
import { buildReport } from "../../../../src/scoring/report/report.ts";
import { DEFAULT_ALERT_MARKS } from "../../../../src/scoring/report/alert-marks.ts";
import {
  listAccuracyAlerts,
  listScheduleAlerts,
  type RunFacts,
} from "../../../../src/scoring/report/schedule-alerts.ts";
import { compareAccuracy } from "../../../../src/scoring/statistics/accuracy-drift.ts";
import { createRandom } from "../../../../src/scoring/statistics/random.ts";
import { computeWilson } from "../../../../src/scoring/statistics/intervals.ts";
import { compareRuns } from "../../../../src/scoring/statistics/drift.ts";
import type { ScoreRecord } from "../../../../src/scoring/records/records.ts";
import type { ReviewedRun } from "../../../../src/scoring/records/reviewed-run.ts";
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
function makeRun(listed: number, noFace: number, failed = 0, dollars: number | null = null): RunFacts {
  const scored = listed - noFace - failed;
  return {
    report: { ...base, denominators: { ...base.denominators, listed, scored, noFace, failed, skipped: 0 } },
    dollars,
  };
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

it("tells a share by the mark that a schedule sets", () => {
  const run = makeRun(1000, 60);
  expect(listScheduleAlerts(run, [])).toEqual([]);
  const strict = { ...DEFAULT_ALERT_MARKS, noFace: 0.03 };
  expect(listScheduleAlerts(run, [], strict)).toMatchObject([{ subject: "No face", tone: "warn" }]);
  expect(listScheduleAlerts(makeRun(1000, 0, 60), [], { ...strict, failed: 0.1 })).toEqual([]);
});

it("tells a shift of labels, with effect size and test, and of quality, from the schedule's marks on", () => {
  const [was, is] = [summarize(makeRecords(400), {}), summarize(makeRecords(400), {})];
  const [first = 0, ...rest] = is.total.labels;
  const shifted = { ...is, total: { ...is.total, labels: [first + 300, ...rest] } };
  const drift = compareRuns(was, shifted, { against: { name: "the last run", jobId: "b" } });
  const run = { report: { ...makeRun(1000, 0).report, drift }, dollars: null };
  const [alert, ...others] = listScheduleAlerts(run, []);
  expect(alert).toMatchObject({ subject: "Last run", tone: "warn" });
  expect(alert?.text).toMatch(/shares of the labels shifted: (small|medium|large) effect \(Cramér's V 0\.\d\d\)/);
  expect(others).toEqual([]);
  const deaf = { ...DEFAULT_ALERT_MARKS, labelShift: drift.labels!.cramersV + 0.01 };
  expect(listScheduleAlerts(run, [], deaf)).toEqual([]);
});

/** A night whose faces are darker than those of the night before. */
function darken(count: number): RunFacts {
  const [was, is] = [makeRecords(count, { seed: 4 }), makeRecords(count, { seed: 5 })];
  const darker = is.map((record): ScoreRecord => {
    const { quality = null } = record;
    return quality === null ? record : { ...record, quality: { ...quality, brightness: quality.brightness * 0.8 } };
  });
  const against = { name: "the last run", jobId: "b" };
  const drift = compareRuns(summarize(was, {}), summarize(darker, {}), { against });
  expect(drift.quality.find(({ measure }) => measure === "brightness")!.psi).toBeGreaterThan(0.1);
  return { report: { ...makeRun(1000, 0).report, drift }, dollars: null };
}

const tellBrightness = (run: RunFacts, marks = DEFAULT_ALERT_MARKS): string[] =>
  listScheduleAlerts(run, [], marks).flatMap(({ text }) => (text.includes("brightness") ? [text] : []));

it("tells that input quality moved where many faces say so, not where a few do", () => {
  expect(tellBrightness(darken(2000))).toEqual([expect.stringMatching(/^Input brightness (moved|shifted)/)]);
  expect(tellBrightness(darken(12))).toEqual([]);
  expect(tellBrightness(darken(2000), { ...DEFAULT_ALERT_MARKS, quality: 10 })).toEqual([]);
});

it("tells what a run costs above its mark, or above what is usual", () => {
  const before = [makeRun(1000, 0, 0, 1), makeRun(1000, 0, 0, 1.2), makeRun(1000, 0, 0, 0.9)];
  expect(listScheduleAlerts(makeRun(1000, 0, 0, 1.9), before)).toEqual([]);
  expect(listScheduleAlerts(makeRun(1000, 0, 0, 4.5), before)).toEqual([
    { tone: "warn", subject: "Cost", text: "Scoring cost $4.50; the usual is $1.00." },
  ]);
  // Cents are nobody's concern, however many times the usual.
  const cents = before.map((run) => ({ ...run, dollars: 0.01 }));
  expect(listScheduleAlerts(makeRun(1000, 0, 0, 0.9), cents)).toEqual([]);
  const capped = { ...DEFAULT_ALERT_MARKS, dollars: 0.5 };
  expect(listScheduleAlerts(makeRun(1000, 0, 0, 0.9), [], capped)[0]?.text).toContain("$0.50 was to be the most");
});

const makeReviewed = (night: number, right: number, answered: number): ReviewedRun => ({
  jobId: `j${night}`,
  dueMs: night * 86_400_000,
  faces: 5000,
  answered,
  accuracy: computeWilson(right, answered)!,
});

it("tells a drop of the accuracy itself, and an accuracy below its mark", () => {
  const steady = [makeReviewed(1, 75, 100), makeReviewed(2, 73, 100), makeReviewed(3, 76, 100)];
  expect(listAccuracyAlerts(steady)).toEqual([]);
  const [alert] = listAccuracyAlerts([...steady, makeReviewed(4, 50, 100)]);
  expect(alert).toMatchObject({ tone: "bad", subject: "Accuracy" });
  expect(alert?.text).toContain("right for 50.0\u00a0%");
  expect(alert?.text).toContain("the 3 reviews before said 74.7\u00a0%");
  // A drop that ten answers alone speak for is no drop.
  expect(listAccuracyAlerts([...steady, makeReviewed(4, 5, 10)])).toEqual([]);
  const marks = { ...DEFAULT_ALERT_MARKS, accuracy: 0.9 };
  expect(listAccuracyAlerts([makeReviewed(1, 75, 100)], marks)[0]?.text).toContain("it should be 90\u00a0% or more");
  expect(listAccuracyAlerts([makeReviewed(1, 75, 100)], { ...DEFAULT_ALERT_MARKS, accuracy: 0.8 })).toEqual([]);
});

it("has an interval of the change that holds what is true of nights alike about as often as it says", () => {
  let held = 0;
  const nights = 2000;
  const draw = createRandom(5);
  for (let seed = 0; seed < nights; seed += 1) {
    const runs = [1, 2, 3].map((night) => {
      let right = 0;
      for (let face = 0; face < 120; face += 1) right += Number(draw.next() < 0.7);
      return makeReviewed(night, right, 120);
    });
    const { change } = compareAccuracy(runs)!;
    held += Number(change.low <= 0 && 0 <= change.high);
  }
  expect(held / nights).toBeGreaterThan(0.935);
  expect(held / nights).toBeLessThan(0.97);
});
