/** The graph engine in Node: the binaries beside this file. */

import { readFile } from "node:fs/promises";
import type { Classifier } from "../../model/classifier.ts";
import type { Network } from "../../model/graph/check-graph.ts";
import type { Model } from "../../model/model.ts";
import { createGraphClassifier } from "./graph-classifier.ts";
import { createGraphEngine, type PlannedGraphEngine } from "./graph-engine.ts";
import { GRAPH_BINARIES, type GraphEngineName } from "./kernel.ts";

/**
 * The SIMD engine for pictures, with fused multiply-add where this Node has relaxed SIMD (≥ 21), else with plain SIMD.
 * @param engine forces one build
 * @throws ScoringError `engine_unavailable`
 */
export async function createGraphNodeEngine(network: Network, engine?: GraphEngineName): Promise<PlannedGraphEngine> {
  const [module, name] = await compileBinary(engine);
  return createGraphEngine(module, network, name);
}

/**
 * A classifier of the family "graph", on the same build.
 * @param engine forces one build
 * @throws ScoringError `engine_unavailable`, `model_invalid`
 */
export async function createGraphNodeClassifier(model: Model, engine?: GraphEngineName): Promise<Classifier> {
  const [module, name] = await compileBinary(engine);
  return createGraphClassifier(module, model, name);
}

async function compileBinary(engine: GraphEngineName | undefined): Promise<[WebAssembly.Module, GraphEngineName]> {
  if (engine !== "graph-wasm-simd") {
    const relaxed = await readBinary("graph-wasm-relaxed");
    if (engine === "graph-wasm-relaxed" || WebAssembly.validate(relaxed)) {
      return [await WebAssembly.compile(relaxed), "graph-wasm-relaxed"];
    }
  }
  return [await WebAssembly.compile(await readBinary("graph-wasm-simd")), "graph-wasm-simd"];
}

async function readBinary(engine: GraphEngineName): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(new URL(GRAPH_BINARIES[engine], import.meta.url)));
}
