/** Names of the engines, for pages, which load none of their code. */

import type { ClientBackend } from "../../../src/scoring/client-compute/protocol.ts";

/** What can compute in a browser, fastest first where there is a GPU. */
export const BROWSER_ENGINES = [
  "webgpu",
  "fused-wasm",
  "wasm-threads",
  "wasm-simd",
  "wasm",
] as const satisfies readonly ClientBackend[];
/** One of {@link BROWSER_ENGINES}. */
export type BrowserEngine = (typeof BROWSER_ENGINES)[number];

/** As a reader says them. */
export const ENGINE_NAMES: Readonly<Record<BrowserEngine, string>> = {
  webgpu: "WebGPU",
  "fused-wasm": "Fused SIMD wasm",
  "wasm-threads": "Threaded SIMD wasm",
  "wasm-simd": "SIMD wasm",
  wasm: "Plain wasm",
};

const SERVER_ENGINES: readonly (readonly [start: string, words: string])[] = [
  ["fused-wasm", "the fused SIMD kernel"],
  ["graph-wasm", "the SIMD graph engine"],
  ["webgpu", "WebGPU"],
  ["tfjs", "TensorFlow.js"],
  ["wasm", "TensorFlow.js"],
];

/** An engine of a job as a reader says it: `graph-wasm-relaxed` → "the SIMD graph engine"; what is not known stays. */
export function nameEngine(engine: string): string {
  const [, client, name = engine] = /^(client:)?(.*)$/.exec(engine) ?? [];
  const words = SERVER_ENGINES.find(([start]) => name.startsWith(start))?.[1] ?? name;
  return client === undefined ? words : `${words} of a browser`;
}
