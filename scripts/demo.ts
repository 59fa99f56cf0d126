import { listPages } from "../src/storage/list-pages.ts";
import { mkdtemp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { formatDuration, renderLabelTable } from "../cli/label-table.ts";
import { createProgressBar } from "../cli/progress-bar.ts";
import { renderContactSheet } from "../src/scoring/report/contact-sheet.ts";
import type { JobView } from "../src/scoring/job/job-view.ts";
import { parseRecord } from "../src/scoring/records/record-line.ts";
import type { Report } from "../src/scoring/report/report.ts";
import type { ObjectStore } from "../src/storage/object-store.ts";
import { readBody } from "../src/storage/read-body.ts";
import { createS3Store } from "../src/storage/s3/s3-store.ts";
import { renderTiers } from "./demo-tiers.ts";
import { runReview } from "./demo-review.ts";
import { startLocalWorker, type LocalWorker } from "./local-worker.ts";

/**
 * `npm run demo`: the whole pipe on this machine. Starts local workerd, puts real portraits into its bucket over the S3
 * protocol, submits a job over HTTP, follows it, prints the label table and leaves every output in a folder. With
 * `-- --review` a simulated reader then labels a sample of the portraits (demo-review.ts).
 */

const root = join(import.meta.dirname, "..");
const apiKey = "local-development-key";

const endStates = new Set(["completed", "completed_with_errors", "failed", "cancelled", "expired"]);

function say(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** Folder of a devDependency that holds pictures. */
function findPictures(name: string, folder: string): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), folder);
  } catch (cause) {
    throw new Error(`the demo's pictures are missing: run \`npm ci\` first (they come with the package ${name})`, {
      cause,
    });
  }
}

/** Pictures by object key, sorted by path. */
async function readPictures(folder: string, pattern: RegExp, prefix: string): Promise<Map<string, Uint8Array>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => pattern.test(name)).sort();
  const pictures = new Map<string, Uint8Array>();
  for (const name of names) pictures.set(prefix + name, new Uint8Array(await readFile(join(folder, name))));
  return pictures;
}

async function callApi<T>(worker: LocalWorker, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${worker.origin}${path}`, {
    method,
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

async function followJob(worker: LocalWorker, id: string): Promise<JobView> {
  const bar = createProgressBar(process.stderr);
  for (;;) {
    const job = await callApi<JobView>(worker, "GET", `/v1/jobs/${id}`);
    bar.update({ finished: job.counts.finished, total: job.counts.listed, label: job.status, perSecond: job.rate });
    if (endStates.has(job.status)) {
      bar.stop();
      return job;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Copies every finished output of the job out of the bucket. */
async function downloadOutputs(store: ObjectStore, prefix: string, folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const page of listPages(store, prefix)) {
    for (const object of page.objects) {
      const name = object.key.slice(prefix.length);
      const found = await store.get(object.key);
      if (found.kind !== "found") throw new Error(`${object.key} vanished while it was copied`);
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), await readBody(found.body, 64 * 1024 * 1024, found.info.size));
      names.push(name);
    }
  }
  return names;
}

interface Pictures {
  readonly name: string;
  /** Which faces of a picture are scored. */
  readonly faces: "largest" | "all";
  readonly images: ReadonlyMap<string, Uint8Array>;
}

/** Stores the pictures, runs a job over them and copies its outputs, with a contact sheet, into a folder. */
async function runJob(worker: LocalWorker, store: ObjectStore, pictures: Pictures, model = "fast") {
  const { name, faces, images } = pictures;
  say(`Putting ${images.size} ${name} into the bucket "faces" under ${name}/, to be scored by the model "${model}" …`);
  for (const [key, bytes] of images) await store.put(key, bytes, { contentType: "image/jpeg" });
  const { id } = await callApi<JobView>(worker, "POST", "/v1/jobs", {
    name: `demo: ${name}, ${model}`,
    model,
    purpose: "research",
    input: { store: "faces", prefix: `${name}/` },
    faces,
    output: { store: "faces", prefix: "out/" },
  });
  say(`Job ${id}`);
  const job = await followJob(worker, id);
  if (job.status === "failed") throw new Error(`the job failed: ${job.failure?.message ?? "no reason given"}`);
  const folder = join(root, "demo-output", id);
  await downloadOutputs(store, `out/${id}/`, folder);
  const report = JSON.parse(await readFile(join(folder, "report.json"), "utf8")) as Report;
  const lines = (await readFile(join(folder, "labels.jsonl"), "utf8")).trimEnd().split("\n");
  const records = lines.map(parseRecord);
  await writeFile(join(folder, "contact-sheet.html"), renderContactSheet(records, images));
  return { id, folder, report, records };
}

/** A path as somebody who stands in the working directory would type it. */
function place(path: string): string {
  return relative(process.cwd(), path) || ".";
}

async function runDemo(): Promise<void> {
  const started = Date.now();
  const portraits: Pictures = {
    name: "portraits",
    faces: "largest",
    images: await readPictures(findPictures("tabler-ui", "dist/demo/faces"), /\.jpg$/, "portraits/"),
  };
  const groups: Pictures = {
    name: "group-photographs",
    faces: "all",
    images: await readPictures(findPictures("@vladmandic/face-api", "demo"), /^sample\d\.jpg$/, "group-photographs/"),
  };
  const state = await mkdtemp(join(tmpdir(), "countenance-demo-"));
  let worker: LocalWorker | undefined;
  const stop = async () => {
    await worker?.stop();
    await rm(state, { recursive: true, force: true });
  };
  const interrupt = () => void stop().finally(() => process.exit(130));
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  try {
    say("Starting local workerd with its object store, queue and coordinator …");
    worker = await startLocalWorker({ persistTo: state });
    const store = createS3Store({
      endpoint: worker.s3Endpoint,
      bucket: "faces",
      region: "auto",
      forcePathStyle: true,
      credentials: { accessKeyId: "local", secretAccessKey: "local-secret" },
    });
    const group = await runJob(worker, store, groups);
    const fast = await runJob(worker, store, portraits);
    const accurate = await runJob(worker, store, portraits, "accurate");
    const { id, folder, report } = fast;

    say();
    say(renderLabelTable(report));
    say();
    say("The same portraits by the default and by the accuracy tier:");
    say(renderTiers(fast, accurate));
    say();
    if (process.argv.includes("--review")) {
      await runReview({ origin: worker.origin, key: apiKey }, id, portraits.images, "portraits/", say);
      say();
    }
    say(`Done in ${formatDuration(Date.now() - started)}. Everything about the portraits is in ${place(folder)}/`);
    say("  labels.jsonl  labels.csv  errors.jsonl   one record per image");
    say("  report.html   report.json                the aggregates, with intervals");
    say("  contact-sheet.html                       every portrait with its box, label and probabilities");
    say("  run.lock.json _SUCCESS                   what produced them, and the hash of each");
    say(`The portraits by the accuracy tier: ${place(join(accurate.folder, "report.html"))}`);
    say(`The group photographs, every face of each: ${place(join(group.folder, "contact-sheet.html"))}`);
  } finally {
    process.removeListener("SIGINT", interrupt);
    process.removeListener("SIGTERM", interrupt);
    await stop();
  }
}

try {
  await runDemo();
} catch (error) {
  process.stderr.write(`\nThe demo did not finish: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
