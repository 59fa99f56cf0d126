import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { type Api, createApi, type ManifestInput } from "../../src/client/api.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import { findDisagreement } from "../../src/scoring/client-compute/check-records.ts";
import { makeFaceTable, stripReport } from "../golden/face-table.ts";
import { launchChromium } from "./chromium.ts";
import { listPortraits, LOCAL_KEY } from "./console-steps.ts";

/** Jobs that the console's page computes: on each engine, and through everything that may happen to a tab. */

/** What the page has of it; this file's own library has no DOM. */
interface PageElement {
  readonly textContent: string | null;
  querySelector(selector: string): PageElement | null;
}
declare const document: {
  readonly activeElement: PageElement | null;
  readonly documentElement: { readonly scrollWidth: number };
  querySelectorAll(selector: string): Iterable<PageElement>;
  dispatchEvent(event: Event): boolean;
};
declare const axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };

const FACES = 1000;
let folder: string;
let worker: LocalWorker;
let browser: Browser;
let api: Api;
let axeSource: string;
let context: BrowserContext | null = null;
const complaints: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-compute-"));
  // Leases that one test can wait for.
  const variables = { LOCAL_TIMES: JSON.stringify({ leaseMs: 10_000, sweepMs: 1000 }) };
  worker = await startLocalWorker({ persistTo: folder, variables });
  browser = await launchChromium();
  api = createApi({ baseUrl: worker.origin, key: LOCAL_KEY });
  axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await api.upload("faces", "tables/all.csv", makeFaceTable(FACES));
  const portraits = [...(await listPortraits("female", 3)), ...(await listPortraits("male", 3))];
  for (const [at, path] of portraits.entries()) {
    await api.upload("faces", `handful/${at}.jpg`, new Uint8Array(await readFile(path)));
  }
});

afterAll(async () => {
  await browser?.close();
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

afterEach(async () => {
  await context?.close();
  context = null;
});

const HANDFUL: ManifestInput = { input: { store: "faces", prefix: "handful/" }, output: { store: "faces" } };
const TABLE: ManifestInput = {
  input: { store: "faces", objects: [{ key: "tables/all.csv" }] },
  format: "fer2013-csv",
  output: { store: "faces" },
};

const submit = (manifest: ManifestInput): Promise<JobView> =>
  api.submitJob({ execution: "client", faces: "aligned", ...manifest });

async function follow(id: string): Promise<JobView> {
  let job = await api.readJob(id);
  for await (const event of api.followJob(id, new AbortController().signal)) job = event.job;
  return job;
}

const readText = async (id: string, name: string): Promise<string> =>
  (await api.request("GET", `/v1/jobs/${id}/outputs/${name}`)).text();

async function readRecords(id: string): Promise<ScoreRecord[]> {
  const lines = (await readText(id, "labels.jsonl")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as ScoreRecord);
}

interface Lock {
  readonly engines: readonly string[];
  readonly receipt: { readonly chunks: Record<"edge" | "client" | "expired" | "rejected", number> };
}

const readLock = async (id: string): Promise<Lock> => JSON.parse(await readText(id, "run.lock.json")) as Lock;

const order = ({ id, key, truth, groups, model, pipeline }: ScoreRecord): string =>
  JSON.stringify([id, key, truth, groups, model, pipeline]);

/** Where two runs differ by more than engines may: as the server would say it of a client. */
function listDifferences(own: readonly ScoreRecord[], edge: readonly ScoreRecord[]): string[] {
  expect(own.map(order)).toEqual(edge.map(order));
  return own.flatMap((record, at) => findDisagreement([record], [edge[at]!]) ?? []);
}

/** Numbers of a report that differ by more than their last digits, and anything else that differs at all. */
function listReportDifferences(own: unknown, edge: unknown, path = "report"): string[] {
  if (typeof own === "number" && typeof edge === "number") {
    return Math.abs(own - edge) <= 1e-3 * Math.max(1, Math.abs(edge)) ? [] : [`${path}: ${own}, not ${edge}`];
  }
  if (typeof own !== "object" || own === null || typeof edge !== "object" || edge === null) {
    return own === edge ? [] : [`${path}: ${String(own)}, not ${String(edge)}`];
  }
  const names = new Set([...Object.keys(own), ...Object.keys(edge)]);
  return [...names].flatMap((name) =>
    listReportDifferences(Reflect.get(own, name), Reflect.get(edge, name), `${path}.${name}`),
  );
}

const readStripped = async (id: string): Promise<unknown> => JSON.parse(stripReport(await api.readReport(id), id));

const handedIn = (page: Page, chunks: number) =>
  page.waitForFunction((count) => {
    const figure = [...document.querySelectorAll(".compute .figures div")].find((one) =>
      one.textContent?.startsWith("Chunks handed in"),
    );
    return Number(figure?.querySelector("dd")?.textContent) >= count;
  }, chunks);

/** What axe finds, as `rule: element`. */
async function listViolations(page: Page): Promise<string[]> {
  // Through the debugger: the page's own policy would refuse the script.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => axe.run());
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

/** Ends the GPU's device, as a driver's reset does, while the first batch of a chunk is read back. */
const LOSE_DEVICE = `{
  const send = fetch;
  let isReading = false;
  globalThis.fetch = (url, init) => {
    isReading ||= String(url).includes("/reads/");
    return send(url, init);
  };
  let device;
  const { createCommandEncoder } = GPUDevice.prototype;
  GPUDevice.prototype.createCommandEncoder = function (...args) {
    device = this;
    return createCommandEncoder.apply(this, args);
  };
  const { mapAsync } = GPUBuffer.prototype;
  GPUBuffer.prototype.mapAsync = function (...args) {
    if (isReading) device.destroy();
    return mapAsync.apply(this, args);
  };
}`;

/** Half of the cores become threads, and a test machine may have two. */
const MANY_CORES = `Object.defineProperty(navigator, "hardwareConcurrency", { value: 8 })`;

/** What the page says of each engine. */
const RUNS_ON = {
  webgpu: /TensorFlow\.js on the GPU/,
  "fused-wasm": /one module.*\d+ workers/,
  "wasm-threads": /tfjs-wasm-simd-[2-9]-threads/,
  wasm: /tfjs-wasm;.*\d+ workers/,
};

const onSubmit = (code: string): string => `{
  const send = fetch;
  globalThis.fetch = async (url, init) => {
    if (init?.method === "PUT" && String(url).includes("/chunks/")) { ${code} }
    return send(url, init);
  };
}`;

/** Every face a little more of the last class. */
const LIE = onSubmit(`
  const submission = JSON.parse(init.body);
  for (const record of submission.records) {
    if (record.probabilities === null) continue;
    const moved = record.probabilities.Angry > 0.5 ? -0.0005 : 0.0005;
    record.probabilities.Angry += moved;
    record.probabilities.Neutral -= moved;
  }
  init = { ...init, body: JSON.stringify(submission) };
`);

/** No chunk is handed in. */
const HOLD_BACK = onSubmit("await new Promise(() => undefined);");

/** No chunk is handed in and no lease renewed until the page comes back to life: as if the machine slept. */
const SLEEP = `{
  const send = fetch;
  const awake = new Promise((resolve) => addEventListener("message", ({ data }) => data.kind === "wake" && resolve()));
  globalThis.fetch = async (url, init) => {
    if (String(url).includes("/chunks/")) await awake;
    return send(url, init);
  };
}`;

/**
 * A signed-in page of a job.
 * @param hooks.loop code that runs in the loop's worker before its own
 * @param hooks.engine code for the scoring workers, while they start: a driver cannot answer for a worker's worker
 */
async function openJob(id: string, hooks: { readonly loop?: string; readonly engine?: string } = {}): Promise<Page> {
  context = await browser.newContext();
  const page = await context.newPage();
  // A WebGPU that is a program, on a machine with other work.
  page.setDefaultTimeout(120_000);
  const { loop, engine } = hooks;
  if (loop !== undefined) {
    await context.route(/\/assets\/loop-worker-[^/]*\.js$/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${loop}\n${await response.text()}` });
    });
  }
  page.on("worker", (started) => {
    if (engine !== undefined && started.url().includes("/engine-worker-")) void started.evaluate(engine);
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) complaints.push(message.text());
  });
  await context.request.post(`${worker.origin}/v1/session`, { data: { key: LOCAL_KEY } });
  await page.goto(`${worker.origin}/#/jobs/${id}`);
  await page.getByRole("heading", { name: "Compute here" }).waitFor();
  return page;
}

async function startComputing(page: Page, engine: string): Promise<void> {
  await page.getByLabel("Engine").selectOption(engine);
  await page.getByRole("button", { name: "Start", exact: true }).click();
}

const saysDone = (page: Page, faces: string) =>
  page.getByText(`Done: the job needs nobody any more. This browser scored ${faces} faces.`).waitFor();

const rung = (page: Page, engine: string, status: string) =>
  page.locator(`[data-engine="${engine}"][data-status="${status}"]`);

describe("a job that the page computes", () => {
  const edge = new Map<string, readonly ScoreRecord[]>();
  beforeAll(async () => {
    const modes = ["aligned", "largest"] as const;
    const jobs = await Promise.all(modes.map((faces) => submit({ ...HANDFUL, faces, execution: "edge" })));
    for (const [at, { id }] of jobs.entries()) {
      await follow(id);
      edge.set(modes[at]!, await readRecords(id));
    }
  });

  it.each([
    ["webgpu", "aligned"],
    ["fused-wasm", "largest"],
    ["wasm-threads", "largest"],
    ["wasm", "aligned"],
  ] as const)("has the edge's records on %s, faces %s", async (engine, faces) => {
    const { id } = await submit({ ...HANDFUL, faces });
    const page = await openJob(id, engine === "wasm-threads" ? { engine: MANY_CORES } : {});
    await startComputing(page, engine);
    await saysDone(page, "6");
    await rung(page, engine, "taken").getByText(RUNS_ON[engine]).waitFor();
    expect((await follow(id)).status).toBe("completed");
    const records = await readRecords(id);
    expect(records.filter(({ label }) => label !== null).length).toBeGreaterThan(4);
    expect(listDifferences(records, edge.get(faces)!)).toEqual([]);
    const { engines, receipt } = await readLock(id);
    expect(engines).toEqual([`client:${engine}`]);
    expect(receipt.chunks).toMatchObject({ edge: 0, client: 1, expired: 0, rejected: 0 });
  });

  it("goes on with the next engine when the GPU is lost in mid-chunk, and scores the chunk again there", async () => {
    const { id } = await submit(HANDFUL);
    const page = await openJob(id, { engine: LOSE_DEVICE });
    await startComputing(page, "webgpu");
    await saysDone(page, "6");
    await rung(page, "webgpu", "left").getByText("the GPU device was lost").waitFor();
    await rung(page, "fused-wasm", "taken").waitFor();
    await follow(id);
    expect(listDifferences(await readRecords(id), edge.get("aligned")!)).toEqual([]);
    const { engines, receipt } = await readLock(id);
    expect(engines).toEqual(["client:fused-wasm"]);
    expect(receipt.chunks).toMatchObject({ edge: 0, client: 1, expired: 0 });
  });

  it("is refused where the page lies, says so, and leaves the rest to the edge", async () => {
    const { id } = await submit(HANDFUL);
    const page = await openJob(id, { loop: LIE });
    await startComputing(page, "fused-wasm");
    await page.getByText("The server scored some of these faces again and got something else.").waitFor();
    await page.getByText("Ended early. This browser scored 0 faces.").waitFor();
    await page
      .getByText(/the records disagree with the server's own/)
      .first()
      .waitFor();
    expect(await listViolations(page)).toEqual([]);
    const { issues } = await follow(id);
    expect(issues).toMatchObject([{ code: "client_rejected" }]);
    await page
      .getByRole("listitem")
      .filter({ hasText: issues[0]?.message ?? "no issue" })
      .waitFor();
    expect(listDifferences(await readRecords(id), edge.get("aligned")!)).toEqual([]);
    expect((await readLock(id)).receipt.chunks).toMatchObject({ edge: 1, client: 0, rejected: 1 });
  });
});

describe("a thousand faces", () => {
  let edge: JobView;
  beforeAll(async () => {
    edge = await submit({ ...TABLE, execution: "edge" });
    await follow(edge.id);
  });

  /** Records and report are the edge's, whoever scored. */
  async function expectEdge(id: string): Promise<void> {
    expect((await follow(id)).status).toBe("completed");
    expect(listDifferences(await readRecords(id), await readRecords(edge.id))).toEqual([]);
    expect(listReportDifferences(await readStripped(id), await readStripped(edge.id))).toEqual([]);
  }

  it("come to the edge's labels and report on the best engine that is here, over every core", async () => {
    const { id } = await submit({ ...TABLE, limits: { chunkSize: 50 } });
    const page = await openJob(id);
    await startComputing(page, "auto");
    await saysDone(page, "1,000");
    await rung(page, "webgpu", "left").getByText("WebGPU is a program on the CPU here").waitFor();
    await rung(page, "fused-wasm", "taken")
      .getByText(/\d+ workers/)
      .waitFor();
    expect(await rung(page, "wasm", "untried").count()).toBe(1);
    await expectEdge(id);
    expect((await readLock(id)).receipt.chunks).toMatchObject({ edge: 0, client: 20, expired: 0, rejected: 0 });
  });

  it("survive the network's absence: no chunk is lost to the edge", async () => {
    const { id } = await submit({ ...TABLE, limits: { chunkSize: 25 } });
    const page = await openJob(id);
    const failed = page.waitForEvent("requestfailed", (request) => /\/(leases|reads|chunks)/.test(request.url()));
    await startComputing(page, "fused-wasm");
    await handedIn(page, 2);
    await context?.setOffline(true);
    await page.getByText("This machine is offline. Scoring continues by itself when the network is back.").waitFor();
    await failed;
    expect((await api.readJob(id)).status).toBe("running");
    await context?.setOffline(false);
    await saysDone(page, "1,000");
    await expectEdge(id);
    expect((await readLock(id)).receipt.chunks).toMatchObject({ edge: 0, client: 40, expired: 0 });
  });

  it("survive a reload: what was in hand goes back at once, and the page goes on by itself", async () => {
    const { id } = await submit({ ...TABLE, limits: { chunkSize: 50 } });
    const page = await openJob(id, { loop: HOLD_BACK });
    await startComputing(page, "fused-wasm");
    const lanes = 2 * (await page.evaluate(() => navigator.hardwareConcurrency));
    await page
      .locator(".figures div", { hasText: "Chunks in hand" })
      .getByText(String(lanes), { exact: true })
      .waitFor();
    await context?.unrouteAll();
    await page.reload();
    await saysDone(page, (FACES - 50 * lanes).toLocaleString("en"));
    await expectEdge(id);
    const { chunks } = (await readLock(id)).receipt;
    expect(chunks).toMatchObject({ edge: lanes, client: 20 - lanes, expired: 0, rejected: 0 });
  });

  it("survive a sleep that is longer than a lease", async () => {
    const { id } = await submit({ ...TABLE, limits: { chunkSize: 500 } });
    const page = await openJob(id, { loop: SLEEP });
    await startComputing(page, "fused-wasm");
    await page.locator(".figures div", { hasText: "Chunks in hand" }).getByText("2", { exact: true }).waitFor();
    // The leases run out, and the edge scores the chunks.
    expect((await follow(id)).status).toBe("completed");
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await saysDone(page, "0");
    await page.getByText("its time had run out: the server scores it").waitFor();
    await expectEdge(id);
    expect((await readLock(id)).receipt.chunks).toMatchObject({ edge: 2, client: 0, expired: 2 });
  });
});

describe("the panel", () => {
  it("loads nothing that scores before it is started, and less than 250 KB at all", async () => {
    const { id } = await submit(HANDFUL);
    const files = new Map<string, number>();
    const page = await openJob(id);
    page.on("response", (response) => {
      if (!/\.(js|css)$/.test(new URL(response.url()).pathname)) return;
      void response.body().then((body) => files.set(new URL(response.url()).pathname, gzipSync(body).length));
    });
    await page.reload();
    await page.getByRole("heading", { name: "Compute here" }).waitFor();
    expect(files.size).toBeGreaterThan(3);
    expect([...files.keys()].filter((name) => /worker|tfjs|fused/.test(name))).toEqual([]);
    expect([...files.values()].reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(250 * 1024);
    await api.commandJob(id, "cancel");
  });

  it("is operated by keyboard, follows to other pages, and has no violation in the dark or on a phone", async () => {
    const { id } = await submit({ ...TABLE, limits: { chunkSize: 100 } });
    const page = await openJob(id, { loop: HOLD_BACK });
    expect(await listViolations(page)).toEqual([]);
    await page.getByLabel("Engine").focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page
      .locator(".figures div", { hasText: "Chunks in hand" })
      .getByText(/^[1-9]/)
      .waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Stop");
    expect(await listViolations(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await listViolations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.goto(`${worker.origin}/#/models`);
    await page.getByRole("checkbox", { name: "deep-emotion@4", exact: true }).waitFor();
    expect(await listViolations(page)).toEqual([]);
    await page.getByRole("link", { name: "Computing" }).click();
    await page.getByRole("button", { name: "Stop", exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("Stopped. This browser scored 0 faces").waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Start");
    await api.commandJob(id, "cancel");
  });
});

it("had nothing for the content security policy to refuse, and no error", () => {
  expect(complaints).toEqual([]);
});
