import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { defineCommand } from "citty";
import { Piscina } from "piscina";
import { createComputeApi } from "../../src/client/compute/compute-api.ts";
import type { ComputeEvent, ComputePorts } from "../../src/client/compute/ports.ts";
import { type ComputeSummary, runClientCompute } from "../../src/client/compute/run-client-compute.ts";
import { type WorkReply, createWorkScorer } from "../../src/client/compute/work-scorer.ts";
import { ScoringError } from "../../src/errors.ts";
import { ENGINES } from "../../src/backends/engine-table.ts";
import { readThreads } from "../score/score-command.ts";
import { connect, CONNECTION_ARGS, findServer, print, printJson } from "./connection.ts";
import { readJobs } from "./job-pages.ts";
import type { WorkThreadTask } from "./work-thread.ts";

/** `countenance work`: this machine's cores score the chunks of jobs with `execution: "client"` or `"auto"`. */
export const workCommand = defineCommand({
  meta: { name: "work", description: "Score a job's chunks on this machine (jobs with execution client or auto)" },
  args: {
    job: { type: "positional", description: "The job's id", required: false },
    any: { type: "boolean", description: "Every open job of this key, one after the other", default: false },
    threads: { type: "string", description: "Threads; default one per core" },
    direct: {
      type: "string",
      valueHint: "bucket",
      description:
        "Read the inputs from this S3 bucket with this machine's AWS credentials; only records go to the server",
    },
    engine: { type: "enum", options: [...ENGINES], description: "What computes the network", default: "fused" },
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    if ((args.job === undefined) === !args.any) {
      throw new ScoringError("validation_failed", "a job is missing: name one, or pass --any");
    }
    const threads = readThreads(args.threads) ?? availableParallelism();
    const server = findServer(args);
    const pool = new Piscina<WorkThreadTask, WorkReply>({
      filename: new URL("./work-thread.ts", import.meta.url).href,
      minThreads: threads,
      maxThreads: threads,
      // The second task reads while the first one computes.
      concurrentTasksPerWorker: 2,
      idleTimeout: 60_000,
    });
    const stop = new AbortController();
    const interrupt = (): void => stop.abort();
    process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
    const api = connect(args);
    const about = { backend: "node", detail: `${threads} threads`, lanes: 2 * threads, close: async () => {} } as const;
    const ports: ComputePorts = {
      api: createComputeApi(api),
      rungs: [
        {
          backend: "node",
          open: async () =>
            createWorkScorer(about, (work) => pool.run({ ...server, engine: args.engine, bucket: args.direct, work })),
        },
      ],
      wait: (waitMs, signal) => sleep(waitMs, undefined, { signal }).catch(() => undefined),
      tell: describeEvent,
    };
    const options = { signal: stop.signal };
    try {
      let total: ComputeSummary = { chunks: 0, records: 0 };
      for (const id of args.job === undefined ? await listOpenJobs(api) : [args.job]) {
        const done = await runClientCompute(ports, id, options).catch((error: unknown) => {
          // All jobs include those that run on the edge only.
          if (args.any && error instanceof ScoringError && error.code === "conflict") return { chunks: 0, records: 0 };
          throw error;
        });
        total = { chunks: total.chunks + done.chunks, records: total.records + done.records };
      }
      if (args.json) printJson(total);
      else print(`${total.chunks} chunks, ${total.records} records`);
    } finally {
      process.removeListener("SIGINT", interrupt).removeListener("SIGTERM", interrupt);
      await pool.destroy();
    }
  },
});

/** The open jobs of this key: those of a higher priority first, else the newest. */
async function listOpenJobs(api: ReturnType<typeof connect>): Promise<string[]> {
  const jobs: { readonly id: string; readonly priority: number }[] = [];
  for await (const job of readJobs(api)) if (job.status === "queued" || job.status === "running") jobs.push(job);
  return jobs.sort((a, b) => b.priority - a.priority).map(({ id }) => id);
}

function describeEvent(event: ComputeEvent): void {
  switch (event.kind) {
    case "engine":
      return say(`scoring with ${event.backend}, ${event.detail}`);
    case "left":
      return say(`${event.backend}: ${event.error.detail}`);
    case "submitted":
      return say(`${event.chunkId}: ${event.records} records`);
    case "released":
      return say(`${event.chunkId} given back: ${event.error.detail}`);
    case "waiting":
      if (event.error !== null) say(`${event.error.detail}; again in ${Math.round(event.waitMs / 1000)} s`);
      return;
    case "leased":
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
