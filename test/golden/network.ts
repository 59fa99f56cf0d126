/**
 * Repeats, bit by bit, the made-up weights and faces of network.json: its `generator` says how. The expected values
 * there come from PyTorch (training/goldens.py).
 */

import { GRAY_48 } from "../../src/model/input-form.ts";
import { LABELS, FACE_PIXELS, FACE_SIZE } from "../../src/model/labels.ts";
import type { Model } from "../../src/model/model.ts";
import { countElements, type Tensor } from "../../src/model/tensor.ts";
import golden from "./network.json" with { type: "json" };

interface Recipe {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values?: readonly number[];
  readonly offset?: number;
  readonly scale?: number;
  readonly gain?: number;
  readonly fan_in?: number;
}

interface FaceRecipe {
  readonly kind: string;
  readonly seed?: number;
  readonly a?: number;
  readonly b?: number;
  readonly o?: number;
  readonly value?: number;
}

/** What PyTorch computed, one row per face. */
export interface Expected {
  readonly theta: readonly (readonly number[])[];
  readonly logits: readonly (readonly number[])[];
  readonly probabilities: readonly (readonly number[])[];
}

/** One weight set under one `align_corners`. */
export interface GoldenCase {
  readonly name: string;
  readonly model: Model;
  readonly expected: Expected;
}

/** mulberry32: unsigned 32-bit integers. */
export function createRandom(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** A model around any tensors, with a card that fits. */
export function createTestModel(
  tensors: ReadonlyMap<string, Tensor>,
  options: { name?: string; alignCorners?: boolean; temperature?: number | null } = {},
): Model {
  return {
    tensors,
    card: {
      name: options.name ?? "golden",
      version: 1,
      family: "deep-emotion",
      sha256: "0".repeat(64),
      labels: [...LABELS],
      input: GRAY_48,
      alignCorners: options.alignCorners ?? false,
      temperature: options.temperature ?? null,
      pipeline: 1,
      parameters: 1,
      shapes: Object.fromEntries([...tensors].map(([name, { shape }]) => [name, [...shape]])),
      settings: {},
      evaluations: [],
      training: { command: "none", data: "none", selection: "none" },
      license: "MIT",
      notices: [],
    },
  };
}

/** The eight cases: four weight sets, each under both `align_corners`. */
export function listGoldenCases(): GoldenCase[] {
  return golden.sets.flatMap((set) => {
    const tensors = drawTensors(set.seed, set.tensors);
    return [false, true].map((alignCorners) => ({
      name: `${set.name}, align_corners ${alignCorners}`,
      model: createTestModel(tensors, { name: set.name, alignCorners }),
      expected: alignCorners ? set.align_corners_true : set.align_corners_false,
    }));
  });
}

/** First values of some tensors, as PyTorch's side drew them: tells a generator fault from an engine fault. */
export function listProbes(): { tensors: ReadonlyMap<string, Tensor>; probe: Record<string, number[]> }[] {
  return golden.sets.map((set) => ({ tensors: drawTensors(set.seed, set.tensors), probe: set.probe }));
}

/** Sum of the bytes of each face. */
export const FACE_SUMS: readonly number[] = golden.face_sums;

/** Number of golden faces. */
export const FACE_COUNT = golden.faces.length;

/** All golden faces, one behind the other. */
export function drawFaces(): Uint8Array {
  const pixels = new Uint8Array(golden.faces.length * FACE_PIXELS);
  golden.faces.forEach((face, i) => pixels.set(drawFace(face), i * FACE_PIXELS));
  return pixels;
}

/** `count` faces of byte noise. */
export function drawNoise(seed: number, count: number): Uint8Array {
  const next = createRandom(seed);
  return Uint8Array.from({ length: count * FACE_PIXELS }, () => next() >>> 24);
}

/** The tensors of a weight set, from one stream. */
export function drawTensors(seed: number, recipes: readonly Recipe[]): ReadonlyMap<string, Tensor> {
  const next = createRandom(seed);
  const tensors = new Map<string, Tensor>();
  for (const { name, shape, values, offset = 0, scale, gain = 0, fan_in: fanIn = 1 } of recipes) {
    const spread = scale ?? gain * Math.sqrt(3 / fanIn);
    const data = values
      ? Float32Array.from(values)
      : Float32Array.from({ length: countElements(shape) }, () => offset + spread * (2 * (next() / 2 ** 32) - 1));
    tensors.set(name, { shape, data });
  }
  return tensors;
}

function drawFace(recipe: FaceRecipe): Uint8Array {
  const next = createRandom(recipe.seed ?? 0);
  const pixels = new Uint8Array(FACE_PIXELS);
  if (recipe.kind === "noise") return pixels.map(() => next() >>> 24);
  if (recipe.kind === "constant") return pixels.fill(recipe.value ?? 0);
  if (recipe.kind === "ramp") {
    const { a = 0, b = 0, o = 0 } = recipe;
    return pixels.map((_, i) => (a * Math.floor(i / FACE_SIZE) + b * (i % FACE_SIZE) + o) % 256);
  }
  const background = 40 + (next() % 100);
  const blobs = Array.from({ length: 7 }, () => ({
    cy: next() % FACE_SIZE,
    cx: next() % FACE_SIZE,
    ry: 3 + (next() % 18),
    rx: 3 + (next() % 18),
    amp: (next() % 281) - 140,
  }));
  return pixels.map((_, i) => {
    const r = Math.floor(i / FACE_SIZE);
    const c = i % FACE_SIZE;
    let value = background;
    for (const { cy, cx, ry, rx, amp } of blobs) {
      const whole = ry * ry * rx * rx;
      const q = Math.max(0, whole - (r - cy) ** 2 * rx * rx - (c - cx) ** 2 * ry * ry);
      value += Math.trunc((amp * q) / whole);
    }
    return Math.min(255, Math.max(0, value));
  });
}
