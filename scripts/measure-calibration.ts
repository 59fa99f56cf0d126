/**
 * Whether probabilities per class would be better calibrated by vector scaling (a factor and an offset per class) than by one
 * temperature (both of Guo et al. 2017, "On Calibration of Modern Neural Networks"). Every figure is cross-fitted: each fifth of the
 * faces is measured with what the other four gave. The table of docs/model.md.
 *
 *     node scripts/measure-calibration.ts --data <fer2013> [--model deep-emotion --model plain-net]
 */

import { parseArgs } from "node:util";
import { createNodeClassifier } from "../src/backends/engines-node.ts";
import { formatModelId } from "../src/model/card.ts";
import { FACE_PIXELS, LABEL_COUNT } from "../src/model/labels.ts";
import { computeProbabilities } from "../src/model/softmax.ts";
import {
  CALIBRATION_BINS,
  computeCalibrationError,
  countCalibration,
  findCalibrationBin,
  findTopLabel,
  fitTemperature,
} from "../src/scoring/statistics/calibration.ts";
import { loadModelFrom } from "./evaluation/load-model.ts";
import { openDataset } from "../src/evaluation/open-dataset.ts";

const FOLDS = 5;
const BATCH = 64;
/** Steps of gradient descent with momentum; the loss is convex, and its slope is below 1e-4 by then. */
const STEPS = 1500;
const RATE = 0.5;
const MOMENTUM = 0.9;

/** Logits of one face to calibrated logits. */
type Scaling = (row: Float32Array) => Float32Array;

/** Factors and offsets per class that make the true labels most likely, starting at one temperature. */
function fitVector(logits: Float32Array, truth: ArrayLike<number>, faces: readonly number[]): Scaling {
  const factors = new Float64Array(LABEL_COUNT).fill(1 / fitTemperature(logits, truth, faces));
  const offsets = new Float64Array(LABEL_COUNT);
  const speed = new Float64Array(2 * LABEL_COUNT);
  const scale: Scaling = (row) => row.map((logit, label) => logit * factors[label]! + offsets[label]!);
  for (let step = 0; step < STEPS; step++) {
    const slope = new Float64Array(2 * LABEL_COUNT);
    for (const face of faces) {
      const row = logits.subarray(face * LABEL_COUNT, (face + 1) * LABEL_COUNT);
      computeProbabilities(scale(row), 1, null).forEach((probability, label) => {
        const error = probability - (truth[face] === label ? 1 : 0);
        slope[label]! += (error * row[label]!) / faces.length;
        slope[LABEL_COUNT + label]! += error / faces.length;
      });
    }
    for (let i = 0; i < LABEL_COUNT; i++) {
      speed[i] = MOMENTUM * speed[i]! - RATE * slope[i]!;
      speed[LABEL_COUNT + i] = MOMENTUM * speed[LABEL_COUNT + i]! - RATE * slope[LABEL_COUNT + i]!;
      factors[i]! += speed[i]!;
      offsets[i]! += speed[LABEL_COUNT + i]!;
    }
  }
  return scale;
}

function fitOne(logits: Float32Array, truth: ArrayLike<number>, faces: readonly number[]): Scaling {
  const temperature = fitTemperature(logits, truth, faces);
  return (row) => row.map((logit) => logit / temperature);
}

/** Probabilities of all faces, each by the scaling of the folds that do not hold it. */
function crossFit(
  logits: Float32Array,
  truth: Uint8Array,
  fit: (logits: Float32Array, truth: Uint8Array, faces: readonly number[]) => Scaling,
): Float32Array {
  const all = Array.from(truth, (_, face) => face);
  const out = new Float32Array(logits.length);
  for (let fold = 0; fold < FOLDS; fold++) {
    const scaling = fit(
      logits,
      truth,
      all.filter((face) => face % FOLDS !== fold),
    );
    for (const face of all.filter((one) => one % FOLDS === fold)) {
      const row = logits.subarray(face * LABEL_COUNT, (face + 1) * LABEL_COUNT);
      out.set(computeProbabilities(scaling(row), 1, null), face * LABEL_COUNT);
    }
  }
  return out;
}

/** Mean over the classes of the calibration error of that class's probability (Kull et al. 2019, "Beyond temperature scaling"). */
function computeClassError(probabilities: Float32Array, truth: Uint8Array): number {
  let sum = 0;
  for (let label = 0; label < LABEL_COUNT; label++) {
    const gaps = new Float64Array(CALIBRATION_BINS);
    truth.forEach((one, face) => {
      const probability = probabilities[face * LABEL_COUNT + label]!;
      gaps[findCalibrationBin(probability)]! += (one === label ? 1 : 0) - probability;
    });
    sum += gaps.reduce((total, gap) => total + Math.abs(gap), 0) / truth.length;
  }
  return sum / LABEL_COUNT;
}

function describe(probabilities: Float32Array, truth: Uint8Array): string {
  let nll = 0;
  let right = 0;
  truth.forEach((label, face) => {
    nll -= Math.log(probabilities[face * LABEL_COUNT + label]! + 1e-12) / truth.length;
    if (findTopLabel(probabilities, face) === label) right++;
  });
  const ece = computeCalibrationError(countCalibration(probabilities, truth));
  const figures = [nll, ece, computeClassError(probabilities, truth), right / truth.length];
  return figures.map((figure) => figure.toFixed(4)).join(" | ");
}

const { values } = parseArgs({
  options: {
    data: { type: "string", default: process.env["COUNTENANCE_DATA"] ?? "" },
    model: { type: "string", multiple: true, default: ["deep-emotion", "plain-net"] },
  },
});

const { pixels, count, truth } = await openDataset(values.data, { usage: "PublicTest", limit: Infinity });
console.log("| model | scaling | NLL | ECE | ECE per class | accuracy |\n| --- | --- | --- | --- | --- | --- |");
for (const reference of values.model) {
  const { model } = await loadModelFrom(reference, null);
  const classifier = await createNodeClassifier(model, "fused");
  const logits = new Float32Array(count * LABEL_COUNT);
  for (let at = 0; at < count; at += BATCH) {
    const faces = Math.min(BATCH, count - at);
    const scores = await classifier.classify(pixels.subarray(at * FACE_PIXELS), faces);
    logits.set(scores.logits.subarray(0, faces * LABEL_COUNT), at * LABEL_COUNT);
  }
  classifier.dispose();
  const ways = { "as trained": () => (row: Float32Array) => row, "one temperature": fitOne, "per class": fitVector };
  for (const [name, fit] of Object.entries(ways)) {
    console.log(`| ${formatModelId(model.card)} | ${name} | ${describe(crossFit(logits, truth, fit), truth)} |`);
  }
}
