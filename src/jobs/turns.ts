/** How consumers share an isolate or a thread: signs of life, an end to each chunk's time, and turns for whoever else waits. */

import type { Limits } from "../scoring/limits.ts";
import type { WorkDeps } from "../scoring/work/work-deps.ts";

/** What consumers of one isolate share. */
export type Turns = Required<Pick<WorkDeps, "startHeart" | "startTime" | "breathe">>;

/** What is computed before others get a turn whatever the clock says: on the platform it stands still meanwhile. In faces of 48×48, a millisecond each. */
const COST_PER_BREATH = 32;

/** A timer, not a promise: only then does the event loop turn to others, and the platform's clock go on. */
const passTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/**
 * The turns of one isolate.
 * @param beatFailed told of a beat that did not arrive
 * @param pass lets others have their turn
 */
export function createTurns(
  limits: Limits,
  clock: () => number,
  beatFailed: (error: unknown) => void,
  pass: () => Promise<void> = passTurn,
): Turns {
  let lastMs = 0;
  let spent = 0;
  return {
    startHeart(beat) {
      let beats = 0;
      const timer = setInterval(() => {
        beats += 1;
        // Who hangs must not hold its work for ever.
        if (beats * limits.heartbeatMs > limits.maxHeartMs) clearInterval(timer);
        // A beat that fails is followed by others; a lease that ran out all the same is found by the coordinator.
        else beat().catch(beatFailed);
      }, limits.heartbeatMs);
      return () => clearInterval(timer);
    },
    startTime() {
      const startedMs = clock();
      return () => clock() - startedMs >= limits.chunkMs;
    },
    async breathe(cost = 1) {
      spent += cost;
      if (spent < COST_PER_BREATH && clock() - lastMs < limits.breathMs) return;
      await pass();
      lastMs = clock();
      spent = 0;
    },
  };
}
