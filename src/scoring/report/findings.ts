/** What a report leads with: what somebody should look into before reading any share. */

import { describeAbstentions } from "./abstentions.ts";
import type { Denominators, Report, ReportGroups } from "./report.ts";
import { computeWilson } from "../statistics/intervals.ts";
import { type DriftMarks, type DriftReport, listDriftFindings } from "../statistics/drift.ts";
import { describeGaps } from "../statistics/fairness.ts";
import { formatCount, formatInterval, formatNumber, formatPercent } from "./report-format.ts";

/** Shares from which on something is told; the whole 95 % interval must lie above, so that small jobs cry no wolf. */
export const FINDING_MARKS = {
  /** Inputs without a found face, of those that could be read. */
  noFace: 0.1,
  /** Inputs that failed or were skipped. */
  lost: 0.02,
  /** Mean shorter side of inputs that are face crops by contract, in pixels. */
  cropSide: 512,
  /** Inputs that are face crops by contract and not about square, of those scored. */
  oblong: 0.1,
} as const;

/** One thing to look into. */
export interface ReportFinding {
  /** `bad`: figures are not what they seem; `warn`: look before you use them; `good`: nothing passed a mark. */
  readonly tone: "bad" | "warn" | "good";
  /** One or two words. */
  readonly subject: string;
  readonly text: string;
}

type FindingSource = Pick<Report, "denominators" | "drift" | "baseline"> & {
  readonly total: Pick<Report["total"], "abstained" | "quality" | "oblong">;
  readonly provenance: Pick<Report["provenance"], "abstain" | "faces">;
  readonly groups: readonly Pick<ReportGroups, "fairness">[];
};

/** Marks that alerts of a schedule may set otherwise. */
export interface ReportMarks {
  readonly noFace: number;
  readonly lost: number;
  /** `null`: what the report itself found. */
  readonly drift: DriftMarks | null;
}

const REPORT_MARKS: ReportMarks = { ...FINDING_MARKS, drift: null };

/** What passed a mark, the gravest first; empty where nothing did. */
export function listReportFindings(report: FindingSource, marks: ReportMarks = REPORT_MARKS): ReportFinding[] {
  const { denominators: counts, drift, baseline, groups, total, provenance } = report;
  const unsure =
    (total.abstained?.faces ?? 0) === 0 ? null : describeAbstentions(total.abstained, counts.faces, provenance.abstain);
  return [
    ...describeMissing(counts),
    ...describeShare(counts.noFace, counts.noFace + counts.scored, marks.noFace, {
      subject: "No face",
      text: 'of the pictures that were read have no found face: the shares below are about the rest, and say nothing of these. Look at some; for small faces try faceDetail "fine" or a smaller minFacePixels, for face crops faces "aligned"',
    }),
    ...describeLargeCrops(report),
    ...(provenance.faces === "aligned"
      ? describeShare(total.oblong, counts.faces, FINDING_MARKS.oblong, {
          subject: "Crops",
          text: 'of the inputs, taken for face crops (faces "aligned"), are not about square, and a face is: where faces do not fill the pictures, score them again with faces "auto", "largest" or "all"',
        })
      : []),
    ...describeShare(counts.failed + counts.skipped, counts.listed, marks.lost, {
      subject: "Not scored",
      text: "of the inputs failed or were skipped: errors.jsonl names each with its reason",
    }),
    ...(unsure === null ? [] : [{ tone: "warn" as const, subject: "Not sure", text: unsure }]),
    ...listChanges(drift, marks).map((text) => ({ tone: "warn" as const, subject: "Last run", text })),
    ...listChanges(baseline, marks).map((text) => ({ tone: "warn" as const, subject: "Baseline", text })),
    ...groups.flatMap(({ fairness }) =>
      fairness !== null && fairness.gaps.some(({ settled }) => settled)
        ? describeGaps(fairness, 1).map((text) => ({ tone: "warn" as const, subject: "Groups", text }))
        : [],
    ),
  ];
}

/** What is said where nothing passed a mark: what was looked at, with its figures. */
export function describeQuiet({ denominators: counts }: Pick<Report, "denominators">): ReportFinding {
  const { noFace, scored, failed, skipped, listed } = counts;
  const read = noFace + scored;
  const parts = [
    `Each of the ${formatCount(listed)} inputs has an outcome`,
    ...(read === 0 ? [] : [`${formatPercent(noFace / read)} of the pictures have no found face`]),
    ...(listed === 0 ? [] : [`${formatPercent((failed + skipped) / listed)} failed or were skipped`]),
  ];
  return { tone: "good", subject: "As usual", text: `${parts.join("; ")}.` };
}

const listChanges = (drift: DriftReport | null, { drift: marks }: ReportMarks): readonly string[] =>
  drift === null ? [] : marks === null ? drift.findings : listDriftFindings(drift, marks);

function describeMissing({ missingChunks, unaccounted }: Denominators): ReportFinding[] {
  if (missingChunks === 0) return [];
  const text = `This report is incomplete: ${formatCount(unaccounted)} inputs are missing from it.`;
  return [{ tone: "bad", subject: "Incomplete", text }];
}

function describeLargeCrops({ provenance, total }: FindingSource): ReportFinding[] {
  const side = total.quality?.side.mean ?? 0;
  if (provenance.faces !== "aligned" || side <= FINDING_MARKS.cropSide) return [];
  const text = `Each input was taken for a face crop (faces "aligned"), but their shorter side has ${formatNumber(side, 0)} pixels on average, as photographs have: where faces do not fill the pictures, score them again with faces "auto", "largest" or "all".`;
  return [{ tone: "warn", subject: "Crops", text }];
}

function describeShare(
  count: number,
  total: number,
  mark: number,
  words: Pick<ReportFinding, "subject" | "text">,
): ReportFinding[] {
  const share = computeWilson(count, total);
  if (share === null || share.low <= mark) return [];
  const text = `${formatPercent(share.value)} (95 % interval ${formatInterval(share)}) ${words.text}.`;
  return [{ tone: share.low > 2.5 * mark ? "bad" : "warn", subject: words.subject, text }];
}
