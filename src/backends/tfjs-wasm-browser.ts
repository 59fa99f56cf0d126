/** tfjs-backend-wasm in a browser, on the page or in a worker. Nothing here touches the DOM. */

import { setThreadsCount, setWasmPaths, getThreadsCount } from "@tensorflow/tfjs-backend-wasm";
import { ScoringError } from "../errors.ts";
import type { Classifier } from "../model/classifier.ts";
import type { Model } from "../model/model.ts";
import { createTfjsClassifier, selectBackend, TFJS_BATCH_SIZE } from "./tfjs-classifier.ts";
import { createWasmClassifier, WASM_BACKEND, type WasmOptions } from "./tfjs-wasm.ts";

/** Where the page serves the three binaries of the package's wasm-out/; same origin, so that CSP and COEP hold. */
export interface WasmUrls {
  readonly plain: string;
  readonly simd: string;
  readonly threadedSimd: string;
}

/** Where the binaries are, and how many threads to use. */
export interface WasmBrowserOptions extends WasmOptions {
  readonly urls: WasmUrls;
  /**
   * Threads in this page or worker, default 1. More need cross-origin isolation and gain little for this network: two
   * reach 1.1 times one. A pool of single-threaded workers scales better. The binary caps the number by the cores it
   * sees (on two cores it takes one); `engine` names what it took.
   */
  readonly threads?: number;
}

/** A function of no arguments that makes and drops a v128: valid only where SIMD is. */
const SIMD_PROBE = Uint8Array.from(
  "0061736d 01000000 010401600000 03020100 0a0901070041 00fd0f1a0b".replaceAll(" ", "").match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
);

/**
 * A classifier on wasm: SIMD with threads where asked for and possible, else SIMD, else plain. Its `engine` says which.
 * @throws ScoringError `engine_unavailable`, `model_invalid`
 */
export async function createTfjsWasmBrowserClassifier(model: Model, options: WasmBrowserOptions): Promise<Classifier> {
  const simd = WebAssembly.validate(SIMD_PROBE);
  const threads = options.threads ?? 1;
  if (simd && threads > 1 && globalThis.crossOriginIsolated) return createThreaded(model, options, threads);
  const url = simd ? options.urls.simd : options.urls.plain;
  return createWasmClassifier(model, () => compileUrl(url), {
    ...options,
    engine: simd ? "tfjs-wasm-simd" : "tfjs-wasm",
  });
}

/** The package's own start-up: emscripten's threads need its worker script, which it makes from a blob. */
async function createThreaded(model: Model, options: WasmBrowserOptions, threads: number): Promise<Classifier> {
  setThreadsCount(threads);
  setWasmPaths({
    "tfjs-backend-wasm.wasm": options.urls.plain,
    "tfjs-backend-wasm-simd.wasm": options.urls.simd,
    "tfjs-backend-wasm-threaded-simd.wasm": options.urls.threadedSimd,
  });
  await selectBackend(WASM_BACKEND);
  return createTfjsClassifier(model, {
    backend: WASM_BACKEND,
    engine: `tfjs-wasm-simd-${getThreadsCount()}-threads`,
    batchSize: options.batchSize ?? TFJS_BATCH_SIZE,
  });
}

async function compileUrl(url: string): Promise<WebAssembly.Module> {
  const response = await fetch(url);
  if (!response.ok) throw new ScoringError("engine_unavailable", `${url} answered ${response.status}`);
  const type = response.headers.get("content-type") ?? "";
  // Streaming insists on the type; a server that does not know it should not stop the page.
  if (type.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}
