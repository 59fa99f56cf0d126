/** Whole jobs in local workerd: from the manifest to the finished report, with storage, queue and coordinator. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalWorker, type LocalWorker } from "../scripts/local-worker.ts";
import type { JobView } from "../src/scoring/job/job-view.ts";
import { createS3Store } from "../src/storage/s3/s3-store.ts";
import type { JobInput } from "./job-inputs.ts";
import { listWorkerdProcesses, readProcessClock } from "./process-clock.ts";

/** One job. */
export interface JobResult {
  readonly kind: string;
  readonly faces: number;
  /** From the request to the last output. */
  readonly seconds: number;
  readonly facesPerSecond: number;
  /** CPU of workerd, which here is also the object store, the queue and the coordinator's disk. */
  readonly cpuMillisecondsPerFace: number;
}

const ENDED = new Set(["completed", "completed_with_errors", "failed", "cancelled", "expired"]);
const KEY = "local-development-key";

async function callApi<T>(worker: LocalWorker, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${worker.origin}${path}`, {
    method,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  // Our own server, and a benchmark: what is missing would show as NaN.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return JSON.parse(text) as T;
}

/** Puts the objects into the local bucket, eight at a time. */
async function uploadObjects(worker: LocalWorker, objects: JobInput["objects"]): Promise<void> {
  const store = createS3Store({
    endpoint: worker.s3Endpoint,
    bucket: "faces",
    region: "auto",
    forcePathStyle: true,
    credentials: { accessKeyId: "local", secretAccessKey: "local-secret" },
  });
  const waiting = [...objects];
  const put = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await store.put(...next);
  };
  await Promise.all(Array.from({ length: 8 }, put));
}

async function runJob(worker: LocalWorker, { kind, faces, manifest }: JobInput): Promise<JobResult> {
  const pids = listWorkerdProcesses();
  const cpu = readProcessClock(pids);
  const start = performance.now();
  let job = await callApi<JobView>(worker, "POST", "/v1/jobs", manifest);
  while (!ENDED.has(job.status)) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    job = await callApi<JobView>(worker, "GET", `/v1/jobs/${job.id}`);
  }
  const seconds = (performance.now() - start) / 1000;
  if (job.status !== "completed" || job.counts.outcomes.scored !== faces) {
    throw new Error(`the job ${kind} ended ${job.status}: ${JSON.stringify(job.counts)}`);
  }
  const used = readProcessClock(pids) - cpu;
  return { kind, faces, seconds, facesPerSecond: faces / seconds, cpuMillisecondsPerFace: used / faces };
}

/** Runs each job once small, so that everything is compiled, and once in full. */
export async function measureJobs(small: readonly JobInput[], full: readonly JobInput[]): Promise<JobResult[]> {
  const results: JobResult[] = [];
  for (const [i, input] of full.entries()) {
    const state = await mkdtemp(join(tmpdir(), "countenance-bench-"));
    const worker = await startLocalWorker({ persistTo: state });
    try {
      for (const one of [small[i]!, input]) {
        await uploadObjects(worker, one.objects);
        const result = await runJob(worker, one);
        if (one === input) results.push(result);
      }
    } finally {
      await worker.stop();
      await rm(state, { recursive: true, force: true });
    }
  }
  return results;
}
