/** What changed between two runs: labels, confidence, input quality. */

import type { ChunkSummary } from "../fold/summary.ts";
import { describeMoment, QUALITY_MEASURES, type QualityMeasure } from "../fold/summary-quality.ts";
import { countFlips, type FlipSample, type FlipSummary } from "./flips.ts";
import { computeWilson, type ShareInterval } from "./intervals.ts";
import { compareHistograms, type HistogramShift, type ShiftTest, testShift } from "./shift.ts";

/** Drift of one measure of input quality. */
export interface QualityShift extends HistogramShift {
  readonly measure: QualityMeasure;
  readonly meanBefore: number;
  readonly meanAfter: number;
  /** Difference of means in pooled standard deviations (Cohen's d); 0 where nothing varies. */
  readonly cohensD: number;
}

/** What became of the earlier run's inputs, and which are new. */
export interface InputChanges {
  /** Unchanged objects whose records were taken over. */
  readonly carried: number;
  /** Inputs of both runs that were scored again: changed, or not read by the earlier run. */
  readonly scoredAgain: number;
  readonly appeared: number;
  /** Inputs that the later run no longer has. */
  readonly vanished: number;
}

/** The drift section of a report. */
export interface DriftReport {
  /** What the run is compared with, for instance "last run" or "baseline", and its job id. */
  readonly against: { readonly name: string; readonly jobId: string };
  /** False where model or pipeline differ: then the shift is the model's too. */
  readonly comparable: boolean;
  /** What differs between the jobs so that no record was carried over, in words; missing where nothing does, and in older reports. */
  readonly changes?: readonly string[];
  readonly facesBefore: number;
  readonly facesAfter: number;
  /** `null` where the runs were compared by their summaries only. */
  readonly inputs: InputChanges | null;
  readonly labels: ShiftTest | null;
  readonly confidence: HistogramShift | null;
  readonly quality: readonly QualityShift[];
  readonly flips: {
    readonly compared: number;
    readonly flipped: number;
    readonly share: ShareInterval | null;
    readonly unchangedFlips: number;
    readonly appeared: number;
    readonly vanished: number;
    readonly newlyScored: number;
    readonly noLongerScored: number;
    readonly samples: readonly FlipSample[];
  } | null;
  /** One sentence per finding, the gravest first; empty if nothing passed a threshold. */
  readonly findings: readonly string[];
}

function compareQuality(before: ChunkSummary, after: ChunkSummary): QualityShift[] {
  const [a, b] = [before.total.quality, after.total.quality];
  if (a === null || b === null) return [];
  return QUALITY_MEASURES.flatMap((measure) => {
    const shift = compareHistograms(a[measure].histogram, b[measure].histogram);
    if (shift === null) return [];
    const [was, is] = [describeMoment(a[measure]), describeMoment(b[measure])];
    const pooled = Math.sqrt((was.deviation ** 2 + is.deviation ** 2) / 2);
    return [
      {
        measure,
        ...shift,
        meanBefore: was.mean,
        meanAfter: is.mean,
        cohensD: pooled === 0 ? 0 : (is.mean - was.mean) / pooled,
      },
    ];
  });
}

const formatPercent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** From where on a change is told: Cramér's V of the labels (with p < 0.01), population stability index of quality and confidence. */
export interface DriftMarks {
  readonly labelShift: number;
  readonly quality: number;
  /** What the Kolmogorov–Smirnov test of quality and confidence must lie below; 1: anything. */
  readonly qualityP: number;
}

/** The marks of a report. */
export const DRIFT_MARKS: DriftMarks = { labelShift: 0.1, quality: 0.1, qualityP: 1 };

/** One sentence per change that passed a mark. */
export function listDriftFindings(drift: Omit<DriftReport, "findings">, marks: DriftMarks = DRIFT_MARKS): string[] {
  const findings: string[] = [];
  if (!drift.comparable) findings.push("Model or pipeline differ between the two runs: the labels are not comparable.");
  if (drift.changes !== undefined) {
    const before =
      drift.inputs === null ? "Other than in that run" : "Everything was scored again, since other than in that run";
    findings.push(`${before}: ${drift.changes.join(", ")}.`);
  }
  if (drift.labels !== null && drift.labels.p < 0.01 && drift.labels.cramersV >= marks.labelShift) {
    findings.push(
      `The shares of the labels shifted: ${drift.labels.effect} effect (Cramér's V ${drift.labels.cramersV.toFixed(2)}).`,
    );
  }
  if (drift.flips?.share && drift.flips.share.low > 0.05) {
    findings.push(`${formatPercent(drift.flips.share.value)} of the inputs that both runs scored have another label.`);
  }
  for (const shift of drift.quality) {
    if (shift.psi < marks.quality || shift.p > marks.qualityP) continue;
    const how = shift.verdict === "shifted" ? "shifted" : "moved";
    findings.push(
      `Input ${shift.measure} ${how}: ${shift.meanBefore.toFixed(1)} to ${shift.meanAfter.toFixed(1)} (PSI ${shift.psi.toFixed(2)}).`,
    );
  }
  if (drift.confidence !== null && drift.confidence.psi >= marks.quality && drift.confidence.p <= marks.qualityP) {
    findings.push(`The model's confidence moved (PSI ${drift.confidence.psi.toFixed(2)}).`);
  }
  return findings;
}

const sumOf = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Compares two runs by their summaries, and input by input where flips are given. */
export function compareRuns(
  before: ChunkSummary,
  after: ChunkSummary,
  options: {
    against: DriftReport["against"];
    flips?: FlipSummary | null;
    inputs?: InputChanges | null;
    changes?: readonly string[];
    /** Whether one of the changes is of the model. */
    isOtherModel?: boolean;
  },
): DriftReport {
  const { flips = null, inputs = null, against, changes = [], isOtherModel = false } = options;
  const counted = flips === null ? null : countFlips(flips);
  const drift: Omit<DriftReport, "findings"> = {
    against,
    comparable:
      !isOtherModel &&
      (before.model === null ||
        after.model === null ||
        (before.model === after.model && before.pipeline === after.pipeline)),
    ...(changes.length === 0 ? {} : { changes }),
    facesBefore: sumOf(before.total.labels),
    facesAfter: sumOf(after.total.labels),
    inputs,
    labels: testShift(before.total.labels, after.total.labels),
    confidence: compareHistograms(before.total.confidence, after.total.confidence),
    quality: compareQuality(before, after),
    flips:
      flips === null || counted === null
        ? null
        : {
            ...counted,
            share: computeWilson(counted.flipped, counted.compared),
            unchangedFlips: flips.unchangedFlips,
            appeared: flips.appeared,
            vanished: flips.vanished,
            newlyScored: flips.newlyScored,
            noLongerScored: flips.noLongerScored,
            samples: flips.samples,
          },
  };
  return { ...drift, findings: listDriftFindings(drift) };
}
