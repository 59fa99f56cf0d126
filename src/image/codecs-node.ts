/** Codecs in Node: the binaries are read from the installed packages. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { ImageCodecs } from "./image-types.ts";

/** Compiles both codecs from node_modules. */
export async function loadCodecs(): Promise<ImageCodecs> {
  const require = createRequire(import.meta.url);
  const compile = async (path: string): Promise<WebAssembly.Module> =>
    WebAssembly.compile(await readFile(require.resolve(path)));
  const [jpeg, webp] = await Promise.all([
    compile("@cwasm/jpeg-turbo/jpeg-turbo.wasm"),
    compile("@jsquash/webp/codec/dec/webp_dec.wasm"),
  ]);
  return { jpeg, webp };
}
