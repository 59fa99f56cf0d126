/** What a report leads with: what somebody should look into before reading any share. */

import type { Denominators, Report, ReportGroups } from "./report.ts";
import { computeWilson } from "../statistics/intervals.ts";
import { describeGaps } from "../statistics/fairness.ts";
import { formatCount, formatInterval, formatPercent } from "./report-format.ts";

/** Shares from which on something is told; the whole 95 % interval must lie above, so that small jobs cry no wolf. */
export const FINDING_MARKS = {
  /** Inputs without a found face, of those that could be read. */
  noFace: 0.1,
  /** Inputs that failed or were skipped. */
  lost: 0.02,
} as const;

/** Sentences for the head of a report, the gravest first; empty where nothing passed a mark. */
export function listReportFindings(
  report: Pick<Report, "denominators" | "drift" | "baseline"> & {
    readonly groups: readonly Pick<ReportGroups, "fairness">[];
  },
): string[] {
  const { denominators, drift, baseline, groups } = report;
  return [
    ...describeMissing(denominators),
    ...describeShare(
      denominators.noFace,
      denominators.noFace + denominators.scored,
      FINDING_MARKS.noFace,
      "of the pictures that were read have no found face: the shares below are about the rest, and say nothing of these",
    ),
    ...describeShare(
      denominators.failed + denominators.skipped,
      denominators.listed,
      FINDING_MARKS.lost,
      "of the inputs failed or were skipped: errors.jsonl names each with its reason",
    ),
    ...(drift?.findings ?? []).map((finding) => `Since the last run: ${finding}`),
    ...(baseline?.findings ?? []).map((finding) => `Since the baseline: ${finding}`),
    ...groups.flatMap(({ fairness }) =>
      fairness !== null && fairness.gaps.some(({ settled }) => settled) ? describeGaps(fairness, 1) : [],
    ),
  ];
}

function describeMissing({ missingChunks, unaccounted }: Denominators): string[] {
  if (missingChunks === 0) return [];
  return [`This report is incomplete: ${formatCount(unaccounted)} inputs are missing from it.`];
}

function describeShare(count: number, total: number, mark: number, words: string): string[] {
  const share = computeWilson(count, total);
  if (share === null || share.low <= mark) return [];
  return [`${formatPercent(share.value)} (95 % interval ${formatInterval(share)}) ${words}.`];
}
