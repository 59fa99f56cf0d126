/** How good a classifier is on labeled faces. */

import { type AbstentionPoint, fitAbstention } from "../scoring/statistics/abstention.ts";
import type { Classifier } from "../model/classifier.ts";
import { mirrorFaces } from "../model/flip.ts";
import { countInputBytes } from "../model/input-form.ts";
import type { Label } from "../model/labels.ts";
import {
  applyTemperatures,
  computeCalibrationError,
  countCalibration,
  crossFitTemperature,
  findTopLabel,
  type CrossFit,
} from "../scoring/statistics/calibration.ts";
import { computeClassification, countConfusion, type ClassFigures } from "../scoring/statistics/classification.ts";
import { computeWilson } from "../scoring/statistics/intervals.ts";
import type { Dataset } from "./dataset.ts";

/** Test-time augmentation: one pass, or the mean with the mirrored face. */
export type Tta = "none" | "flip";

/** Figures of one model on one data set in one mode. All shares are 0…1. */
export interface Evaluation {
  readonly tta: Tta;
  readonly faces: number;
  readonly correct: number;
  readonly accuracy: number;
  /** Wilson 95 %. */
  readonly interval: readonly [number, number];
  readonly balancedAccuracy: number;
  readonly macroF1: number;
  readonly perClass: readonly ClassFigures[];
  readonly confusion: readonly (readonly number[])[];
  /** 15 bins; after the temperature of the other folds. */
  readonly ece: { readonly before: number; readonly after: number };
  readonly abstention: readonly AbstentionPoint[];
}

/** What {@link evaluateModel} returns. */
export interface ModelFigures {
  /** Fitted on all faces; the card's, if it is adopted. */
  readonly fittedTemperature: number;
  readonly foldTemperatures: readonly number[];
  readonly modes: readonly Evaluation[];
  /** Milliseconds of CPU of the single pass, all threads of this process together. */
  readonly cpuMs: number;
}

/** Logits of all faces, `[count, labels]`, batch by batch. */
async function computeLogits(
  classifier: Classifier,
  pixels: Uint8Array,
  count: number,
  onProgress: (done: number) => void,
): Promise<Float32Array> {
  const labels = classifier.labels.length;
  const bytes = countInputBytes(classifier.input);
  const logits = new Float32Array(count * labels);
  const step = Math.max(1, classifier.batchSize) * 8;
  for (let start = 0; start < count; start += step) {
    const faces = Math.min(step, count - start);
    const batch = pixels.subarray(start * bytes, (start + faces) * bytes);
    const scores = await classifier.classify(batch, faces);
    logits.set(scores.logits.subarray(0, faces * labels), start * labels);
    onProgress(start + faces);
  }
  return logits;
}

/** CPU and not the clock: other work on the machine says nothing about the engine. */
function readCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function averageProbabilities(
  passes: readonly Float32Array[],
  labels: number,
  temperatureOf: (face: number) => number,
): Float32Array {
  const [first, second] = passes.map((logits) => applyTemperatures(logits, temperatureOf, labels));
  if (first === undefined) return new Float32Array(0);
  return second === undefined ? first : first.map((value, index) => (value + (second[index] ?? 0)) / 2);
}

function summarizeMode(
  tta: Tta,
  labels: readonly Label[],
  passes: readonly Float32Array[],
  truth: Uint8Array,
  fit: CrossFit,
  temperature: number,
): Evaluation {
  const served = averageProbabilities(passes, labels.length, () => temperature);
  const predicted = Uint8Array.from(truth, (_, face) => findTopLabel(served, face, labels.length));
  const confusion = countConfusion(truth, predicted, labels.length);
  const figures = computeClassification(confusion, labels);
  const plain = averageProbabilities(passes, labels.length, () => 1);
  const scaled = averageProbabilities(passes, labels.length, (face) => fit.temperatureOf(face));
  const wilson = computeWilson(figures.correct, figures.faces);
  return {
    tta,
    ...figures,
    interval: [wilson?.low ?? 0, wilson?.high ?? 1],
    confusion,
    ece: {
      before: computeCalibrationError(countCalibration(plain, truth)),
      after: computeCalibrationError(countCalibration(scaled, truth)),
    },
    abstention: fitAbstention(served, truth),
  };
}

/**
 * Measures a classifier on labeled faces.
 * @param modes which passes to measure; the mirrored pass doubles the time
 * @param temperature what the served probabilities use; null takes the one fitted here. It changes labels only where
 *   two passes are averaged
 */
export async function evaluateModel(
  classifier: Classifier,
  dataset: Dataset,
  modes: readonly Tta[],
  temperature: number | null,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<ModelFigures> {
  const { pixels, count, truth } = dataset;
  const total = modes.includes("flip") ? 2 * count : count;
  const started = readCpuMs();
  const straight = await computeLogits(classifier, pixels, count, (done) => onProgress(done, total));
  const cpuMs = readCpuMs() - started;
  const fit = crossFitTemperature(straight, truth);
  const served = temperature ?? fit.temperature;
  const passes = [straight];
  if (modes.includes("flip")) {
    const mirrored = mirrorFaces(classifier.input, pixels, count);
    passes.push(await computeLogits(classifier, mirrored, count, (done) => onProgress(count + done, total)));
  }
  return {
    fittedTemperature: fit.temperature,
    foldTemperatures: fit.foldTemperatures,
    modes: modes.map((tta) =>
      summarizeMode(tta, classifier.labels, tta === "flip" ? passes : [straight], truth, fit, served),
    ),
    cpuMs,
  };
}
