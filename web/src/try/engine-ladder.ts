/** Picks an engine: the first that starts, and says why. */

import relaxedUrl from "../../../src/backends/fused/deep-emotion-relaxed.wasm?url";
import simdUrl from "../../../src/backends/fused/deep-emotion.wasm?url";
import plainWasmUrl from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.wasm?url";
import simdWasmUrl from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm?url";
import threadedWasmUrl from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.wasm?url";
import { toScoringError } from "../../../src/errors.ts";
import type { Classifier } from "../../../src/model/classifier.ts";
import type { Model } from "../../../src/model/model.ts";
import type { EngineChoice, LadderStep } from "./messages.ts";

/** Addresses of TensorFlow.js's binaries, same origin. */
export const TFJS_WASM_URLS = { plain: plainWasmUrl, simd: simdWasmUrl, threadedSimd: threadedWasmUrl };

type Start = { readonly kind: "ready"; readonly classifier: Classifier; readonly reason: string } | string;

interface Rung {
  readonly engine: Exclude<EngineChoice, "auto">;
  start(model: Model): Promise<Start>;
}

/** For a few pictures the fused kernel is fastest: it needs no upload to a GPU and no 1 MB of TensorFlow.js. */
const LADDER: readonly Rung[] = [
  {
    engine: "fused",
    async start(model) {
      const { createFusedBrowserClassifier } = await import("../../../src/backends/fused/fused-browser.ts");
      const urls = { "fused-wasm-relaxed": relaxedUrl, "fused-wasm-simd": simdUrl };
      const classifier = await createFusedBrowserClassifier(model, urls);
      const relaxed = classifier.engine === "fused-wasm-relaxed";
      const reason = `one wasm module for the whole network; ${relaxed ? "fused multiply-add is there" : "plain SIMD: no relaxed SIMD here"}`;
      return { kind: "ready", classifier, reason };
    },
  },
  {
    engine: "wasm",
    async start(model) {
      const { createTfjsWasmBrowserClassifier } = await import("../../../src/backends/tfjs-wasm-browser.ts");
      const classifier = await createTfjsWasmBrowserClassifier(model, { urls: TFJS_WASM_URLS });
      return { kind: "ready", classifier, reason: "TensorFlow.js on wasm" };
    },
  },
  {
    engine: "webgpu",
    async start(model) {
      const { createTfjsWebgpuClassifier } = await import("../../../src/backends/tfjs-webgpu.ts");
      const started = await createTfjsWebgpuClassifier(model, { batchSize: 8 });
      if (started.kind === "unavailable") return started.reason;
      return { kind: "ready", classifier: started.classifier, reason: `TensorFlow.js on the GPU (${started.adapter})` };
    },
  },
];

/** Climbs the ladder; with a choice, that rung only. The steps tell what was tried. */
export async function openEngine(
  model: Model,
  choice: EngineChoice,
): Promise<{ readonly classifier: Classifier | null; readonly steps: readonly LadderStep[] }> {
  const steps: LadderStep[] = [];
  for (const rung of LADDER.filter(({ engine }) => choice === "auto" || choice === engine)) {
    try {
      const start = await rung.start(model);
      if (typeof start === "string") {
        steps.push({ engine: rung.engine, taken: false, reason: start });
        continue;
      }
      steps.push({ engine: start.classifier.engine, taken: true, reason: start.reason });
      return { classifier: start.classifier, steps };
    } catch (thrown) {
      steps.push({ engine: rung.engine, taken: false, reason: toScoringError(thrown).detail });
    }
  }
  return { classifier: null, steps };
}
