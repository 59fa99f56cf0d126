/** docs/benchmarks.md from one run. */

import { ENGINES } from "./engines.ts";
import type { ImageResult } from "./images.ts";
import type { JobResult } from "./jobs.ts";
import type { Machine } from "./machine.ts";
import type { NetworkResult } from "./network.ts";
import type { ProfileRow } from "./profile.ts";

/** All that a run found; bench/results/*.json holds it. */
export interface BenchRun {
  readonly command: string;
  readonly date: string;
  readonly model: string;
  readonly machine: Machine;
  readonly network: readonly NetworkResult[];
  readonly profile: readonly ProfileRow[];
  readonly images: readonly ImageResult[];
  readonly jobs: readonly JobResult[];
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

/** Dollars a million CPU milliseconds on Workers (https://developers.cloudflare.com/workers/platform/pricing/). */
const DOLLARS_PER_MILLION_CPU_MS = 0.02;

function renderJobs(jobs: readonly JobResult[]): string {
  const rows = jobs.map(({ kind, faces, seconds, facesPerSecond, cpuMillisecondsPerFace }) => [
    kind,
    round(faces),
    seconds.toFixed(1),
    round(facesPerSecond),
    cpuMillisecondsPerFace.toFixed(2),
    `$${(cpuMillisecondsPerFace * DOLLARS_PER_MILLION_CPU_MS).toFixed(3)}`,
  ]);
  return renderTable(["job", "faces", "seconds", "faces/s", "CPU-ms a face", "CPU of a million faces"], rows);
}

/** The whole page. */
export function renderReport({ command, date, model, machine, network, profile, images, jobs }: BenchRun): string {
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

### Where the fused engine's time goes

Samples of V8's profiler, 64 faces a call, relaxed SIMD.

${renderTable(
  ["what", "share"],
  profile.map(({ name, share }) => [name, `${(100 * share).toFixed(1)} %`]),
)}

In workerd the same binary is slower: workerd runs V8 without its trap handler, so that every access to wasm memory is
compared with the memory's size first (Node does the same under \`--disable-wasm-trap-handler\`, with the same loss).
One face a call costs as much as four, since the kernel's vectors hold four faces.

## From the file to the label

Milliseconds of CPU an image, medians, one thread in Node, fused engine at 16 faces a call.

${renderImages(images)}

## Whole jobs

From the request to the last output in local workerd, which here is also the object store, the queue and the
coordinator's disk: their CPU is in the figure, and no deployment is billed for it. The price is of CPU alone; single objects cost
$0.36 a million reads more, and requests $0.30 a million. A metered API for comparison: Google Cloud Vision lists face detection
with emotion likelihoods at $1.50 a thousand images (https://cloud.google.com/vision/pricing), $1,500 a million.

${renderJobs(jobs)}
`;
}
