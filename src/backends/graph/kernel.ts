/** The instance of graph.wasm or graph-relaxed.wasm that an engine owns, and its memory. */

import { ScoringError } from "../../errors.ts";

/** What assembly/index.ts exports. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  base(): number;
  reserve(end: number): number;
  run(steps: number, count: number): void;
  runBatch(steps: number, count: number, groups: number): void;
  halve(from: number, row: number, columns: number, rows: number, to: number): void;
  resampleRows(from: number, row: number, rows: number, plan: number, columns: number, to: number): void;
  resampleColumns(from: number, row: number, plan: number, rows: number, to: number): void;
}

/** The two builds of the kernels; the relaxed one fuses multiply and add. */
export type GraphEngineName = "graph-wasm-simd" | "graph-wasm-relaxed";

/** Files of the builds, beside this one; `npm run build:engine` writes them. */
export const GRAPH_BINARIES = {
  "graph-wasm-simd": "graph.wasm",
  "graph-wasm-relaxed": "graph-relaxed.wasm",
} as const satisfies Record<GraphEngineName, string>;

/** All builds. */
export const GRAPH_ENGINES: readonly GraphEngineName[] = ["graph-wasm-simd", "graph-wasm-relaxed"];

/** Bytes that an instance may take; an isolate has 128 MiB for everything. */
export const MAX_BYTES = 96 * 2 ** 20;

/** One instance. Views of its memory are made anew, since growing detaches them. */
export interface Kernel extends Pick<Exports, "halve" | "resampleRows" | "resampleColumns"> {
  /** First byte that may be used. */
  readonly base: number;
  /** Makes the memory at least `end` bytes. @throws ScoringError `engine_unavailable` if that is too much */
  reserve(end: number): void;
  bytes(at: number, length: number): Uint8Array;
  floats(at: number, length: number): Float32Array;
  words(at: number, length: number): Int32Array;
  run(steps: number, count: number): void;
  runBatch(steps: number, count: number, groups: number): void;
}

/**
 * Instantiates a binary.
 * @throws ScoringError `engine_unavailable` if it is another one
 */
export async function createKernel(module: WebAssembly.Module): Promise<Kernel> {
  const { exports } = await WebAssembly.instantiate(module, {});
  if (!isGraphBinary(exports)) throw new ScoringError("engine_unavailable", "this is not the graph engine's binary");
  const { memory } = exports;
  return {
    base: exports.base(),
    reserve(end) {
      if (end > MAX_BYTES) {
        throw new ScoringError(
          "engine_unavailable",
          `${end} bytes are more than the ${MAX_BYTES} of an isolate: make the picture smaller`,
        );
      }
      if (exports.reserve(end) !== 0) throw new ScoringError("engine_unavailable", `no memory for ${end} bytes`);
    },
    bytes: (at, length) => new Uint8Array(memory.buffer, at, length),
    floats: (at, length) => new Float32Array(memory.buffer, at, length),
    words: (at, length) => new Int32Array(memory.buffer, at, length),
    run: (steps, count) => exports.run(steps, count),
    runBatch: (steps, count, groups) => exports.runBatch(steps, count, groups),
    halve: (...words) => exports.halve(...words),
    resampleRows: (...words) => exports.resampleRows(...words),
    resampleColumns: (...words) => exports.resampleColumns(...words),
  };
}

function isGraphBinary(exports: object): exports is Exports {
  const names = ["base", "reserve", "run", "runBatch", "halve", "resampleRows", "resampleColumns"];
  const functions = names.every((name) => typeof Reflect.get(exports, name) === "function");
  return functions && Reflect.get(exports, "memory") instanceof WebAssembly.Memory;
}
