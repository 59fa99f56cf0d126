/** Codecs in a browser: compiled while they are fetched, from addresses that the bundler knows. */

import type { ImageCodecs } from "./image-types.ts";

/** Where the two binaries are served, same origin. */
export interface CodecAddresses {
  /** `@cwasm/jpeg-turbo/jpeg-turbo.wasm`. */
  readonly jpeg: string | URL;
  /** `@jsquash/webp/codec/dec/webp_dec.wasm`. */
  readonly webp: string | URL;
}

/** @throws TypeError if a binary cannot be fetched or is not served as `application/wasm` */
export async function loadCodecs(addresses: CodecAddresses): Promise<ImageCodecs> {
  const [jpeg, webp] = await Promise.all([
    WebAssembly.compileStreaming(fetch(addresses.jpeg)),
    WebAssembly.compileStreaming(fetch(addresses.webp)),
  ]);
  return { jpeg, webp };
}
