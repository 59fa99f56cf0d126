/** One run of `countenance score`'s job, in a process of its own as the command is; prints JSON. threads.ts says on which cores. */

import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { enableCodeCache } from "../cli/code-cache.ts";
import { readCpuClock } from "./timing.ts";

/** Seconds of one job by the wall clock, from before the program's modules are loaded, in its three steps; and of CPU. */
export interface ThreadRun {
  readonly plan: number;
  readonly score: number;
  readonly finalize: number;
  readonly wall: number;
  readonly cpu: number;
}

async function scoreOnce(inputFolder: string, outputFolder: string, threads: number, text: string): Promise<ThreadRun> {
  const start = performance.now();
  enableCodeCache();
  const { runLocalJob } = await import("../cli/score/local-job.ts");
  let planned = 0;
  let scored = 0;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what threads.ts gives
  const manifest = JSON.parse(text) as { readonly input: Readonly<Record<string, unknown>> };
  const view = await runLocalJob({
    inputFolder,
    outputFolder,
    engine: "fused",
    threads,
    manifest: {
      ...manifest,
      input: { ...manifest.input, store: "input" },
      output: { store: "output", prefix: "" },
    },
    watcher: {
      progressed({ counts }) {
        if (!counts.planned) return;
        planned ||= performance.now();
        if (counts.finished === counts.listed) scored ||= performance.now();
      },
    },
  });
  const end = performance.now();
  if (view.status !== "completed") throw new Error(view.status);
  return {
    plan: (planned - start) / 1000,
    score: (scored - planned) / 1000,
    finalize: (end - scored) / 1000,
    wall: (end - start) / 1000,
    cpu: readCpuClock() / 1000,
  };
}

if (import.meta.main) {
  const text = { type: "string", default: "" } as const;
  const { values } = parseArgs({ options: { in: text, out: text, threads: text, manifest: text } });
  const run = await scoreOnce(values.in, values.out, Number(values.threads), values.manifest);
  await rm(values.out, { recursive: true });
  process.stdout.write(JSON.stringify(run));
}
