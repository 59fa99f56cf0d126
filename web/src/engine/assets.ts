/** Addresses of everything that scores in the browser, as the bundler serves it: same origin. */

import jpegUrl from "@cwasm/jpeg-turbo/jpeg-turbo.wasm?url";
import webpUrl from "@jsquash/webp/codec/dec/webp_dec.wasm?url";
import threadGlueUrl from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.js?url&no-inline";
import threadedWasmUrl from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.wasm?url";
import simdWasmUrl from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm?url";
import plainWasmUrl from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.wasm?url";
import threadScriptUrl from "virtual:wasm-thread-script";
import fusedRelaxedUrl from "../../../src/backends/fused/deep-emotion-relaxed.wasm?url";
import fusedSimdUrl from "../../../src/backends/fused/deep-emotion.wasm?url";
import { ScoringError } from "../../../src/errors.ts";

/** Decoders. */
export const CODEC_URLS = { jpeg: jpegUrl, webp: webpUrl };

/** Builds of the fused engine. */
export const FUSED_URLS = { "fused-wasm-relaxed": fusedRelaxedUrl, "fused-wasm-simd": fusedSimdUrl };

export { GRAPH_URLS } from "./graph-urls.ts";

/** TensorFlow.js's binaries, and the scripts of its threads. */
export const TFJS_WASM_URLS = {
  plain: plainWasmUrl,
  simd: simdWasmUrl,
  threadedSimd: threadedWasmUrl,
  threadGlue: threadGlueUrl,
  threadScript: threadScriptUrl,
};

/** @throws ScoringError `engine_unavailable` */
export async function fetchBytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new ScoringError("engine_unavailable", `${url} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
