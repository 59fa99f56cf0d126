/** The one current backend that tfjs has per process. */

import * as tf from "@tensorflow/tfjs-core";
import { ScoringError } from "../errors.ts";

/**
 * Makes `backend` the current one and proves it.
 *
 * tfjs has one current backend per process and `setBackend` is asynchronous, so another engine may switch in between;
 * after this returns, the caller runs its operations before it awaits anything.
 * @throws ScoringError `engine_unavailable`
 */
export async function selectBackend(backend: string): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    if (tf.getBackend() === backend) return;
    let ready = false;
    try {
      ready = await tf.setBackend(backend);
    } catch (cause) {
      throw new ScoringError("engine_unavailable", `the tfjs backend ${backend} did not start`, { cause });
    }
    if (!ready) throw new ScoringError("engine_unavailable", `the tfjs backend ${backend} did not start`);
  }
  throw new ScoringError("engine_unavailable", `another engine keeps the tfjs backend from ${backend}`);
}
