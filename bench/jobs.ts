/** Whole jobs in local workerd: from the manifest to the finished report, with storage, queue and coordinator. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { startLocalWorker, type LocalWorker } from "../scripts/local-worker.ts";
import type { JobView } from "../src/scoring/job-view.ts";
import { createS3Store } from "../src/storage/s3-store.ts";
import { FACE_BYTES, FACE_SIDE } from "../src/image/preprocess.ts";
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

type Upload = (worker: LocalWorker, faces: Uint8Array, count: number) => Promise<Record<string, unknown>>;

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

function openStore(worker: LocalWorker): ReturnType<typeof createS3Store> {
  return createS3Store({
    endpoint: worker.s3Endpoint,
    bucket: "faces",
    region: "auto",
    forcePathStyle: true,
    credentials: { accessKeyId: "local", secretAccessKey: "local-secret" },
  });
}

function faceOf(faces: Uint8Array, i: number): Uint8Array {
  const at = (i % (faces.length / FACE_BYTES)) * FACE_BYTES;
  return faces.subarray(at, at + FACE_BYTES);
}

/** Every face its own object, a grey JPEG of 48². */
const uploadObjects: Upload = async (worker, faces, count) => {
  const store = openStore(worker);
  const raw = { width: FACE_SIDE, height: FACE_SIDE, channels: 1 } as const;
  const put = async (i: number): Promise<void> => {
    const jpeg = await sharp(faceOf(faces, i), { raw }).jpeg({ quality: 90 }).toBuffer();
    await store.put(`objects/${String(i).padStart(6, "0")}.jpg`, new Uint8Array(jpeg));
  };
  for (let i = 0; i < count; i += 8) {
    await Promise.all(Array.from({ length: Math.min(8, count - i) }, (_, k) => put(i + k)));
  }
  return { input: { store: "faces", prefix: "objects/" } };
};

/** All faces in one CSV of FER2013's layout. */
const uploadCsv: Upload = async (worker, faces, count) => {
  const rows = Array.from({ length: count }, (_, i) => `0,${faceOf(faces, i).join(" ")},PublicTest\n`);
  await openStore(worker).put("csv/faces.csv", new TextEncoder().encode(`emotion,pixels,Usage\n${rows.join("")}`));
  return { input: { store: "faces", objects: [{ key: "csv/faces.csv" }] }, format: "fer2013-csv" };
};

async function runJob(
  worker: LocalWorker,
  kind: string,
  manifest: Record<string, unknown>,
  faces: number,
): Promise<JobResult> {
  const pids = listWorkerdProcesses();
  const cpu = readProcessClock(pids);
  const start = performance.now();
  const output = { store: "faces", prefix: "out/" };
  let job = await callApi<JobView>(worker, "POST", "/v1/jobs", { ...manifest, output });
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

/** Runs each kind of job once small, so that everything is compiled, and once in full. */
export async function measureJobs(faces: Uint8Array, count: number): Promise<JobResult[]> {
  const kinds: readonly [string, Upload][] = [
    ["single objects, JPEG 48² grey", uploadObjects],
    ["one CSV of FER2013's layout", uploadCsv],
  ];
  const results: JobResult[] = [];
  for (const [kind, upload] of kinds) {
    const state = await mkdtemp(join(tmpdir(), "countenance-bench-"));
    const worker = await startLocalWorker({ persistTo: state });
    try {
      await runJob(worker, kind, await upload(worker, faces, 64), 64);
      results.push(await runJob(worker, kind, await upload(worker, faces, count), count));
    } finally {
      await worker.stop();
      await rm(state, { recursive: true, force: true });
    }
  }
  return results;
}
