/** What somebody should look into after a run of a schedule: on by itself, with the runs before as the measure of what is usual. */

import type { ReviewedRun } from "../records/reviewed-run.ts";
import { compareAccuracy } from "../statistics/accuracy-drift.ts";
import { computeWilson } from "../statistics/intervals.ts";
import { type AlertMarks, DEFAULT_ALERT_MARKS } from "./alert-marks.ts";
import { listReportFindings, type ReportFinding } from "./findings.ts";
import { formatCount, formatInterval, formatPercent } from "./report-format.ts";
import type { Denominators, Report } from "./report.ts";

/** A run as alerts look at it. */
export interface RunFacts {
  readonly report: Report;
  /** What scoring it cost; `null` where that is not known. */
  readonly dollars: number | null;
}

/** Runs without which nothing is called usual. */
const MIN_RUNS = 3;

/** A share is unusual where its whole 95 % interval lies this much above the usual one, and above its multiple. */
const UNUSUAL = { points: 0.03, times: 2 } as const;

/** What a test must say before something is told: a few faces move by chance. */
const LEVEL = 0.01;

/** Dollars below which no run costs too much by being dearer than usual. */
const LEAST_DOLLARS = 1;

/** Shares that are watched. */
const WATCHED = [
  {
    subject: "No face",
    words: "of the pictures have no found face",
    count: ({ noFace }: Denominators) => noFace,
    total: ({ noFace, scored }: Denominators) => noFace + scored,
  },
  {
    subject: "Not scored",
    words: "of the inputs failed or were skipped",
    count: ({ failed, skipped }: Denominators) => failed + skipped,
    total: ({ listed }: Denominators) => listed,
  },
] as const;

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const formatDollars = (dollars: number): string => `$${dollars.toFixed(2)}`;

/**
 * Alerts of a run, the gravest first; empty where nothing passed a mark.
 * @param earlier runs before it, in any order
 */
export function listScheduleAlerts(
  newest: RunFacts,
  earlier: readonly RunFacts[],
  marks: AlertMarks = DEFAULT_ALERT_MARKS,
): ReportFinding[] {
  const { noFace, failed, labelShift, quality } = marks;
  const findings = listReportFindings(newest.report, {
    noFace,
    lost: failed,
    drift: { labelShift, quality, qualityP: LEVEL },
  });
  const unusual = WATCHED.flatMap(({ subject, words, count, total }): ReportFinding[] => {
    const { denominators } = newest.report;
    const now = computeWilson(count(denominators), total(denominators));
    const before = earlier.flatMap(({ report }) => {
      const all = total(report.denominators);
      return all === 0 ? [] : [count(report.denominators) / all];
    });
    if (now === null || before.length < MIN_RUNS) return [];
    const usual = median(before);
    if (now.low <= usual + UNUSUAL.points || now.low <= UNUSUAL.times * usual) return [];
    const text = `${formatPercent(now.value, 0)} ${words}; the usual is ${formatPercent(usual, 0)}.`;
    return [{ tone: "bad", subject, text }];
  });
  // What is unusual says it better than the mark that it passed as well. Whoever asked for abstentions knows of them.
  const told = new Set([...unusual.map(({ subject }) => subject), "Not sure"]);
  return [
    ...unusual,
    ...findings.filter(({ subject }) => !told.has(subject)),
    ...describeCost(
      newest.dollars,
      earlier.flatMap(({ dollars }) => (dollars === null ? [] : [dollars])),
      marks,
    ),
  ];
}

const tellCost = (text: string): ReportFinding[] => [{ tone: "warn", subject: "Cost", text }];

function describeCost(now: number | null, before: readonly number[], marks: AlertMarks): ReportFinding[] {
  if (now === null) return [];
  if (marks.dollars !== null && now > marks.dollars) {
    return tellCost(`Scoring cost ${formatDollars(now)}; ${formatDollars(marks.dollars)} was to be the most.`);
  }
  if (before.length < MIN_RUNS) return [];
  const usual = median(before);
  if (now < LEAST_DOLLARS || now <= marks.costTimes * usual) return [];
  return tellCost(`Scoring cost ${formatDollars(now)}; the usual is ${formatDollars(usual)}.`);
}

/**
 * What the reviews say about the model itself.
 * @param runs reviews with figures, in the order of their due times; the last one is judged
 */
export function listAccuracyAlerts(
  runs: readonly ReviewedRun[],
  marks: AlertMarks = DEFAULT_ALERT_MARKS,
): ReportFinding[] {
  const newest = runs.at(-1);
  if (newest === undefined) return [];
  const { accuracy, answered } = newest;
  const drift = compareAccuracy(runs);
  const claim = `The model is right for ${formatPercent(accuracy.value)} of the faces (95 % interval ${formatInterval(accuracy)}, ${formatCount(answered)} labeled)`;
  if (drift !== null && drift.change.high < 0 && drift.change.value <= -marks.accuracyDrop) {
    const text = `${claim}; the ${drift.runs === 1 ? "review" : `${drift.runs} reviews`} before said ${formatPercent(drift.before.value)}.`;
    return [{ tone: "bad", subject: "Accuracy", text }];
  }
  if (marks.accuracy === null || accuracy.high >= marks.accuracy) return [];
  return [
    { tone: "bad", subject: "Accuracy", text: `${claim}; it should be ${formatPercent(marks.accuracy, 0)} or more.` },
  ];
}
