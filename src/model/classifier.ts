/**
 * The port between the scoring core and whatever computes the network.
 *
 * Every engine takes the same bytes (preprocessing step 3: the card's size and color, 8 bits, row-major, channels
 * together) and does step 4 itself, so that pixels stay `uint8` until they are inside the engine.
 */

import type { InputForm } from "./input-form.ts";

/** Scores of `count` faces, row-major. */
export interface Scores {
  readonly count: number;
  /** `[count, labels]`, before temperature; for engines that have none, log-probabilities. */
  readonly logits: Float32Array;
  /** `[count, labels]`, after softmax (max subtracted) of logits divided by the card's temperature, where it has one. */
  readonly probabilities: Float32Array;
  /** `[count, 6]`, the spatial transformer's 2×3 matrix row-major; `null` for models without one. */
  readonly theta: Float32Array | null;
  /** `[count, values]`, what the network makes of a face before its labels; `null` for models whose card names none. */
  readonly embedding: Float32Array | null;
}

/** A loaded model on one engine. Not safe for overlapping calls: await one `classify` before the next. */
export interface Classifier {
  /** `name@version` of the model. */
  readonly model: string;
  /** The model's, in the order of its outputs. */
  readonly labels: readonly string[];
  /** What {@link Classifier.classify} takes. */
  readonly input: InputForm;
  /** Name of the engine, stored in the run lock: `fused-wasm-simd`, `tfjs-wasm-simd`, `tfjs-webgpu`, `oracle`, … */
  readonly engine: string;
  /** Faces per call at which the engine is fastest; callers fill up to this. */
  readonly batchSize: number;
  /**
   * Scores `count` faces.
   * @param pixels at least `count` faces of the bytes that `countInputBytes` says
   * @throws ScoringError `engine_unavailable` if the device was lost
   */
  classify(pixels: Uint8Array, count: number): Promise<Scores>;
  /** Frees what the engine holds. Idempotent. */
  dispose(): void;
}
