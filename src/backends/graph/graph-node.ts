/** The graph engine in Node: the binaries beside this file. */

import { readFile } from "node:fs/promises";
import type { Network } from "../../model/graph/check-graph.ts";
import { createGraphEngine, GRAPH_BINARIES, type GraphEngineName, type PlannedGraphEngine } from "./graph-engine.ts";

/**
 * The SIMD engine with fused multiply-add where this Node has relaxed SIMD (≥ 21), else with plain SIMD.
 * @param engine forces one build
 * @throws ScoringError `engine_unavailable`
 */
export async function createGraphNodeEngine(network: Network, engine?: GraphEngineName): Promise<PlannedGraphEngine> {
  if (engine !== "graph-wasm-simd") {
    const relaxed = await readBinary("graph-wasm-relaxed");
    if (engine === "graph-wasm-relaxed" || WebAssembly.validate(relaxed)) {
      return createGraphEngine(await WebAssembly.compile(relaxed), network, "graph-wasm-relaxed");
    }
  }
  return createGraphEngine(await WebAssembly.compile(await readBinary("graph-wasm-simd")), network, "graph-wasm-simd");
}

async function readBinary(engine: GraphEngineName): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(new URL(GRAPH_BINARIES[engine], import.meta.url)));
}
