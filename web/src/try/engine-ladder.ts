/** Picks an engine for the pictures that are dropped: the first that starts, and says why. */

import { toScoringError } from "../../../src/errors.ts";
import type { Classifier } from "../../../src/model/classifier.ts";
import type { Model } from "../../../src/model/model.ts";
import { type BrowserEngine, ENGINE_NAMES } from "../engine/engine-names.ts";
import { startEngine } from "../engine/engines.ts";
import type { EngineChoice, LadderStep } from "./messages.ts";

/** For a few pictures the fused kernel is fastest: it needs no upload to a GPU and no 1 MB of TensorFlow.js. */
const LADDER: readonly BrowserEngine[] = ["fused-wasm", "wasm-simd", "wasm", "webgpu"];

/** Climbs the ladder; with a choice, that rung only. The steps tell what was tried. */
export async function openEngine(
  model: Model,
  choice: EngineChoice,
): Promise<{ readonly classifier: Classifier | null; readonly steps: readonly LadderStep[] }> {
  const steps: LadderStep[] = [];
  for (const engine of LADDER.filter((rung) => choice === "auto" || choice === rung)) {
    try {
      const { classifier, detail } = await startEngine(engine, model);
      steps.push({ engine: classifier.engine, taken: true, reason: detail });
      return { classifier, steps };
    } catch (thrown) {
      steps.push({ engine: ENGINE_NAMES[engine], taken: false, reason: toScoringError(thrown).detail });
    }
  }
  return { classifier: null, steps };
}
