/** The graph engine in workerd: binaries as compiled imports, since workerd compiles no bytes. */

import relaxedModule from "./graph-relaxed.wasm";
import simdModule from "./graph.wasm";
import type { Network } from "../../model/graph/check-graph.ts";
import { createGraphEngine, type GraphEngineName, type PlannedGraphEngine } from "./graph-engine.ts";

/**
 * The SIMD engine; every workerd that has this compatibility date has relaxed SIMD.
 * @throws ScoringError `engine_unavailable`
 */
export function createGraphWorkerdEngine(
  network: Network,
  engine: GraphEngineName = "graph-wasm-relaxed",
): Promise<PlannedGraphEngine> {
  return createGraphEngine(engine === "graph-wasm-relaxed" ? relaxedModule : simdModule, network, engine);
}
