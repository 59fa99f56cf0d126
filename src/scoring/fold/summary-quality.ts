/** Moments and histograms of input quality, folded exactly. */

import type { QualityRecord } from "../records/records.ts";

/** The three measures, in the order of {@link QualityRecord}. */
export const QUALITY_MEASURES = ["brightness", "contrast", "side"] as const;
export type QualityMeasure = (typeof QUALITY_MEASURES)[number];

/** Bins of each quality histogram. */
export const QUALITY_BINS = 32;

/** Fixed-point unit of quality sums: hundredths. */
const SCALE = 100;

/** Moments of one measure over `count` faces. */
export interface MomentSummary {
  readonly count: number;
  /** Sum in hundredths of the measure's unit. A side of 65,535 pixels reaches 2^53 only after 10^9 faces. */
  readonly sum: number;
  /** Sum of squares in hundredths², decimal digits: it passes 2^53 at ten million faces. */
  readonly sumSquares: string;
  /** Hundredths. */
  readonly min: number;
  readonly max: number;
  /** {@link QUALITY_BINS} counts; see {@link qualityBin}. */
  readonly histogram: readonly number[];
}

/** One {@link MomentSummary} per measure. */
export type QualitySummary = Readonly<Record<QualityMeasure, MomentSummary>>;

/**
 * Bin of a value: brightness in steps of 8, contrast in steps of 4, side in thirds of an octave from 8 pixels up
 * (so the 32 bins end at about 13,000 pixels).
 */
export function qualityBin(measure: QualityMeasure, value: number): number {
  const bin =
    measure === "brightness" ? value / 8 : measure === "contrast" ? value / 4 : 3 * Math.log2(Math.max(value, 8) / 8);
  return Math.min(QUALITY_BINS - 1, Math.max(0, Math.floor(bin)));
}

/** Lower edge of a bin, in the measure's unit. */
export function qualityBinStart(measure: QualityMeasure, bin: number): number {
  return measure === "brightness" ? bin * 8 : measure === "contrast" ? bin * 4 : 8 * 2 ** (bin / 3);
}

/** A {@link MomentSummary} while values are added to it. */
class MomentBuilder {
  readonly #measure: QualityMeasure;
  readonly #histogram = Array.from({ length: QUALITY_BINS }, () => 0);
  #count = 0;
  #sum = 0;
  /** Squares not yet moved into the exact sum: below 2^53, so that adding here is exact too, and fast. */
  #squares = 0;
  #exactSquares = 0n;
  #min = Infinity;
  #max = -Infinity;

  constructor(measure: QualityMeasure) {
    this.#measure = measure;
  }

  add(value: number): void {
    const fixed = Math.round(value * SCALE);
    this.#count += 1;
    this.#sum += fixed;
    this.#min = Math.min(this.#min, fixed);
    this.#max = Math.max(this.#max, fixed);
    const bin = qualityBin(this.#measure, value);
    this.#histogram[bin] = (this.#histogram[bin] ?? 0) + 1;
    const square = fixed * fixed;
    if (this.#squares + square <= Number.MAX_SAFE_INTEGER) {
      this.#squares += square;
    } else {
      this.#exactSquares += BigInt(this.#squares) + BigInt(fixed) ** 2n;
      this.#squares = 0;
    }
  }

  build(): MomentSummary {
    return {
      count: this.#count,
      sum: this.#sum,
      sumSquares: String(this.#exactSquares + BigInt(this.#squares)),
      min: this.#min,
      max: this.#max,
      histogram: [...this.#histogram],
    };
  }
}

/** Adds up the quality of faces. */
export interface QualityBuilder {
  add(quality: QualityRecord): void;
  /** The summary so far; `null` if there is no face. */
  build(): QualitySummary | null;
}

/** A builder that starts from nothing. */
export function createQualityBuilder(): QualityBuilder {
  const brightness = new MomentBuilder("brightness");
  const contrast = new MomentBuilder("contrast");
  const side = new MomentBuilder("side");
  let isEmpty = true;
  return {
    add(quality) {
      isEmpty = false;
      brightness.add(quality.brightness);
      contrast.add(quality.contrast);
      side.add(quality.side);
    },
    build: () => (isEmpty ? null : { brightness: brightness.build(), contrast: contrast.build(), side: side.build() }),
  };
}

function mergeMoments(a: MomentSummary, b: MomentSummary): MomentSummary {
  return {
    count: a.count + b.count,
    sum: a.sum + b.sum,
    sumSquares: String(BigInt(a.sumSquares) + BigInt(b.sumSquares)),
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    histogram: a.histogram.map((count, bin) => count + (b.histogram[bin] ?? 0)),
  };
}

/** Sum of two; `null` (nothing measured) is the identity. */
export function mergeQuality(a: QualitySummary | null, b: QualitySummary | null): QualitySummary | null {
  if (a === null) return b;
  if (b === null) return a;
  return {
    brightness: mergeMoments(a.brightness, b.brightness),
    contrast: mergeMoments(a.contrast, b.contrast),
    side: mergeMoments(a.side, b.side),
  };
}

/** Figures of one measure, in its own unit. */
export interface MomentFigures {
  readonly count: number;
  readonly mean: number;
  /** Population standard deviation. */
  readonly deviation: number;
  readonly min: number;
  readonly max: number;
}

/** Mean and deviation from exact sums; the cancellation happens in integers, so it costs no digits. */
export function describeMoment(moment: MomentSummary): MomentFigures {
  const count = BigInt(moment.count);
  const sum = BigInt(moment.sum);
  // count² · variance, exactly.
  const scaled = count * BigInt(moment.sumSquares) - sum * sum;
  return {
    count: moment.count,
    mean: moment.sum / moment.count / SCALE,
    deviation: Math.sqrt(Number(scaled)) / moment.count / SCALE,
    min: moment.min / SCALE,
    max: moment.max / SCALE,
  };
}
