/** Compiles the fused engine: `npm run build:engine`. The binaries are committed; a test holds them to the source. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import asc from "assemblyscript/asc";
import { FUSED_BINARIES, type FusedEngine } from "../src/backends/fused/fused-classifier.ts";

const folder = join(import.meta.dirname, "..", "src", "backends", "fused");

const FEATURES = {
  "fused-wasm-simd": ["simd"],
  "fused-wasm-relaxed": ["simd", "relaxed-simd"],
} as const satisfies Record<FusedEngine, readonly string[]>;

/**
 * Compiles one build in memory; the same source and compiler give the same bytes.
 * @throws Error with the compiler's messages
 */
export async function compileEngine(engine: FusedEngine): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      "index.ts",
      ...FEATURES[engine].flatMap((feature) => ["--enable", feature]),
      ...["--optimizeLevel", "3", "--shrinkLevel", "0", "--converge", "--noAssert"],
      ...["--runtime", "stub", "--outFile", "engine.wasm"],
    ],
    {
      // Sources by a relative name, so that nothing of the place enters the binary.
      readFile: (name) => readSource(name),
      writeFile: (name, contents) => {
        if (name === "engine.wasm" && typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === undefined) throw new Error(`asc: ${stderr.toString()}`, { cause: error });
  return binary;
}

async function readSource(name: string): Promise<string | null> {
  return readFile(join(folder, "assembly", name), "utf8").catch(() => null);
}

if (import.meta.main) {
  for (const engine of Object.keys(FUSED_BINARIES) as FusedEngine[]) {
    const binary = await compileEngine(engine);
    await writeFile(join(folder, FUSED_BINARIES[engine]), binary);
    process.stdout.write(`${FUSED_BINARIES[engine]}: ${binary.length} bytes\n`);
  }
}
