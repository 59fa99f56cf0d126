// Where everything lies in memory: one bump allocation when the model is loaded, none afterwards.
import { LANES, VECTOR } from "./vector";

/** Side of the input image. */
export const SIDE: i32 = 48;
/** Side of the sampler's image: one zero pixel before, two behind, so that clamped reads find the padding. */
export const PADDED: i32 = 51;
/** Side of the plane that localization.0 reads: zeros behind the image, so that its windows are whole. */
export const PLANE: i32 = 52;
/** Side of localization.0's map as stored; 21 of it mean something. */
export const MAP_SEVEN: i32 = 22;
/** Output channels of one register tile, and neurons of one dense tile. */
export const TILE: i32 = 5;
export const DENSE_TILE: i32 = 10;
/** Faces in one call. */
export const CAPACITY: i32 = 64;

/** Real channel counts. */
export let loc1: i32 = 0;
export let loc2: i32 = 0;
export let locHidden: i32 = 0;
export let conv1: i32 = 0;
export let conv2: i32 = 0;
export let conv3: i32 = 0;
export let conv4: i32 = 0;
export let hidden: i32 = 0;

/** Weights, packed by the host (pack.ts names the same order in its layer table). */
export let loc1Weights: usize = 0;
export let loc1Bias: usize = 0;
export let loc2Weights: usize = 0;
export let loc2Bias: usize = 0;
export let locDenseWeights: usize = 0;
export let locDenseBias: usize = 0;
export let thetaWeights: usize = 0;
export let thetaBias: usize = 0;
export let conv1Weights: usize = 0;
export let conv1Bias: usize = 0;
export let conv2Weights: usize = 0;
export let conv2Bias: usize = 0;
export let conv3Weights: usize = 0;
export let conv3Bias: usize = 0;
export let conv4Weights: usize = 0;
export let conv4Bias: usize = 0;
export let dense1Weights: usize = 0;
export let dense1Bias: usize = 0;
export let dense2Weights: usize = 0;
export let dense2Bias: usize = 0;

/** The host's side of a call. */
export let pixels: usize = 0;
export let thetaOut: usize = 0;
export let logitsOut: usize = 0;
export let probabilitiesOut: usize = 0;

/** Activations of one group of four faces. */
export let images: usize = 0;
export let normalized: usize = 0;
export let loc1Map: usize = 0;
export let loc2Map: usize = 0;
export let locHiddenMap: usize = 0;
export let theta: usize = 0;
export let sampled: usize = 0;
export let map1: usize = 0;
export let map2: usize = 0;
export let map3: usize = 0;
export let map4: usize = 0;
export let hiddenMap: usize = 0;
export let logits: usize = 0;
export let transformed: usize = 0;
export let products: usize = 0;

let top: usize = 0;

function take(bytes: usize): usize {
  const at = top;
  // 64: one cache line
  top = (top + bytes + 63) & ~(63 as usize);
  return at;
}

function takeVectors(count: i32): usize {
  return take((<usize>count) * VECTOR);
}

function takeFloats(count: i32): usize {
  return take((<usize>count) << 2);
}

/** `count` rounded up to whole tiles. */
export function pad(count: i32, tile: i32): i32 {
  return ((count + tile - 1) / tile) * tile;
}

function max(a: i32, b: i32): i32 {
  return a > b ? a : b;
}

/** Lays out memory for the given channel counts and grows it. Returns 0, or 1 if memory could not grow. */
export function layOut(
  l1: i32, l2: i32, lh: i32, c1: i32, c2: i32, c3: i32, c4: i32, h: i32,
): i32 {
  loc1 = l1; loc2 = l2; locHidden = lh;
  conv1 = c1; conv2 = c2; conv3 = c3; conv4 = c4; hidden = h;
  const p1 = pad(l1, 4), p2 = pad(l2, TILE);
  const q1 = pad(c1, TILE), q2 = pad(c2, TILE), q3 = pad(c3, TILE), q4 = pad(c4, TILE);
  const dl = pad(lh, DENSE_TILE), dh = pad(h, DENSE_TILE);
  top = (__heap_base + 63) & ~(63 as usize);

  loc1Weights = takeFloats(p1 * 4 * 49); loc1Bias = takeFloats(p1);
  loc2Weights = takeFloats(p2 * l1 * 36); loc2Bias = takeFloats(p2);
  locDenseWeights = takeFloats(dl * l2 * 64); locDenseBias = takeFloats(dl);
  thetaWeights = takeFloats(DENSE_TILE * lh); thetaBias = takeFloats(DENSE_TILE);
  conv1Weights = takeFloats(q1 * 9); conv1Bias = takeFloats(q1);
  conv2Weights = takeFloats(q2 * c1 * 36); conv2Bias = takeFloats(q2);
  conv3Weights = takeFloats(q3 * c2 * 36); conv3Bias = takeFloats(q3);
  conv4Weights = takeFloats(q4 * c3 * 36); conv4Bias = takeFloats(q4);
  dense1Weights = takeFloats(dh * c4 * 81); dense1Bias = takeFloats(dh);
  dense2Weights = takeFloats(DENSE_TILE * h); dense2Bias = takeFloats(DENSE_TILE);

  pixels = take(<usize>(CAPACITY * SIDE * SIDE));
  thetaOut = takeFloats(CAPACITY * 6);
  logitsOut = takeFloats(CAPACITY * 7);
  probabilitiesOut = takeFloats(CAPACITY * 7);

  images = takeFloats(LANES * PADDED * PADDED);
  normalized = takeVectors(PLANE * PLANE);
  loc1Map = takeVectors(p1 * MAP_SEVEN * MAP_SEVEN);
  loc2Map = takeVectors(p2 * 8 * 8);
  locHiddenMap = takeVectors(dl);
  theta = takeVectors(DENSE_TILE);
  sampled = takeVectors(SIDE * SIDE);
  map1 = takeVectors(q1 * 46 * 46);
  map2 = takeVectors(q2 * 22 * 22);
  map3 = takeVectors(q3 * 20 * 20);
  map4 = takeVectors(q4 * 9 * 9);
  hiddenMap = takeVectors(dh);
  logits = takeVectors(DENSE_TILE);
  const widest = max(max(c1, c2), max(c3, l1));
  const widestOut = max(max(q2, q3), max(q4, p2));
  // Two rows of twelve windows for localization.0, 36 points of two tiles for the others.
  transformed = takeVectors(max(2 * 12 * 49, 36 * widest * 2));
  products = takeVectors(max(49 * p1 * 2, 36 * widestOut * 2));

  const pages = <i32>((top + 65535) >> 16);
  const have = memory.size();
  if (pages > have && memory.grow(pages - have) < 0) return 1;
  // The borders that no face overwrites.
  memory.fill(images, 0, <usize>(LANES * PADDED * PADDED * 4));
  memory.fill(normalized, 0, <usize>(PLANE * PLANE) * VECTOR);
  return 0;
}
