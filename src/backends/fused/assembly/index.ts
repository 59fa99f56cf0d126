// Deep_Emotion from bytes to probabilities in one call. docs/fused-engine.md.
import { LANES } from "./vector";
import * as plan from "./plan";
import { unpackFaces } from "./pixels";
import { convolveSeven } from "./seven";
import { convolveThree } from "./direct";
import { convolve, PLAIN, POOLED, SINGLE } from "./winograd";
import { connect } from "./dense";
import { sample } from "./sampler";
import { normalizeExponents } from "./softmax";

export { layOut, CAPACITY } from "./plan";

const FACE_BYTES: i32 = 48 * 48;

/** Address of the `index`-th packed tensor: weights and bias of the layers in the order of pack.ts. */
export function addressOf(index: i32): usize {
  switch (index) {
    case 0: return plan.loc1Weights;
    case 1: return plan.loc1Bias;
    case 2: return plan.loc2Weights;
    case 3: return plan.loc2Bias;
    case 4: return plan.locDenseWeights;
    case 5: return plan.locDenseBias;
    case 6: return plan.thetaWeights;
    case 7: return plan.thetaBias;
    case 8: return plan.conv1Weights;
    case 9: return plan.conv1Bias;
    case 10: return plan.conv2Weights;
    case 11: return plan.conv2Bias;
    case 12: return plan.conv3Weights;
    case 13: return plan.conv3Bias;
    case 14: return plan.conv4Weights;
    case 15: return plan.conv4Bias;
    case 16: return plan.dense1Weights;
    case 17: return plan.dense1Bias;
    case 18: return plan.dense2Weights;
    case 19: return plan.dense2Bias;
    case 20: return plan.pixels;
    case 21: return plan.thetaOut;
    case 22: return plan.logitsOut;
    case 23: return plan.probabilitiesOut;
    default: return 0;
  }
}

/** Stages of one group, so that a profile can time each alone. */
export function localize(from: usize): void {
  unpackFaces(from);
  convolveSeven(plan.normalized, plan.loc1Weights, plan.loc1Bias, plan.loc1, plan.loc1Map);
  convolve(plan.loc1Map, plan.MAP_SEVEN, plan.loc1, plan.loc2Weights, plan.loc2Bias, plan.loc2, plan.loc2Map, 8, 8, 2, 14, SINGLE);
  connect(plan.loc2Map, plan.loc2 * 64, plan.locDenseWeights, plan.locDenseBias, plan.locHidden, plan.locHiddenMap, true);
  connect(plan.locHiddenMap, plan.locHidden, plan.thetaWeights, plan.thetaBias, 6, plan.theta, false);
}

export function extract(): void {
  convolveThree(plan.sampled, plan.conv1Weights, plan.conv1Bias, plan.conv1, plan.map1);
  convolve(plan.map1, 46, plan.conv1, plan.conv2Weights, plan.conv2Bias, plan.conv2, plan.map2, 22, 11, 4, 40, POOLED);
  convolve(plan.map2, 22, plan.conv2, plan.conv3Weights, plan.conv3Bias, plan.conv3, plan.map3, 20, 5, 4, 16, PLAIN);
  convolve(plan.map3, 20, plan.conv3, plan.conv4Weights, plan.conv4Bias, plan.conv4, plan.map4, 9, 5, 4, 14, POOLED);
}

export function decide(scale: f32): void {
  connect(plan.map4, plan.conv4 * 81, plan.dense1Weights, plan.dense1Bias, plan.hidden, plan.hiddenMap, true);
  connect(plan.hiddenMap, plan.hidden, plan.dense2Weights, plan.dense2Bias, 7, plan.logits, false);
  // the hidden values are spent: their place takes the probabilities
  normalizeExponents(plan.logits, scale, plan.hiddenMap);
}

/** Vectors [width][lane] → rows [face][width] for the first `faces` lanes. */
function scatter(from: usize, to: usize, width: i32, faces: i32): void {
  for (let face = 0; face < faces; face++) {
    for (let i = 0; i < width; i++) {
      store<f32>(to + (<usize>(face * width + i) << 2), load<f32>(from + (<usize>(i * LANES + face) << 2)));
    }
  }
}

/** Scores the first `count` faces of the pixel area; `count` ≤ CAPACITY. `scale` is one over the temperature. */
export function run(count: i32, alignCorners: bool, scale: f32): void {
  for (let first = 0; first < count; first += LANES) {
    const faces = count - first < LANES ? count - first : LANES;
    localize(plan.pixels + <usize>(first * FACE_BYTES));
    sample(alignCorners);
    extract();
    decide(scale);
    scatter(plan.theta, plan.thetaOut + (<usize>(first * 6) << 2), 6, faces);
    scatter(plan.logits, plan.logitsOut + (<usize>(first * 7) << 2), 7, faces);
    scatter(plan.hiddenMap, plan.probabilitiesOut + (<usize>(first * 7) << 2), 7, faces);
  }
}
