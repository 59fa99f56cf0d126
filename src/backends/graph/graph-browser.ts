/** The graph engine in a browser: binaries fetched from the page's own origin. */

import { ScoringError } from "../../errors.ts";
import type { Network } from "../../model/graph/check-graph.ts";
import { createGraphEngine, type GraphEngineName, type PlannedGraphEngine } from "./graph-engine.ts";

/** Addresses of the two binaries: a bundler's `new URL("graph.wasm", import.meta.url)` or a served path. */
export type GraphAddresses = Readonly<Record<GraphEngineName, string | URL>>;

/**
 * The SIMD engine with fused multiply-add where the browser has relaxed SIMD, else with plain SIMD.
 * @param engine forces one build
 * @throws ScoringError `engine_unavailable` if a binary cannot be had
 */
export async function createGraphBrowserEngine(
  network: Network,
  addresses: GraphAddresses,
  engine?: GraphEngineName,
): Promise<PlannedGraphEngine> {
  if (engine !== "graph-wasm-simd") {
    const relaxed = await fetchBinary(addresses["graph-wasm-relaxed"]);
    if (engine === "graph-wasm-relaxed" || WebAssembly.validate(relaxed)) {
      return createGraphEngine(await WebAssembly.compile(relaxed), network, "graph-wasm-relaxed");
    }
  }
  const module = await WebAssembly.compile(await fetchBinary(addresses["graph-wasm-simd"]));
  return createGraphEngine(module, network, "graph-wasm-simd");
}

async function fetchBinary(address: string | URL): Promise<ArrayBuffer> {
  const response = await fetch(address);
  if (!response.ok) throw new ScoringError("engine_unavailable", `${address}: answered ${response.status}`);
  return response.arrayBuffer();
}
