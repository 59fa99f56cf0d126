/**
 * `countenance score` on one core, on all, and once a core at the same time, in turn on the same faces: what is lost on the way to
 * all cores, and how much of that is the machine's. A program of its own (`node threads.ts`), since the rest of a run is pinned to
 * one core; prints JSON.
 */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { type JobInput, makeCropInput, makeJobInputs, repeatInput } from "./job-inputs.ts";
import { runOnCores } from "./machine.ts";
import { listPortraits, readFaces } from "./portraits.ts";
import type { ThreadRun } from "./score-once.ts";
import { quantile } from "./timing.ts";

/** One kind of input. */
export interface ThreadsResult {
  readonly kind: string;
  readonly faces: number;
  /** Cores, with a thread each that scores. */
  readonly threads: number;
  readonly rounds: number;
  /** The quickest round on one core, and on all: the one that other programs disturbed least. */
  readonly one: ThreadRun;
  readonly all: ThreadRun;
  /**
   * Medians over the rounds of quotients within a round: wall time on one core over that on all; the same for as many runs as there
   * are cores, each on its own and all at once, which share nothing but the machine; CPU on all over that on one.
   */
  readonly speedup: number;
  readonly ceiling: number;
  readonly cpuRatio: number;
}

interface Round {
  readonly one: ThreadRun;
  readonly all: ThreadRun;
  readonly apart: readonly ThreadRun[];
}

const median = (ratios: readonly number[]): number => quantile(ratios, 0.5);
const pickQuickest = (runs: readonly ThreadRun[]): ThreadRun => runs.reduce((a, b) => (b.wall < a.wall ? b : a));

async function measureThreads(input: JobInput, rounds: number): Promise<ThreadsResult> {
  const threads = availableParallelism();
  const folder = await mkdtemp(join(tmpdir(), "countenance-threads-"));
  const cores = [...Array(threads).keys()];
  const run = async (own: readonly number[]): Promise<ThreadRun> => {
    const paths = ["--in", join(folder, "in"), "--out", join(folder, `out-${own.join("-")}`)];
    const args = [...paths, "--threads", String(own.length), "--manifest", JSON.stringify(input.manifest)];
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what score-once.ts prints
    return JSON.parse(await runOnCores(own, "score-once.ts", args)) as ThreadRun;
  };
  try {
    for (const [key, bytes] of input.objects) {
      const path = join(folder, "in", key);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
    }
    // Once for the disk and the compiled code, which every later run finds.
    await run(cores);
    const found: Round[] = [];
    for (let round = 0; round < rounds; round++) {
      const one = await run([cores.length - 1]);
      const all = await run(cores);
      found.push({ one, all, apart: await Promise.all(cores.map((core) => run([core]))) });
    }
    return {
      kind: input.kind,
      faces: input.faces,
      threads,
      rounds,
      one: pickQuickest(found.map(({ one }) => one)),
      all: pickQuickest(found.map(({ all }) => all)),
      speedup: median(found.map(({ one, all }) => one.wall / all.wall)),
      ceiling: median(found.map(({ one, apart }) => (threads * one.wall) / Math.max(...apart.map(({ wall }) => wall)))),
      cpuRatio: median(found.map(({ one, all }) => all.cpu / one.cpu)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { faces: { type: "string", default: "60000" }, rounds: { type: "string", default: "2" } },
  });
  const portraits = await listPortraits();
  const count = Number(values.faces);
  const small = await makeJobInputs(await readFaces(portraits, 64), count);
  const tar = small.find(({ manifest }) => manifest["format"] === "tar")!;
  const inputs = [
    ...small,
    // How much of the loss is the start of the threads shows where there is more to do.
    repeatInput(tar, 4, "four such tars"),
    // A crop of 224² costs several times a face of 48².
    await makeCropInput(portraits, Math.ceil(count / 4)),
  ];
  const results: ThreadsResult[] = [];
  for (const input of inputs) results.push(await measureThreads(input, Number(values.rounds)));
  process.stdout.write(`${JSON.stringify(results)}\n`);
}

if (import.meta.main) await main();
