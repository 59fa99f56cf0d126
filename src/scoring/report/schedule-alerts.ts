/** What somebody should look into after a run of a schedule: on by itself, with the runs before as the measure of what is usual. */

import { computeWilson } from "../statistics/intervals.ts";
import { listReportFindings, type ReportFinding } from "./findings.ts";
import { formatPercent } from "./report-format.ts";
import type { Denominators, Report } from "./report.ts";

/** Runs without which nothing is called usual. */
const MIN_RUNS = 3;

/** A share is unusual where its whole 95 % interval lies this much above the usual one, and above its multiple. */
const UNUSUAL = { points: 0.03, times: 2 } as const;

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

/**
 * Alerts of the newest run, the gravest first; empty where nothing passed a mark.
 * @param earlier reports of runs before it, in any order
 */
export function listScheduleAlerts(newest: Report, earlier: readonly Report[]): ReportFinding[] {
  const findings = listReportFindings(newest);
  const unusual = WATCHED.flatMap(({ subject, words, count, total }): ReportFinding[] => {
    const now = computeWilson(count(newest.denominators), total(newest.denominators));
    const before = earlier.flatMap(({ denominators }) => {
      const all = total(denominators);
      return all === 0 ? [] : [count(denominators) / all];
    });
    if (now === null || before.length < MIN_RUNS) return [];
    const usual = median(before);
    if (now.low <= usual + UNUSUAL.points || now.low <= UNUSUAL.times * usual) return [];
    const text = `${formatPercent(now.value, 0)} ${words}; the usual is ${formatPercent(usual, 0)}.`;
    return [{ tone: "bad", subject, text }];
  });
  // What is unusual says it better than the mark that it passed as well.
  const told = new Set(unusual.map(({ subject }) => subject));
  return [...unusual, ...findings.filter(({ subject }) => !told.has(subject))];
}
