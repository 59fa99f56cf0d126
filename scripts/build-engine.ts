/** Compiles the fused engine: `npm run build:engine`. The binaries are committed; a test holds them to the source. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createMemoryStream, main } from "assemblyscript/asc";
import { FUSED_BINARIES, FUSED_ENGINES, type FusedEngine } from "../src/backends/fused/fused-classifier.ts";

const folder = join(import.meta.dirname, "..", "src", "backends", "fused");

const FEATURES = {
  "fused-wasm-simd": ["simd"],
  "fused-wasm-relaxed": ["simd", "relaxed-simd"],
} as const satisfies Record<FusedEngine, readonly string[]>;

const OPTIMIZATION = ["--optimizeLevel", "3", "--shrinkLevel", "0"];

/**
 * Compiles one build in memory; the same source and compiler give the same bytes.
 * @param options.names keeps the names of functions, for a profiler
 * @throws Error with the compiler's messages
 */
export async function compileEngine(engine: FusedEngine, options: { names?: boolean } = {}): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const messages = createMemoryStream();
  const features = FEATURES[engine].flatMap((feature) => ["--enable", feature]);
  if (options.names) features.push("--debug");
  const { error } = await main(
    ["index.ts", "--outFile", "engine.wasm", "--runtime", "stub", "--noAssert", ...OPTIMIZATION, ...features],
    {
      stderr: messages,
      // Sources by a relative name, so that nothing of the place enters the binary.
      readFile: (name) => readSource(name),
      writeFile: (name, contents) => {
        if (name === "engine.wasm" && typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === undefined) throw new Error(`asc: ${messages.toString()}`, { cause: error });
  return binary;
}

async function readSource(name: string): Promise<string | null> {
  return readFile(join(folder, "assembly", name), "utf8").catch(() => null);
}

if (import.meta.main) {
  for (const engine of FUSED_ENGINES) {
    const binary = await compileEngine(engine);
    await writeFile(join(folder, FUSED_BINARIES[engine]), binary);
    process.stdout.write(`${FUSED_BINARIES[engine]}: ${binary.length} bytes\n`);
  }
}
