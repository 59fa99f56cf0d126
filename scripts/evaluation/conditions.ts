/**
 * Conditions of real pictures, applied to 48×48 faces: what a model's accuracy becomes when faces are small, compressed,
 * blurred, noisy, dark or turned. Each condition is a pure function of a face and a seeded stream of random numbers.
 */

import { planResample, resampleColumns, resampleRow } from "../../src/image/resample.ts";
import { FACE_PIXELS, FACE_SIZE } from "../../src/model/labels.ts";
import { createRandom, type RandomSource } from "../../src/scoring/statistics/random.ts";
import { roundTripJpeg } from "./jpeg-loss.ts";

/** One face, 48×48 gray bytes, to what a camera would have made of it. */
type Degrade = (face: Uint8Array, random: RandomSource) => Uint8Array;

/** One row of the table. */
export interface Condition {
  readonly name: string;
  readonly degrade: Degrade;
}

const clip = (value: number): number => Math.min(255, Math.max(0, Math.round(value)));

/** The face at `side` × `side` pixels and back, by the resampling of preprocessing. */
function shrink(face: Uint8Array, side: number): Uint8Array {
  return resize(resize(face, FACE_SIZE, side), side, FACE_SIZE);
}

function resize(pixels: Uint8Array, from: number, to: number): Uint8Array {
  const plan = planResample(from, to);
  const wide = new Uint8Array(from * to);
  for (let y = 0; y < from; y++) resampleRow(pixels.subarray(y * from, (y + 1) * from), plan, wide, y * to);
  return resampleColumns(wide, to, plan);
}

/** Gaussian of standard deviation `sigma` pixels, border pixels repeated. */
function blur(face: Uint8Array, sigma: number): Uint8Array {
  const reach = Math.ceil(3 * sigma);
  const kernel = Float64Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * sigma ** 2)),
  );
  const total = kernel.reduce((sum, weight) => sum + weight, 0);
  const pass = (source: ArrayLike<number>, stepX: number, stepY: number): Float64Array =>
    Float64Array.from({ length: FACE_PIXELS }, (_, at) => {
      const x = at % FACE_SIZE;
      const y = Math.floor(at / FACE_SIZE);
      let sum = 0;
      for (let k = -reach; k <= reach; k++) {
        const column = Math.min(FACE_SIZE - 1, Math.max(0, x + k * stepX));
        const row = Math.min(FACE_SIZE - 1, Math.max(0, y + k * stepY));
        sum += source[row * FACE_SIZE + column]! * kernel[k + reach]!;
      }
      return sum / total;
    });
  return Uint8Array.from(pass(pass(face, 1, 0), 0, 1), clip);
}

/** Turned by `degrees` counterclockwise and enlarged by `scale` about the center; border pixels repeated. */
function turn(face: Uint8Array, degrees: number, scale = 1): Uint8Array {
  const center = (FACE_SIZE - 1) / 2;
  const cos = Math.cos((degrees * Math.PI) / 180) / scale;
  const sin = Math.sin((degrees * Math.PI) / 180) / scale;
  const read = (x: number, y: number): number =>
    face[Math.min(FACE_SIZE - 1, Math.max(0, y)) * FACE_SIZE + Math.min(FACE_SIZE - 1, Math.max(0, x))]!;
  return Uint8Array.from({ length: FACE_PIXELS }, (_, at) => {
    const dx = (at % FACE_SIZE) - center;
    const dy = Math.floor(at / FACE_SIZE) - center;
    const x = cos * dx - sin * dy + center;
    const y = sin * dx + cos * dy + center;
    const left = Math.floor(x);
    const top = Math.floor(y);
    const fx = x - left;
    const fy = y - top;
    const upper = read(left, top) * (1 - fx) + read(left + 1, top) * fx;
    const lower = read(left, top + 1) * (1 - fx) + read(left + 1, top + 1) * fx;
    return clip(upper * (1 - fy) + lower * fy);
  });
}

const noise =
  (sigma: number): Degrade =>
  (face, random) =>
    Uint8Array.from(face, (value) => clip(value + sigma * random.nextNormal()));

/** `share` of the light, then read noise of two gray levels. */
const darken =
  (share: number): Degrade =>
  (face, random) =>
    Uint8Array.from(face, (value) => clip(value * share + 2 * random.nextNormal()));

/** Half of the faces to each side. */
const turnEither =
  (degrees: number): Degrade =>
  (face, random) =>
    turn(face, random.next() < 0.5 ? degrees : -degrees);

/** What is measured, in the order of the table. "as it is" comes first, and the others are compared with it. */
export const CONDITIONS: readonly Condition[] = [
  { name: "as it is", degrade: (face) => face },
  ...[32, 24, 16].map((side) => ({
    name: `face of ${side} pixels`,
    degrade: (face: Uint8Array) => shrink(face, side),
  })),
  ...[90, 70, 50, 30].map((quality) => ({
    name: `JPEG quality ${quality} at 48 pixels`,
    degrade: (face: Uint8Array) => roundTripJpeg(face, FACE_SIZE, quality),
  })),
  ...[1, 2].map((sigma) => ({ name: `blur, σ ${sigma} px of 48`, degrade: (face: Uint8Array) => blur(face, sigma) })),
  ...[8, 16, 32].map((sigma) => ({ name: `noise, σ ${sigma} of 255`, degrade: noise(sigma) })),
  ...[0.5, 0.25].map((share) => ({ name: `${100 * share} % of the light`, degrade: darken(share) })),
  ...[10, 20, 30].map((degrees) => ({ name: `turned ${degrees}° to either side`, degrade: turnEither(degrees) })),
  { name: "cropped tight (face 1.2 times as large)", degrade: (face) => turn(face, 0, 1.2) },
  { name: "cropped wide (face 0.8 times as large)", degrade: (face) => turn(face, 0, 0.8) },
];

/**
 * All faces under one condition.
 * @param pixels `count × 2304` bytes
 * @param seed the same seed gives the same pixels
 */
export function applyCondition(condition: Condition, pixels: Uint8Array, seed: number): Uint8Array {
  const random = createRandom(seed);
  const out = new Uint8Array(pixels.length);
  for (let at = 0; at < pixels.length; at += FACE_PIXELS) {
    out.set(condition.degrade(pixels.subarray(at, at + FACE_PIXELS), random), at);
  }
  return out;
}
