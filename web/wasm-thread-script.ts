import { createRequire } from "node:module";

/**
 * The script of tfjs-backend-wasm's threads. The package has it as a string, of which it would make a blob at run time, and
 * blobs the content security policy refuses: so the build writes it into a file.
 */
export function readWasmThreadScript(): string {
  const require = createRequire(import.meta.url);
  const file: unknown = require("@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.worker.js");
  const script: unknown = typeof file === "object" && file !== null ? Reflect.get(file, "wasmWorkerContents") : null;
  if (typeof script !== "string") throw new Error("tfjs-backend-wasm no longer carries its thread's script");
  // Line ends stand inside of its string literals, as the package's own start-up knows.
  return script.replaceAll("\n", "\\n");
}
