/** Compiles the SIMD engines: `npm run build:engine`. The binaries are committed; a test compares them with the source. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createMemoryStream, main } from "assemblyscript/asc";
import { FUSED_BINARIES, FUSED_ENGINES } from "../src/backends/fused/fused-classifier.ts";
import { GRAPH_BINARIES, GRAPH_ENGINES } from "../src/backends/graph/kernel.ts";

const folder = join(import.meta.dirname, "..", "src", "backends");

/** Every binary: its file and its source's first file below src/backends, and whether it has relaxed SIMD. */
export const BINARIES: readonly Binary[] = [
  ...FUSED_ENGINES.map((engine) => ({
    file: `fused/${FUSED_BINARIES[engine]}`,
    source: "fused/assembly/index.ts",
    relaxed: engine.endsWith("relaxed"),
  })),
  ...GRAPH_ENGINES.map((engine) => ({
    file: `graph/${GRAPH_BINARIES[engine]}`,
    source: "graph/assembly/index.ts",
    relaxed: engine.endsWith("relaxed"),
  })),
];

/** One build. */
export interface Binary {
  readonly file: string;
  readonly source: string;
  readonly relaxed: boolean;
}

/**
 * By the folder of the source. Binaryen's levels above 1 nest expressions, so that a step's loads all come before its products: twelve sums in registers
 * then spill, and the graph engine's products take a fifth longer.
 */
const OPTIMIZATION: Readonly<Record<string, number>> = { fused: 3, graph: 1 };

/**
 * Compiles one build in memory; the same source and compiler give the same bytes.
 * @param options.names keeps the names of functions, for a profiler
 * @throws Error with the compiler's messages
 */
export async function compileEngine(
  { source, relaxed }: Pick<Binary, "source" | "relaxed">,
  options: { names?: boolean } = {},
): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const messages = createMemoryStream();
  const features = (relaxed ? ["simd", "relaxed-simd"] : ["simd"]).flatMap((feature) => ["--enable", feature]);
  if (options.names) features.push("--debug");
  const level = String(OPTIMIZATION[source.slice(0, source.indexOf("/"))]);
  const { error } = await main(
    [source, "--outFile", "engine.wasm", "--runtime", "stub", "--noAssert", "--optimizeLevel", level, ...features],
    {
      stderr: messages,
      // Sources by a relative name, so that no path of this machine enters the binary.
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
  return readFile(join(folder, name), "utf8").catch(() => null);
}

if (import.meta.main) {
  for (const build of BINARIES) {
    const binary = await compileEngine(build);
    await writeFile(join(folder, build.file), binary);
    process.stdout.write(`${build.file}: ${binary.length} bytes\n`);
  }
}
