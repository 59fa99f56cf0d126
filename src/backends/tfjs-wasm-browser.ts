/** tfjs-backend-wasm in a browser, on the page or in a worker. Nothing here touches the DOM. */

import { setThreadsCount } from "@tensorflow/tfjs-backend-wasm";
import threadedFactory from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.js";
import { ScoringError } from "../errors.ts";
import type { Classifier } from "../model/classifier.ts";
import type { Model } from "../model/model.ts";
import { createTfjsClassifier, TFJS_BATCH_SIZE } from "./tfjs-classifier.ts";
import { startWasmBackend, WASM_BACKEND, type WasmOptions } from "./tfjs-wasm.ts";

/** Where the page serves the package's wasm-out/; same origin, so that CSP and COEP hold. */
export interface WasmUrls {
  readonly plain: string;
  readonly simd: string;
  readonly threadedSimd: string;
  /** `tfjs-backend-wasm-threaded-simd.js`, which each thread loads. */
  readonly threadGlue: string;
  /** What `tfjs-backend-wasm-threaded-simd.worker.js` exports as text, as a script of its own: the package would make a blob of it. */
  readonly threadScript: string;
}

/** The builds of the package. */
export type WasmBuild = "plain" | "simd" | "threaded-simd";

/** Where the binaries are, and which to take. */
export interface WasmBrowserOptions extends WasmOptions {
  readonly urls: WasmUrls;
  /** Default: SIMD where the browser has it, else plain. */
  readonly build?: WasmBuild;
  /**
   * For `threaded-simd`, default one per core. They gain little for this network: two reach 1.1 times one, and a pool of
   * single-threaded workers scales better. The binary caps the number by the cores it sees (on two cores it takes one);
   * `engine` names what it took.
   */
  readonly threads?: number;
}

/** A function of no arguments that makes and drops a v128: valid only where SIMD is. */
const SIMD_PROBE = Uint8Array.from(
  "0061736d 01000000 010401600000 03020100 0a0901070041 00fd0f1a0b".replaceAll(" ", "").match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
);

/**
 * Starts tfjs's wasm backend, once per page or worker; later calls get the first one, whatever they ask for.
 * @returns the engine's name
 * @throws ScoringError `engine_unavailable`
 */
export async function startTfjsWasmBrowser(options: Omit<WasmBrowserOptions, "batchSize" | "engine">): Promise<string> {
  const { urls } = options;
  const hasSimd = WebAssembly.validate(SIMD_PROBE);
  const build = options.build ?? (hasSimd ? "simd" : "plain");
  if (build !== "plain" && !hasSimd) throw new ScoringError("engine_unavailable", "this browser's wasm has no SIMD");
  if (build === "plain") {
    await startWasmBackend(() => compileUrl(urls.plain));
    return "tfjs-wasm";
  }
  if (build === "simd") {
    await startWasmBackend(() => compileUrl(urls.simd));
    return "tfjs-wasm-simd";
  }
  if (!globalThis.crossOriginIsolated) {
    throw new ScoringError("engine_unavailable", "threads of wasm need a page that is cross-origin isolated");
  }
  setThreadsCount(options.threads ?? navigator.hardwareConcurrency);
  const settings = {
    // The one file that the glue asks for is the script of its threads.
    locateFile: () => resolveUrl(urls.threadScript),
    mainScriptUrlOrBlob: resolveUrl(urls.threadGlue),
  };
  const { threads } = await startWasmBackend(() => compileUrl(urls.threadedSimd), {
    factory: threadedFactory,
    settings,
  });
  return `tfjs-wasm-simd-${threads}-threads`;
}

/**
 * A classifier on wasm. Its `engine` says which build runs.
 * @throws ScoringError `engine_unavailable`, `model_invalid`
 */
export async function createTfjsWasmBrowserClassifier(model: Model, options: WasmBrowserOptions): Promise<Classifier> {
  const engine = await startTfjsWasmBrowser(options);
  return createTfjsClassifier(model, {
    backend: WASM_BACKEND,
    engine,
    batchSize: options.batchSize ?? TFJS_BATCH_SIZE,
  });
}

/** Threads would resolve an address against their own script. */
function resolveUrl(url: string): string {
  return new URL(url, location.href).href;
}

async function compileUrl(url: string): Promise<WebAssembly.Module> {
  const response = await fetch(url);
  if (!response.ok) throw new ScoringError("engine_unavailable", `${url} answered ${response.status}`);
  const type = response.headers.get("content-type") ?? "";
  // Streaming insists on the type; a server that does not know it should not stop the page.
  if (type.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}
