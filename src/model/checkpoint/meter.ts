import { ScoringError } from "../../errors.ts";
import type { CheckpointLimits } from "./limits.ts";

/** Rough sizes of what the readers allocate, bytes: what V8 takes for each, rounded up. */
export const COST = { container: 128, entry: 64, slot: 16, tensor: 256 } as const;

/**
 * Counts work and memory while one checkpoint is read and stops at the limits, *before* the memory is taken. One meter
 * per file, so that many small claims add up like one big one.
 */
export interface Meter {
  readonly limits: CheckpointLimits;
  /** @throws ScoringError `checkpoint_refused` when `bytes` more would pass the stated multiple of the file. */
  charge(bytes: number, what: string): void;
  /** Counts one opcode. @throws ScoringError `checkpoint_refused` */
  step(): void;
  /** Counts one visited value. @throws ScoringError `checkpoint_refused` */
  visit(): void;
  /** Bytes charged so far; never above `allowedBytes`. */
  readonly chargedBytes: number;
  /** `allocationMultiple × file size + allocationFloorBytes`. */
  readonly allowedBytes: number;
}

/** A meter for a file of `fileBytes` bytes. */
export function createMeter(fileBytes: number, limits: CheckpointLimits): Meter {
  const allowed = fileBytes * limits.allocationMultiple + limits.allocationFloorBytes;
  let charged = 0;
  let opcodes = 0;
  let nodes = 0;
  return {
    limits,
    charge(bytes, what) {
      if (!(bytes >= 0) || charged + bytes > allowed) {
        throw new ScoringError(
          "checkpoint_refused",
          `${what} wants ${bytes} bytes; with ${charged} already taken that is more than ${limits.allocationMultiple} times the file's ${fileBytes} bytes`,
        );
      }
      charged += bytes;
    },
    step() {
      opcodes += 1;
      if (opcodes > limits.maxOpcodes) {
        throw new ScoringError("checkpoint_refused", `the pickle has more than ${limits.maxOpcodes} opcodes`);
      }
    },
    visit() {
      nodes += 1;
      if (nodes > limits.maxNodes) {
        throw new ScoringError("checkpoint_refused", `the checkpoint nests more than ${limits.maxNodes} values`);
      }
    },
    get chargedBytes() {
      return charged;
    },
    allowedBytes: allowed,
  };
}
