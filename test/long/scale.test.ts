import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { packTar } from "modern-tar";
import { afterAll, beforeAll, expect, it } from "vitest";
import { listWorkerdProcesses, readProcessClock } from "../../bench/process-clock.ts";
import { readPeakBytes } from "../../bench/process-memory.ts";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { type Api, createApi } from "../../src/client/api.ts";
import { type LabelPosition, readLabelWindow, startLabels } from "../../src/client/label-reader.ts";
import type { RunLock } from "../../src/scoring/finalize/run-lock.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { encodeJpeg } from "../golden/jpeg-encoder.ts";

/**
 * A hundred thousand pictures, packed as tar, through local workerd from upload to `_SUCCESS`. A thousand generated pictures
 * come a hundred times each, so that a record in the wrong place has the wrong label; one of each ten thousand is cut off.
 * Prints the figures of docs/scale.md.
 */

/** `SCALE_INPUTS=1000000` for a longer look; whole shards. */
const INPUTS = Number(process.env["SCALE_INPUTS"] ?? 100_000);
/** `SCALE_LAYOUT=dataset` for labels in parts that are merged side by side. */
const LAYOUT = process.env["SCALE_LAYOUT"] === "dataset" ? "dataset" : "single";
const PER_SHARD = 5000;
const SHARDS = INPUTS / PER_SHARD;
const PICTURES = 1000;
/** Every so many inputs, a picture that ends in its middle. */
const BROKEN_EVERY = 10_000;
const WINDOW_BYTES = 4 * 1024 * 1024;

const REPORTS = ["report.html", "report.json", "run.lock.json"];
/** What `_SUCCESS` names, sorted, of fewer than two million records. */
const OUTPUTS = {
  single: ["errors.jsonl", "input.jsonl", "labels.csv", "labels.jsonl", "labels.parquet", ...REPORTS],
  dataset: [
    "errors.jsonl",
    "input/part-00000.jsonl",
    "labels/part-00000.csv.gz",
    "labels/part-00000.jsonl.gz",
    "labels/part-00000.parquet",
    "ranges/00000.chunks.jsonl",
    "ranges/00000.errors.jsonl",
    "ranges/00000.json",
    ...REPORTS,
  ],
} as const;

let folder = "";
let worker: LocalWorker;
let api: Api;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-scale-"));
  worker = await startLocalWorker({ persistTo: folder, timeoutMs: 600_000 });
  api = createApi({ baseUrl: worker.origin, key: "local-development-key" });
}, 900_000);
afterAll(async () => {
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A gray wave and a bright spot, of slopes, phase and place that follow from the number. */
function makePicture(number: number): Uint8Array<ArrayBuffer> {
  const [across, down, spot] = [1 + (number % 7), 1 + (number % 11), number % 37];
  return encodeJpeg({
    width: 48,
    height: 48,
    quality: 4,
    readPixel(x, y, out) {
      const near = Math.hypot(x - 6 - spot, y - 6 - ((number * 5) % 37)) < 5 ? 60 : 0;
      out.fill(Math.min(255, 110 + 70 * Math.sin((x * across + y * down) / 24 + number) + near));
    },
  });
}

const isBroken = (index: number): boolean => index % BROKEN_EVERY === BROKEN_EVERY - 1;
const shardKey = (shard: number): string => `in/shard-${String(shard).padStart(3, "0")}.tar`;
const memberName = (index: number): string => `${String(index).padStart(6, "0")}.jpg`;

async function uploadShards(): Promise<number> {
  const pictures = Array.from({ length: PICTURES }, (_, number) => makePicture(number));
  let bytes = 0;
  for (let shard = 0; shard < SHARDS; shard++) {
    const members = Array.from({ length: PER_SHARD }, (_, at) => {
      const index = shard * PER_SHARD + at;
      const whole = pictures[index % PICTURES]!;
      const body = isBroken(index) ? whole.slice(0, whole.length / 2) : whole;
      return { header: { name: memberName(index), size: body.length, mtime: new Date(0) }, body };
    });
    const archive = new Uint8Array(await packTar(members));
    bytes += archive.length;
    await api.upload("faces", shardKey(shard), archive);
  }
  return bytes;
}

async function hashOutput(id: string, name: string): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash("sha256");
  let offset = 0;
  for (;;) {
    const { bytes, total } = await api.readOutput(id, name, offset, WINDOW_BYTES);
    hash.update(bytes);
    offset += bytes.length;
    if (offset >= total) return { bytes: total, sha256: hash.digest("hex") };
  }
}

/** The first record that is not its input's, in words; `null` where every input has its own, once, in order. */
async function findWrongRecord({ id, output }: JobView): Promise<string | null> {
  const known: string[] = [];
  let index = 0;
  for (let position: LabelPosition | null = startLabels({ output }); position !== null;) {
    const window = await readLabelWindow(api, id, position);
    for (const { record } of window.records) {
      const shard = shardKey(Math.floor(index / PER_SHARD));
      if (record.key !== shard || record.id !== `${shard}/${memberName(index)}`) {
        return `input ${index} is ${record.id} of ${record.key}`;
      }
      if (isBroken(index) !== (record.status === "failed")) return `${record.id} is ${record.status}`;
      if (!isBroken(index)) {
        // Wherever a picture comes, it has the same label.
        const scored = JSON.stringify([record.label, record.probabilities]);
        const before = (known[index % PICTURES] ??= scored);
        if (before !== scored) return `${record.id} is ${scored}, before ${before}`;
      }
      index += 1;
    }
    position = window.next;
  }
  if (index !== INPUTS) return `${index} records`;
  const different = new Set(known).size;
  return different > PICTURES / 2 ? null : `only ${different} pictures differ`;
}

it(`scores ${INPUTS.toLocaleString("en")} pictures out of tar shards, each once, in order`, async () => {
  const uploadStart = Date.now();
  const packedBytes = await uploadShards();
  const uploadedMs = Date.now() - uploadStart;

  const workerd = listWorkerdProcesses();
  const cpuStartMs = readProcessClock(workerd);
  const start = Date.now();
  const job = await api.submitJob({
    input: { store: "faces", prefix: "in/" },
    format: "tar",
    output: { store: "faces", formats: ["jsonl", "csv", "parquet"], layout: LAYOUT },
  });
  let ended = job;
  for await (const event of api.followJob(job.id, new AbortController().signal)) ended = event.job;
  const wallMs = Date.now() - start;
  const cpuMs = readProcessClock(workerd) - cpuStartMs;
  const peakBytes = readPeakBytes(workerd);

  const broken = INPUTS / BROKEN_EVERY;
  expect(ended.status).toBe("completed_with_errors");
  expect(ended.counts).toMatchObject({
    listed: INPUTS,
    finished: INPUTS,
    records: INPUTS,
    outcomes: { scored: INPUTS - broken, failed: broken, skipped: 0, no_face: 0, cancelled: 0, expired: 0 },
  });

  expect(await findWrongRecord(ended)).toBeNull();

  // `_SUCCESS` says what is there.
  const success = JSON.parse(await (await api.request("GET", `/v1/jobs/${job.id}/outputs/_SUCCESS`)).text()) as {
    readonly objects: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  };
  const merged = success.objects.filter(({ name }) => !name.startsWith("parts/"));
  expect(merged.map(({ name }) => name).sort()).toEqual(OUTPUTS[LAYOUT]);
  for (const { name, bytes, sha256 } of merged)
    expect({ name, ...(await hashOutput(job.id, name)) }).toEqual({ name, bytes, sha256 });
  // A data set names its chunks' parts in `ranges/`.
  expect(success.objects.length - merged.length).toBe(LAYOUT === "single" ? ended.chunks.done : 0);

  const times = Object.fromEntries(Object.entries(ended.times).map(([status, at]) => [status, Date.parse(at)]));
  const scoringMs = times["finalizing"]! - times["validating"]!;
  const lock = JSON.parse(
    await (await api.request("GET", `/v1/jobs/${job.id}/outputs/run.lock.json`)).text(),
  ) as RunLock;
  expect(lock.receipt).toMatchObject({ chunks: { edge: ended.chunks.done }, reads: ended.chunks.done });
  const figures = {
    command: "npm run test:long -- test/long/scale.test.ts",
    commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
    machine: `${cpus().length} × ${cpus()[0]!.model}`,
    layout: LAYOUT,
    inputs: INPUTS,
    shards: SHARDS,
    packedMB: Math.round(packedBytes / 1e6),
    chunks: ended.chunks.done,
    uploadSeconds: Math.round(uploadedMs / 1000),
    wallSeconds: Math.round(wallMs / 1000),
    scoringSeconds: Math.round(scoringMs / 1000),
    finalizingSeconds: Math.round((wallMs - scoringMs) / 1000),
    facesPerSecond: Math.round((INPUTS / wallMs) * 1000),
    facesPerSecondScoring: Math.round((INPUTS / scoringMs) * 1000),
    workerdCpuSeconds: Math.round(cpuMs / 1000),
    workerdPeakMiB: Math.round(peakBytes / 2 ** 20),
    receipt: lock.receipt,
    estimate: lock.estimate,
  };
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
});
