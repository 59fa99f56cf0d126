/** docs/benchmarks.md from one run. */

import { ENGINES } from "./engines.ts";
import type { ImageResult } from "./images.ts";
import type { JobResult } from "./jobs.ts";
import type { Machine } from "./machine.ts";
import type { NetworkResult } from "./network.ts";
import type { ModelResult } from "./other-models.ts";
import type { ProfileRow } from "./profile.ts";
import { DOLLARS_PER_MILLION_CPU_MS, renderStages } from "./stage-report.ts";
import type { StageProfile } from "./stages.ts";
import { renderTable, round } from "./tables.ts";
import type { ThreadsResult } from "./threads.ts";
import type { WebgpuResult } from "./webgpu.ts";

/** All that a run found; bench/results/*.json holds it. */
export interface BenchRun {
  readonly command: string;
  readonly date: string;
  readonly model: string;
  readonly machine: Machine;
  readonly network: readonly NetworkResult[];
  readonly models: readonly ModelResult[];
  readonly profile: readonly ProfileRow[];
  readonly images: readonly ImageResult[];
  readonly webgpu: WebgpuResult;
  readonly stages: readonly StageProfile[];
  readonly jobs: readonly JobResult[];
  readonly threads: readonly ThreadsResult[];
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
  const rows = images.map(({ kind, bytes, decode, reduced, preprocess, network, sharpPixels }) => [
    kind,
    round(bytes),
    decode.toFixed(3),
    preprocess.toFixed(3),
    network.toFixed(3),
    round(1000 / (decode + preprocess + network)),
    reduced.toFixed(3),
    sharpPixels.toFixed(3),
  ]);
  const head = [
    "file",
    "bytes",
    "decode",
    "preprocess",
    "network",
    "images/CPU-s",
    "both in version 2",
    "sharp's decode and resize",
  ];
  return renderTable(head, rows);
}

function renderModels(models: readonly ModelResult[]): string {
  const rows = models.map(({ model, engine, node, workerd }) => [
    model,
    engine,
    round(node),
    (1000 / node).toFixed(3),
    workerd === null ? "" : round(workerd),
    workerd === null ? "" : (1000 / workerd).toFixed(3),
  ]);
  return renderTable(["model", "engine", "faces/CPU-s in Node", "ms per face", "in workerd", "ms per face"], rows);
}

function renderWebgpu(webgpu: WebgpuResult): string {
  if (webgpu.kind === "skipped") {
    return `Skipped in this run: ${webgpu.reason}. (SwiftShader, a CPU that emulates a GPU, tests that results are right, never speed.)`;
  }
  const rows = webgpu.rates.map(({ engine, batch, median, best, deviation }) => [
    engine,
    round(batch),
    round(median),
    round(best),
    deviation.toExponential(1),
  ]);
  const head = ["engine", "faces per call", "faces/s", "best", "max Δp from fused"];
  return `GPU: ${webgpu.gpu}; by the wall clock.\n\n${renderTable(head, rows)}`;
}

const renderSteps = ({ plan, score, finalize }: ThreadsResult["one"]): string =>
  `${plan.toFixed(1)} + ${score.toFixed(1)} + ${finalize.toFixed(1)}`;

function renderThreads(threads: readonly ThreadsResult[]): string {
  const rows = threads.map(({ kind, faces, rounds, one, all, speedup, ceiling, cpuRatio }) => [
    kind,
    round(faces),
    String(rounds),
    renderSteps(one),
    renderSteps(all),
    round(faces / all.wall),
    (one.wall / all.wall).toFixed(2),
    speedup.toFixed(2),
    ceiling.toFixed(2),
    cpuRatio.toFixed(2),
    `${(one.cpu / one.wall).toFixed(2)}, ${(all.cpu / all.wall).toFixed(2)}`,
  ]);
  const count = threads[0]?.threads ?? 0;
  const head = [
    "input",
    "faces",
    "rounds",
    "seconds, 1 core",
    `seconds, ${count} cores`,
    "faces/s",
    "× by the best",
    "× by the median",
    "× of separate runs",
    "CPU ratio",
    "cores used",
  ];
  return renderTable(head, rows);
}

function renderJobs(jobs: readonly JobResult[]): string {
  const rows = jobs.map(({ kind, faces, seconds, facesPerSecond, cpuMillisecondsPerFace }) => [
    kind,
    round(faces),
    seconds.toFixed(1),
    round(facesPerSecond),
    cpuMillisecondsPerFace.toFixed(2),
    `$${(cpuMillisecondsPerFace * DOLLARS_PER_MILLION_CPU_MS).toFixed(3)}`,
  ]);
  return renderTable(["job", "faces", "seconds", "faces/s", "CPU-ms per face", "CPU of a million faces"], rows);
}

/** The whole page. */
export function renderReport(run: BenchRun): string {
  const { command, date, model, machine, network, models, profile, images, webgpu, stages, jobs, threads } = run;
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
neighbors alike, cancels. «max Δp» is the largest difference of a probability from onnxruntime-node's.

${ENGINES.map(({ name, note }) => `- ${name}: ${note}`).join("\n")}
- «… in workerd»: the same code in local workerd, its process's CPU time (from /proc), requests included

## Network alone

${network.map(renderNetwork).join("\n\n")}

### Every model

64 faces per call, medians of one run, each model on the engine that serves it.

${renderModels(models)}

### In a browser with a GPU

${renderWebgpu(webgpu)}

### Where the fused engine's time goes

Samples of V8's profiler, 64 faces per call, relaxed SIMD.

${renderTable(
  ["what", "share"],
  profile.map(({ name, share }) => [name, `${(100 * share).toFixed(1)} %`]),
)}

In workerd the same binary is slower: workerd runs V8 without its trap handler, so that every access to wasm memory is
compared with the memory's size first (Node does the same under \`--disable-wasm-trap-handler\`, with the same loss).
One face a call costs as much as four, since the kernel's vectors hold four faces.

## From the file to the label

Milliseconds of CPU per image, medians, one thread in Node, fused engine at 16 faces per call. «both in version 2»: decoding and preprocessing of a
face crop by version 2, straight to gray and at a reduced scale.

${renderImages(images)}

${renderStages(stages)}

## Whole jobs

From the request to the last output in local workerd, which here is also the object store, the queue and the
coordinator's disk: their CPU is in the figure, and no deployment is billed for it. The price is of CPU alone; single objects cost
$0.36 per million reads more, and requests $0.30 per million. A metered API for comparison: Google Cloud Vision lists face detection
with emotion likelihoods at $1.50 per thousand images (https://cloud.google.com/vision/pricing), $1,500 per million.

${renderJobs(jobs)}

## \`countenance score\` on all cores

The same job on one core and on all, in turn, each in a process of its own that is pinned there, a scoring thread per core; the wall clock
from before the modules are loaded, so what other programs take of the cores shows: «cores used» is CPU over wall time, on one core and on
all. Seconds are those of planning, scoring and finalizing in the quickest round. «CPU ratio» is the CPU on all cores over that on one: what
is above 1 is spent on starting threads, each with an engine of its own and code that V8 optimizes again for each, and on sharing caches. Planning
runs beside scoring; finalizing formats chunks on all cores, and the thread that appends them formats what the others have no time for.
«× of separate runs»: as many one-core runs as there are cores, at once, which share nothing but the machine (its memory, its clock, and what
its cores are made of): what linear means here.
Cores that were not used waited: at the start for the main thread, at the end for the one that writes the reports.

${renderThreads(threads)}
`;
}
