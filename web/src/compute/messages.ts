/** What the page, the worker that runs the loop, and the workers that score say to each other. */

import type { ComputeEvent } from "../../../src/client/compute/ports.ts";
import type { WorkReply, ScoringWork } from "../../../src/client/compute/work-scorer.ts";
import type { ErrorCode } from "../../../src/errors.ts";
import type { BrowserEngine } from "../engine/engine-names.ts";

/** The ladder, best first. TensorFlow.js with SIMD in one thread is left out: where it would start, the fused kernel does. */
export const LADDER = ["webgpu", "fused-wasm", "wasm-threads", "wasm"] as const satisfies readonly BrowserEngine[];
/** A rung of the ladder. */
export type Rung = (typeof LADDER)[number];
/** Where to begin: at the best, or at a rung that the reader chose; the rungs below it are used if it fails. */
export type EngineChoice = "auto" | Rung;

/** The rungs that a choice leaves. */
export function listRungs(choice: EngineChoice): readonly Rung[] {
  return choice === "auto" ? LADDER : LADDER.slice(LADDER.indexOf(choice));
}

/** An error as plain values: a class does not survive the transfer. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly detail: string;
}

type Plain<E> = E extends { readonly error: infer T }
  ? Omit<E, "error"> & { readonly error: Exclude<T, object> | PlainError }
  : E;
/** {@link ComputeEvent}, plain. */
export type PlainEvent = Plain<ComputeEvent>;

/** From the page to the loop. To end it, the page ends the worker. */
export type LoopRequest =
  | { readonly kind: "start"; readonly jobId: string; readonly model: string; readonly choice: EngineChoice }
  /** The network or the page is back: whoever waits tries again. */
  | { readonly kind: "wake" };

/** From the loop to the page. */
export type LoopReply =
  | { readonly kind: "event"; readonly event: PlainEvent }
  /** The job no longer needs anybody. */
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly error: PlainError };

/** From the loop to a scoring worker. */
export type EngineRequest =
  | {
      readonly kind: "open";
      readonly id: number;
      readonly engine: Rung;
      readonly model: string;
      /** The reader asked for this engine: it is taken even where another is faster. */
      readonly chosen: boolean;
    }
  | { readonly kind: "work"; readonly id: number; readonly work: ScoringWork }
  | { readonly kind: "wake" };

/** From a scoring worker. The value of an opened engine says what it runs on. */
export type EngineReply =
  | { readonly kind: "done"; readonly id: number; readonly reply: WorkReply }
  /** An input cannot be read now, and is requested again. */
  | { readonly kind: "pausing"; readonly waitMs: number; readonly error: PlainError };
