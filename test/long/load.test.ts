import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import autocannon from "autocannon";
import { afterAll, beforeAll, expect, it } from "vitest";
import { listWorkerdProcesses } from "../../bench/process-clock.ts";
import { readResidentBytes } from "../../bench/process-memory.ts";
import { findFreePort, type HeapReader, openHeapReader } from "../../bench/worker-heap.ts";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { type Api, createApi } from "../../src/client/api.ts";

/**
 * Mixed traffic at the limit of local workerd: every connection sends its next request as soon as the last was answered.
 * Prints the figures of docs/operations.md, which says why memory is the Worker's own heap: the simulator's isolates in the
 * same process grow with every request, whatever the Worker does.
 */

const WARM_UP_SECONDS = Number(process.env["LOAD_WARM_UP_SECONDS"] ?? 60);
const SECONDS = Number(process.env["LOAD_SECONDS"] ?? 60);
const CONNECTIONS = 12;
const MAX_GROWTH = 0.05;
/** A key has 1,200 requests a minute: so many take turns that the worker, not the limit, is what stops them. */
const KEYS = 40;

let folder = "";
let heap: HeapReader;
let worker: LocalWorker;
let admin: Api;
let keys: string[] = [];
/** An ended job of each key. */
let jobs: string[] = [];
let picture: Buffer<ArrayBuffer>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-load-"));
  const inspectorPort = await findFreePort();
  worker = await startLocalWorker({ persistTo: folder, timeoutMs: 600_000, inspectorPort });
  heap = await openHeapReader(inspectorPort, worker.origin);
  admin = createApi({ baseUrl: worker.origin, key: "local-development-key" });
  picture = await readFile(join(import.meta.dirname, "../golden/images/q90-48x48.jpg"));
  await admin.upload("faces", "in/face.jpg", new Uint8Array(picture));
  keys = [];
  jobs = [];
  for (let at = 0; at < KEYS; at++) {
    keys.push((await admin.makeKey({ name: `load ${at}` })).key);
    const api = createApi({ baseUrl: worker.origin, key: keys[at]! });
    const job = await api.submitJob(makeManifest(8));
    await readToEnd(api.followJob(job.id, new AbortController().signal));
    jobs.push(job.id);
  }
}, 900_000);
afterAll(async () => {
  heap?.close();
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function readToEnd(events: AsyncIterable<unknown>): Promise<void> {
  const iterator = events[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}

function makeManifest(inputs: number) {
  const objects = Array.from({ length: inputs }, (_, at) => ({ key: "in/face.jpg", id: String(at) }));
  return { input: { store: "faces", objects }, output: { store: "faces" } };
}

interface Observed {
  readonly seconds: number;
  readonly statuses: Record<string, number>;
  readonly errors: number;
  readonly timeouts: number;
  readonly requestsPerSecond: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** What was answered beside 2xx and 429, the first few. */
  readonly unexpected: readonly string[];
}

/** One job in a hundred requests; the rest is what a console, a script and a dashboard ask. */
const MIX = [
  ...repeat(20, (job) => ({ method: "GET", path: `/v1/jobs/${job}` }) as const),
  ...repeat(10, () => ({ method: "GET", path: "/v1/jobs?limit=20" }) as const),
  ...repeat(10, () => ({ method: "PUT", path: "/v1/stores/faces/objects/up/face.jpg" }) as const),
  ...repeat(10, (job) => ({ method: "GET", path: `/v1/jobs/${job}/events` }) as const),
  ...repeat(10, (job) => ({ method: "GET", path: `/v1/jobs/${job}/report` }) as const),
  ...repeat(10, (job) => ({ method: "GET", path: `/v1/jobs/${job}/labels` }) as const),
  ...repeat(5, () => ({ method: "GET", path: "/v1/openapi.json" }) as const),
  ...repeat(5, () => ({ method: "GET", path: "/v1/models" }) as const),
  ...repeat(1, () => ({ method: "POST", path: "/v1/jobs" }) as const),
];

function repeat<T>(times: number, make: (job: string) => T): ((job: string) => T)[] {
  return Array.from({ length: times }, () => make);
}

async function runTraffic(seconds: number): Promise<Observed> {
  const unexpected: string[] = [];
  let turn = 0;
  const manifest = JSON.stringify(makeManifest(4));
  // A step that has no common factor with the number of kinds visits them all, well mixed.
  const requests = MIX.map((_, at): autocannon.Request => ({
    setupRequest: (request) => {
      const key = turn++ % KEYS;
      const { method, path } = MIX[(at * 37) % MIX.length]!(jobs[key]!);
      const body = method === "PUT" ? picture : method === "POST" ? manifest : undefined;
      const headers = { authorization: `Bearer ${keys[key]}`, "content-type": "application/json" };
      return { ...request, method, path, headers, body };
    },
    onResponse: (status, body) => {
      if (status >= 300 && status !== 429 && unexpected.length < 5) unexpected.push(`${status} ${body.slice(0, 300)}`);
    },
  }));
  const result = await autocannon({
    url: worker.origin,
    connections: CONNECTIONS,
    duration: seconds,
    requests,
    timeout: 60,
  });
  const { latency, errors, timeouts } = result;
  const counts = Object.entries(result.statusCodeStats ?? {});
  return {
    seconds,
    statuses: Object.fromEntries(counts.map(([status, { count }]) => [status, Number(count)])),
    errors,
    timeouts,
    requestsPerSecond: Math.round(result.requests.average),
    latencyMs: { p50: latency.p50, p99: latency.p99, max: latency.max },
    unexpected,
  };
}

it(`answers ${SECONDS} s of mixed traffic without an error, in memory that does not grow`, async () => {
  const workerd = listWorkerdProcesses();
  const read = async () => ({ heap: await heap.read(), resident: readResidentBytes(workerd) });
  const before = await read();
  const warmUp = await runTraffic(WARM_UP_SECONDS);
  const warm = await read();
  const main = await runTraffic(SECONDS);
  const end = await read();
  const figures = {
    command: "npm run test:long -- test/long/load.test.ts",
    commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
    machine: `${cpus().length} × ${cpus()[0]!.model}, load ${loadavg()[0]!.toFixed(1)}`,
    connections: CONNECTIONS,
    warmUp,
    main,
    heapMiB: [before, warm, end].map(({ heap }) => Number((heap / 2 ** 20).toFixed(1))),
    residentMiB: [before, warm, end].map(({ resident }) => Math.round(resident / 2 ** 20)),
    growth: end.heap / warm.heap - 1,
  };
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  expect(main.unexpected).toEqual([]);
  expect({ errors: main.errors, timeouts: main.timeouts }).toEqual({ errors: 0, timeouts: 0 });
  const deliberate = ["200", "201", "429"];
  expect(Object.keys(main.statuses).filter((status) => !deliberate.includes(status))).toEqual([]);
  expect(main.statuses["200"]! + main.statuses["201"]!).toBeGreaterThan(SECONDS);
  expect(figures.growth).toBeLessThan(MAX_GROWTH);
});
