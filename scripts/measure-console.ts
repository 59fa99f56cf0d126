/**
 * How fast the console shows a large job: `node scripts/measure-console.ts [--records 1000000] [--data FOLDER]`. The job is a real one, over
 * copies of the crops of 72 portraits (large-job.ts), on a server of its own; where the folder holds one already, it is opened again. Prints the table of
 * docs/console.md: what opens in how long, and how even the gallery scrolls.
 */

import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packTar } from "modern-tar";
import type { Page } from "playwright-core";
import { type Api, createApi } from "../src/client/api.ts";
import { createConsoleLogger } from "../src/log.ts";
import { computeCopies } from "./large-job.ts";
import { isEnded } from "../src/scoring/job/job-status.ts";
import { startServer } from "../src/serve/server.ts";
import { launchChromium } from "../test/browser/chromium.ts";
import { listPortraits } from "../test/browser/console-steps.ts";

declare const window: {
  scrollY: number;
  scrollBy(x: number, y: number): void;
  scrollTo(x: number, y: number): void;
};
declare function createImageBitmap(blob: Blob): Promise<object>;
declare class OffscreenCanvas {
  constructor(width: number, height: number);
  getContext(
    kind: "2d",
  ): { drawImage(picture: object, x: number, y: number, width: number, height: number): void } | null;
  convertToBlob(options: { readonly type: string; readonly quality: number }): Promise<Blob>;
}
declare function requestAnimationFrame(next: (atMs: number) => void): void;

/** Members of a shard. */
const SHARD = 10_000;

const { values } = parseArgs({
  options: { records: { type: "string", default: "1000000" }, data: { type: "string" } },
});
const records = Number(values.records);
const data = values.data ?? (await mkdtemp(join(tmpdir(), "countenance-console-")));
const write = (line: string): void => void process.stdout.write(`${line}\n`);
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

await mkdir(data, { recursive: true });
const ADMIN_KEY = "the-key-of-one-measurement-on-this-machine";
const quiet = createConsoleLogger();
const server = await startServer({
  dataFolder: data,
  host: "127.0.0.1",
  port: 0,
  threads: availableParallelism(),
  variables: { ADMIN_KEY },
  siteFolder: join(import.meta.dirname, "../public"),
  logger: { ...quiet, log: () => undefined },
});
const api = createApi({ baseUrl: server.origin, key: ADMIN_KEY });

/** The portraits as gray crops of 48 pixels, JPEG. */
async function makeCrops(): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  const paths = [...(await listPortraits("female", 36)), ...(await listPortraits("male", 36))];
  const pictures = await Promise.all(paths.map(async (path) => (await readFile(path)).toString("base64")));
  const browser = await launchChromium();
  const page = await browser.newPage();
  const crops = await page.evaluate(
    async (sources) =>
      Promise.all(
        sources.map(async (source) => {
          const picture = await createImageBitmap(await (await fetch(`data:image/jpeg;base64,${source}`)).blob());
          const canvas = new OffscreenCanvas(48, 48);
          canvas.getContext("2d")?.drawImage(picture, 0, 0, 48, 48);
          const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
          return [...new Uint8Array(await blob.arrayBuffer())];
        }),
      ),
    pictures,
  );
  await browser.close();
  return crops.map((bytes) => Uint8Array.from(bytes));
}

/** A job over shards that hold each crop many times. */
async function makeJob(client: Api): Promise<string> {
  const crops = await makeCrops();
  const folder = join(data, "stores/faces/in");
  await mkdir(folder, { recursive: true });
  for (let first = 0; first < records; first += SHARD) {
    const members = Array.from({ length: Math.min(SHARD, records - first) }, (_, at) => {
      const body = crops[(first + at) % crops.length] ?? new Uint8Array();
      return { header: { name: `${String(first + at).padStart(7, "0")}.jpg`, size: body.length }, body };
    });
    await writeFile(join(folder, `${String(first).padStart(7, "0")}.tar`), await packTar(members));
  }
  const { id } = await client.submitJob({
    name: `${records.toLocaleString("en")} records`,
    input: { store: "faces", prefix: "in/" },
    format: "tar",
    execution: "client",
    limits: { chunkSize: 1000 },
    faces: "aligned",
    output: { store: "faces", prefix: "out/", formats: ["jsonl"] },
  });
  const started = performance.now();
  let told = 0;
  await computeCopies(client, { baseUrl: server.origin, key: ADMIN_KEY }, id, crops.length, (finished) => {
    if (performance.now() - told < 20_000) return;
    told = performance.now();
    process.stderr.write(`${finished} records after ${seconds(told - started)}\n`);
  });
  return id;
}

const known = (await api.listJobs({ limit: 1 })).jobs[0];
const job = known?.id ?? (await makeJob(api));
for await (const event of api.followJob(job, new AbortController().signal)) if (isEnded(event.job.status)) break;

const browser = await launchChromium();
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
await page.request.post(`${server.origin}/v1/session`, { data: { key: ADMIN_KEY } });
await page.goto(server.origin);
await page.getByRole("heading", { name: "Jobs", exact: true }).waitFor();

/** Milliseconds from going to a place until something is seen. */
async function time(path: string, shown: string): Promise<number> {
  await page.goto("about:blank");
  const before = performance.now();
  await page.goto(`${server.origin}/#/${path}`);
  await page.locator(shown).first().waitFor();
  return performance.now() - before;
}

/** Scrolls for some seconds, a step a frame; returns the times between frames, sorted. */
function scroll(target: Page, frames: number, step: number): Promise<readonly number[]> {
  return target.evaluate(
    ([count = 0, by = 0]) =>
      new Promise<number[]>((resolve) => {
        const gaps: number[] = [];
        let last = 0;
        const next = (atMs: number): void => {
          if (last > 0) gaps.push(atMs - last);
          last = atMs;
          window.scrollBy(0, by);
          if (gaps.length < count) requestAnimationFrame(next);
          else resolve(gaps.toSorted((a, b) => a - b));
        };
        requestAnimationFrame(next);
      }),
    [frames, step],
  );
}

const rows: [string, string][] = [];
const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
for (const [words, path, shown] of [
  ["the list of jobs", "jobs", ".job-row"],
  ["the job, its shares shown", `jobs/${job}`, ".shares"],
  ["its gallery, the first picture shown", `jobs/${job}?tab=pictures`, ".face img"],
  ["its files", `jobs/${job}?tab=files`, ".files tbody tr"],
] as const) {
  const times: number[] = [];
  for (let round = 0; round < 5; round++) times.push(await time(path, shown));
  rows.push([words, `${seconds(median(times))} (slowest of 5: ${seconds(Math.max(...times))})`]);
}

/** First view as a phone has it: "slow 4G" (150 ms, 1.6 Mbit/s) and a processor a quarter as fast as this one. */
async function openAsPhone(isSignedIn: boolean, shown: string): Promise<readonly [painted: number, shown: number]> {
  const phone = await browser.newContext({ viewport: { width: 390, height: 844 } });
  if (isSignedIn) await phone.request.post(`${server.origin}/v1/session`, { data: { key: ADMIN_KEY } });
  const view = await phone.newPage();
  const devtools = await phone.newCDPSession(view);
  await devtools.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 150,
    downloadThroughput: 1_600_000 / 8,
    uploadThroughput: 750_000 / 8,
  });
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  const before = performance.now();
  await view.goto(server.origin);
  await view.locator(shown).first().waitFor();
  const whole = performance.now() - before;
  const painted = await view.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
  await phone.close();
  return [painted, whole];
}

for (const [words, isSignedIn, shown] of [
  ["the door, on a phone", false, "input"],
  ["the list of jobs, on a phone", true, ".job-row"],
] as const) {
  const times: (readonly [number, number])[] = [];
  for (let round = 0; round < 5; round++) times.push(await openAsPhone(isSignedIn, shown));
  const [painted, whole] = [0, 1].map((at) => median(times.map((pair) => pair[at] ?? 0)));
  rows.push([words, `something after ${seconds(painted ?? 0)}, all after ${seconds(whole ?? 0)}`]);
}

// The first 10,000 come by themselves, and 50,000 by each of at most two clicks.
const wanted = Math.min(records, 110_000);
await page.goto(`${server.origin}/#/jobs/${job}?tab=pictures`);
const readAt = performance.now();
for (let clicks = 0; clicks < Math.ceil((wanted - 10_000) / 50_000); clicks++) {
  await page.getByRole("button", { name: "Read more" }).click({ timeout: 180_000 });
}
await page.waitForFunction(
  (count) => {
    const shown = /of ([\d,]+) records/.exec(
      String(Reflect.get(Reflect.get(globalThis, "document"), "body").innerText),
    )?.[1];
    return shown !== undefined && Number(shown.replaceAll(",", "")) >= count;
  },
  wanted,
  { timeout: 300_000 },
);
rows.push([`reading ${wanted.toLocaleString("en")} records into the gallery`, seconds(performance.now() - readAt)]);
for (const [words, step] of [
  ["scrolling it by a row in five frames", 60],
  ["scrolling it by three rows a frame", 900],
] as const) {
  await page.evaluate(() => window.scrollTo(0, 0));
  const gaps = await scroll(page, 300, step);
  const at = (share: number): string => `${(gaps[Math.floor(share * (gaps.length - 1))] ?? 0).toFixed(0)} ms`;
  rows.push([words, `a frame ${at(0.5)} in the median, ${at(0.95)} at the 95th percentile, ${at(1)} the longest`]);
}
const devtools = await page.context().newCDPSession(page);
/** Bytes that the page's script holds, once what is unused is gone. */
async function readHeap(): Promise<string> {
  await devtools.send("HeapProfiler.collectGarbage");
  return `${((await devtools.send("Runtime.getHeapUsage")).usedSize / 1e6).toFixed(0)} MB`;
}
rows.push([`memory of the script with ${wanted.toLocaleString("en")} records`, await readHeap()]);
const filterAt = performance.now();
await page
  .getByRole("region", { name: "Filters" })
  .getByRole("button", { name: /^Happy/ })
  .click();
await page.locator('.face[data-index="0"]').filter({ hasText: "Happy" }).waitFor();
rows.push(["choosing a label among them", seconds(performance.now() - filterAt)]);

write(
  `${cpus()[0]?.model}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}, Chromium ${browser.version()}`,
);
write(`| ${records.toLocaleString("en")} records | |`);
write("| --- | --- |");
for (const [words, figure] of rows) write(`| ${words} | ${figure} |`);
await browser.close();
await server.stop();
process.exit();
