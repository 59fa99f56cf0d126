/** The graph engine in a browser: binaries fetched from the page's own origin. */

import { ScoringError } from "../../errors.ts";
import type { Classifier } from "../../model/classifier.ts";
import type { Network } from "../../model/graph/check-graph.ts";
import type { Model } from "../../model/model.ts";
import { createGraphClassifier } from "./graph-classifier.ts";
import { createGraphEngine, type PlannedGraphEngine } from "./graph-engine.ts";
import type { GraphEngineName } from "./kernel.ts";

/** Addresses of the two binaries: a bundler's `new URL("graph.wasm", import.meta.url)` or a served path. */
export type GraphAddresses = Readonly<Record<GraphEngineName, string | URL>>;

/**
 * The SIMD engine for pictures, with fused multiply-add where the browser has relaxed SIMD, else with plain SIMD.
 * @param engine forces one build
 * @throws ScoringError `engine_unavailable` if a binary cannot be had
 */
export async function createGraphBrowserEngine(
  network: Network,
  addresses: GraphAddresses,
  engine?: GraphEngineName,
): Promise<PlannedGraphEngine> {
  const [module, name] = await compileBinary(addresses, engine);
  return createGraphEngine(module, network, name);
}

/**
 * A classifier of the family "graph", on the same build.
 * @param engine forces one build
 * @throws ScoringError `engine_unavailable` if a binary cannot be had, `model_invalid`
 */
export async function createGraphBrowserClassifier(
  model: Model,
  addresses: GraphAddresses,
  engine?: GraphEngineName,
): Promise<Classifier> {
  const [module, name] = await compileBinary(addresses, engine);
  return createGraphClassifier(module, model, name);
}

async function compileBinary(
  addresses: GraphAddresses,
  engine: GraphEngineName | undefined,
): Promise<[WebAssembly.Module, GraphEngineName]> {
  if (engine !== "graph-wasm-simd") {
    const relaxed = await fetchBinary(addresses["graph-wasm-relaxed"]);
    if (engine === "graph-wasm-relaxed" || WebAssembly.validate(relaxed)) {
      return [await WebAssembly.compile(relaxed), "graph-wasm-relaxed"];
    }
  }
  return [await WebAssembly.compile(await fetchBinary(addresses["graph-wasm-simd"])), "graph-wasm-simd"];
}

async function fetchBinary(address: string | URL): Promise<ArrayBuffer> {
  const response = await fetch(address);
  if (!response.ok) throw new ScoringError("engine_unavailable", `${address}: answered ${response.status}`);
  return response.arrayBuffer();
}
