/** Codecs in workerd, which compiles no bytes at run time: a `.wasm` import is a `WebAssembly.Module`. */

import jpeg from "@cwasm/jpeg-turbo/jpeg-turbo.wasm";
import webp from "@jsquash/webp/codec/dec/webp_dec.wasm";
import type { ImageCodecs } from "./image-types.ts";

/** Both codecs, compiled when the Worker was deployed. */
export function loadCodecs(): Promise<ImageCodecs> {
  return Promise.resolve({ jpeg, webp });
}
