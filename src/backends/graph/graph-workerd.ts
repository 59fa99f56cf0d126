/** The graph engine in workerd: binaries as compiled imports, since workerd compiles no bytes. */

import relaxedModule from "./graph-relaxed.wasm";
import simdModule from "./graph.wasm";
import type { Classifier } from "../../model/classifier.ts";
import type { Network } from "../../model/graph/check-graph.ts";
import type { Model } from "../../model/model.ts";
import { createGraphClassifier } from "./graph-classifier.ts";
import { createGraphEngine, type PlannedGraphEngine } from "./graph-engine.ts";
import type { GraphEngineName } from "./kernel.ts";

const MODULES = {
  "graph-wasm-simd": simdModule,
  "graph-wasm-relaxed": relaxedModule,
} as const satisfies Record<GraphEngineName, WebAssembly.Module>;

/**
 * The SIMD engine for pictures; every workerd that has this compatibility date has relaxed SIMD.
 * @throws ScoringError `engine_unavailable`
 */
export function createGraphWorkerdEngine(
  network: Network,
  engine: GraphEngineName = "graph-wasm-relaxed",
): Promise<PlannedGraphEngine> {
  return createGraphEngine(MODULES[engine], network, engine);
}

/**
 * A classifier of the family "graph", on the same build.
 * @throws ScoringError `engine_unavailable`, `model_invalid`
 */
export function createGraphWorkerdClassifier(
  model: Model,
  engine: GraphEngineName = "graph-wasm-relaxed",
): Promise<Classifier> {
  return createGraphClassifier(MODULES[engine], model, engine);
}
