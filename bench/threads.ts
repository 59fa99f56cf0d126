/**
 * `countenance score` with one thread and with one a core, in turn on the same faces: what is lost on the way to all cores.
 * A program of its own (`node threads.ts`), since the rest of a run is pinned to one core; prints JSON.
 */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { runLocalJob } from "../cli/score/local-job.ts";
import { type JobInput, makeCropInput, makeJobInputs } from "./job-inputs.ts";
import { listPortraits, readFaces } from "./portraits.ts";
import { quantile, readCpuClock } from "./timing.ts";

/** Seconds of one job by the wall clock, in its three steps, and of CPU, all threads and the start of each included. */
interface ThreadRun {
  readonly plan: number;
  readonly score: number;
  readonly finalize: number;
  readonly wall: number;
  readonly cpu: number;
}

/** One kind of input. */
export interface ThreadsResult {
  readonly kind: string;
  readonly faces: number;
  readonly threads: number;
  readonly rounds: number;
  /** The quickest round of one thread, and of all: the one that other programs disturbed least. */
  readonly one: ThreadRun;
  readonly all: ThreadRun;
  /** Medians over the rounds of quotients within a round: wall time of one thread over that of all; CPU of all over that of one. */
  readonly speedup: number;
  readonly cpuRatio: number;
}

async function runOnce(input: JobInput, folder: string, outputFolder: string, threads: number): Promise<ThreadRun> {
  await mkdir(outputFolder, { recursive: true });
  const start = performance.now();
  const cpu = readCpuClock();
  let planned = 0;
  let scored = 0;
  const source = input.manifest["input"];
  const view = await runLocalJob({
    inputFolder: folder,
    outputFolder,
    engine: "fused",
    threads,
    manifest: {
      ...input.manifest,
      input: { ...(typeof source === "object" ? source : {}), store: "input" },
      output: { store: "output", prefix: "" },
    },
    progressed: ({ counts }) => {
      if (counts.planned && planned === 0) planned = performance.now();
      if (counts.finished === input.faces && scored === 0) scored = performance.now();
    },
  });
  const end = performance.now();
  await rm(outputFolder, { recursive: true });
  if (view.status !== "completed") throw new Error(`${input.kind}: ${view.status}`);
  return {
    plan: (planned - start) / 1000,
    score: (scored - planned) / 1000,
    finalize: (end - scored) / 1000,
    wall: (end - start) / 1000,
    cpu: (readCpuClock() - cpu) / 1000,
  };
}

const median = (ratios: readonly number[]): number => quantile(ratios, 0.5);
const pickQuickest = (runs: readonly ThreadRun[]): ThreadRun => runs.reduce((a, b) => (b.wall < a.wall ? b : a));

async function measureThreads(input: JobInput, rounds: number): Promise<ThreadsResult> {
  const threads = availableParallelism();
  const folder = await mkdtemp(join(tmpdir(), "countenance-threads-"));
  try {
    for (const [key, bytes] of input.objects) {
      const path = join(folder, "in", key);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
    }
    const pairs: { one: ThreadRun; all: ThreadRun }[] = [];
    for (let i = 0; i < rounds; i++) {
      const run = (count: number): Promise<ThreadRun> => runOnce(input, join(folder, "in"), join(folder, "out"), count);
      pairs.push({ one: await run(1), all: await run(threads) });
    }
    return {
      kind: input.kind,
      faces: input.faces,
      threads,
      rounds,
      one: pickQuickest(pairs.map(({ one }) => one)),
      all: pickQuickest(pairs.map(({ all }) => all)),
      speedup: median(pairs.map(({ one, all }) => one.wall / all.wall)),
      cpuRatio: median(pairs.map(({ one, all }) => all.cpu / one.cpu)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { faces: { type: "string", default: "20000" }, rounds: { type: "string", default: "3" } },
  });
  const portraits = await listPortraits();
  const count = Number(values.faces);
  // A crop of 224² costs several times a face of 48².
  const inputs = [
    ...(await makeJobInputs(await readFaces(portraits, 64), count)),
    await makeCropInput(portraits, Math.ceil(count / 4)),
  ];
  const results: ThreadsResult[] = [];
  for (const input of inputs) results.push(await measureThreads(input, Number(values.rounds)));
  process.stdout.write(`${JSON.stringify(results)}\n`);
}

if (import.meta.main) await main();
