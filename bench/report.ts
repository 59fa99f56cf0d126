/** docs/benchmarks.md from one run. */

import { ENGINES } from "./engines.ts";
import type { ImageResult } from "./images.ts";
import type { Machine } from "./machine.ts";
import type { NetworkResult } from "./network.ts";

/** All that a run found; bench/results/*.json holds it. */
export interface BenchRun {
  readonly command: string;
  readonly date: string;
  readonly model: string;
  readonly machine: Machine;
  readonly network: readonly NetworkResult[];
  readonly images: readonly ImageResult[];
}

const round = (value: number): string => Math.round(value).toLocaleString("en-US");

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function renderNetwork({ batch, rates, deviations, ratios }: NetworkResult): string {
  const peers = ["tfjs-backend-wasm", "onnxruntime-web", "onnxruntime-node"];
  const rows = rates.map(({ name, median, low, high, best }) => [
    name,
    round(median),
    `${round(low)}–${round(high)}`,
    round(best),
    ...peers.map((peer) => (name === peer ? "1" : (ratios[name]?.[peer] ?? Number.NaN).toFixed(2))),
    deviations[name]?.toExponential(1) ?? "",
  ]);
  const head = ["engine", "faces/CPU-s", "10–90 %", "best", "× tfjs", "× ort-web", "× ort-node", "max Δp"];
  return `### ${batch} ${batch === 1 ? "face" : "faces"} a call, ${rates[0]?.rounds ?? 0} rounds\n\n${renderTable(head, rows)}`;
}

function renderImages(images: readonly ImageResult[]): string {
  const rows = images.map(({ kind, bytes, decode, preprocess, network, sharpPixels }) => [
    kind,
    round(bytes),
    decode.toFixed(3),
    preprocess.toFixed(3),
    network.toFixed(3),
    round(1000 / (decode + preprocess + network)),
    sharpPixels.toFixed(3),
  ]);
  const head = ["file", "bytes", "decode", "preprocess", "network", "images/CPU-s", "sharp's decode and resize"];
  return renderTable(head, rows);
}

/** The whole page. */
export function renderReport({ command, date, model, machine, network, images }: BenchRun): string {
  const { cpu, cores, system, node, v8, pinnedTo, load, commit } = machine;
  const pinned = pinnedTo === null ? "not pinned" : `pinned to core ${pinnedTo}`;
  return `# Benchmarks

One run of \`${command}\`, ${date}, commit ${commit}, model ${model}.
Machine: ${cpu}, ${cores} cores, ${system}, Node ${node} (V8 ${v8}); ${pinned}; load average at the start ${load.toFixed(1)}.
The JSON of the run is in bench/results/.

All engines take their turn in every round, one thread each, on the same bytes (48×48 uint8 in, probabilities out). The
clock is the CPU time of the process (all its threads): what a Worker is billed for, and the same as wall time on an
idle machine. The rate is the median over the rounds, with what a tenth of the rounds stayed below and a tenth exceeded.
«×» is the median over the rounds of the quotient within a round, so that what other programs do to the caches, which hits
neighbours alike, cancels. «max Δp» is the largest difference of a probability from onnxruntime-node's.

${ENGINES.map(({ name, note }) => `- ${name}: ${note}`).join("\n")}
- «… in workerd»: the same code in local workerd, its process's CPU time (from /proc), requests included

## Network alone

${network.map(renderNetwork).join("\n\n")}

## From the file to the label

Milliseconds of CPU an image, medians, one thread in Node, fused engine at 16 faces a call.

${renderImages(images)}
`;
}
