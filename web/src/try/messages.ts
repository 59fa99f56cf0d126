/** What the page and its scoring worker say to each other. */

import type { FaceMode } from "../../../src/scoring/records/face-mode.ts";
import type { ScoreRecord } from "../../../src/scoring/records/records.ts";

/** What the reader may choose. */
export const ENGINE_CHOICES = ["auto", "fused-wasm", "wasm-simd", "wasm", "webgpu"] as const;
/** An engine, or the best that starts. */
export type EngineChoice = (typeof ENGINE_CHOICES)[number];

/** How faces are found. */
export type FaceChoice = FaceMode;

/** To the worker. */
export type Request =
  | { readonly kind: "open"; readonly engine: EngineChoice }
  | {
      readonly kind: "score";
      readonly id: number;
      readonly name: string;
      readonly faces: FaceChoice;
      readonly bytes: ArrayBuffer;
    };

/** One rung of the ladder: what was tried and what came of it. */
export interface LadderStep {
  readonly engine: string;
  readonly taken: boolean;
  readonly reason: string;
}

/** From the worker. */
export type Reply =
  | { readonly kind: "ready"; readonly engine: string; readonly model: string; readonly steps: readonly LadderStep[] }
  | { readonly kind: "unavailable"; readonly steps: readonly LadderStep[] }
  | {
      readonly kind: "scored";
      readonly id: number;
      readonly records: readonly ScoreRecord[];
      /** The whole picture: decode, find, cut, score. */
      readonly totalMs: number;
      /** The network alone, all faces of the picture. */
      readonly networkMs: number;
    }
  | { readonly kind: "failed"; readonly id: number; readonly message: string };
