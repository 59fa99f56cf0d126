/**
 * Where the graph engine's time goes for one picture, by kind of step: share of the CPU time, multiply-adds, and billions of them a second.
 *
 *     node bench/graph-profile.ts [blazeface|emotion] [--side 288] [--rounds 60]
 */

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { loadLayers } from "../src/backends/graph/graph-engine.ts";
import { createKernel, GRAPH_BINARIES } from "../src/backends/graph/kernel.ts";
import { planPicture } from "../src/backends/graph/picture-plan.ts";
import { OPERATIONS, STEP } from "../src/backends/graph/picture-words.ts";
import type { Network } from "../src/model/graph/check-graph.ts";
import { readBlazeFace, readEmotion } from "./graph-contestants.ts";
import { describeMachine, repeatPinned } from "./machine.ts";
import { renderTable } from "./tables.ts";
import { quantile, readCpuClock } from "./timing.ts";

/** Floats of a vector, and points of one of Winograd's tiles. */
const LANES = 4;
const POINTS = 36;

const status = repeatPinned();
if (status !== null) process.exit(status);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { side: { type: "string" }, rounds: { type: "string", default: "60" } },
});

/** A step's kind, and its multiply-adds, those of padded channels included: words as in assembly/index.ts. */
function describeStep(words: Int32Array): { readonly kind: string; readonly products: number } {
  const read = (index: number): number => words[index]!;
  const outputs = read(8) * LANES;
  if (read(0) === OPERATIONS.product) {
    const positions = read(12) * read(14);
    const products = positions * outputs * read(4) * read(5);
    // Taps are counted where they are not nine.
    if (read(19) !== 0) {
      const kind = `depthwise of stride ${read(24)} and pointwise, ${read(5)} to ${outputs} channels`;
      return { kind, products: products + positions * read(5) * (read(29) || 9) };
    }
    return { kind: read(4) > 1 ? "convolution, all channels" : "pointwise", products };
  }
  if (read(0) === OPERATIONS.winograd) {
    return { kind: "3×3 convolution by Winograd's method", products: read(18) * POINTS * read(4) * outputs };
  }
  return { kind: "pools, copies and sums", products: 0 };
}

const [name = "blazeface"] = positionals;
const network: Network = name === "emotion" ? await readEmotion() : await readBlazeFace();
const side = Number(values.side ?? (name === "emotion" ? 64 : 288));
const binary = new URL(`../src/backends/graph/${GRAPH_BINARIES["graph-wasm-relaxed"]}`, import.meta.url);
const kernel = await createKernel(await WebAssembly.compile(Uint8Array.from(await readFile(binary))));
const { placed, end } = loadLayers(kernel, network);
const plan = planPicture(network, placed, side, side, end);
kernel.reserve(plan.end);
kernel.words(plan.start, plan.words.length).set(plan.words);
const steps = Array.from({ length: plan.steps }, (_, i) => ({
  at: plan.start + i * STEP * Int32Array.BYTES_PER_ELEMENT,
  ...describeStep(plan.words.subarray(i * STEP, (i + 1) * STEP)),
}));

const kinds = new Map<string, { products: number; times: number[] }>();
for (const { kind, products } of steps) {
  const entry = kinds.get(kind) ?? { products: 0, times: [] };
  kinds.set(kind, { ...entry, products: entry.products + products });
}
for (let round = -10; round < Number(values.rounds); round++) {
  const spent = new Map<string, number>();
  for (const { at, kind } of steps) {
    const start = readCpuClock();
    kernel.run(at, 1);
    spent.set(kind, (spent.get(kind) ?? 0) + readCpuClock() - start);
  }
  if (round >= 0) for (const [kind, ms] of spent) kinds.get(kind)!.times.push(ms);
}

const rows = [...kinds].map(([kind, { products, times }]) => ({ kind, products, ms: quantile(times, 0.1) }));
const all = rows.reduce((sum, { ms }) => sum + ms, 0);
const machine = describeMachine();
console.log(
  `${name} at ${side}²: ${machine.cpu}, ${machine.node}, commit ${machine.commit}, ${all.toFixed(2)} CPU-ms\n`,
);
console.log(
  renderTable(
    ["steps", "share of the time", "million multiply-adds", "billions a second"],
    rows
      .toSorted((a, b) => b.ms - a.ms)
      .map(({ kind, products, ms }) => [
        kind,
        `${((100 * ms) / all).toFixed(1)} %`,
        products === 0 ? "–" : (products / 1e6).toFixed(1),
        products === 0 ? "–" : (products / ms / 1e6).toFixed(1),
      ]),
  ),
);
