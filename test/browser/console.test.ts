import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { loadCodecs } from "../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import { preprocessFace } from "../../src/image/preprocess.ts";
import { createFusedNodeClassifier } from "../../src/backends/fused/fused-node.ts";
import { listFolderModels } from "../../src/backends/models-node.ts";
import { createRegistry } from "../../src/model/registry.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { launchChromium } from "./chromium.ts";
import { listPortraits, LOCAL_KEY, openMore, signIn, startJob } from "./console-steps.ts";

/** What the page has of it; this file's own library has no DOM. */
declare const document: { readonly cookie: string; readonly documentElement: { readonly scrollWidth: number } };
declare const axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };

let folder: string;
let worker: LocalWorker;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let axeSource: string;
let jobId: string;
/** Everything that the page asked for, and everything that its policy refused or that failed in it. */
const requests: string[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-console-"));
  worker = await startLocalWorker({ persistTo: folder });
  browser = await launchChromium();
  context = await browser.newContext();
  page = await context.newPage();
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) complaints.push(message.text());
  });
  axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
});

afterAll(async () => {
  await browser?.close();
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What axe finds, as `rule: element`. */
async function listViolations(): Promise<string[]> {
  // Through the debugger: the page's own policy would refuse the script.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => axe.run());
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

describe("the console", () => {
  it("asks for a key, refuses a wrong one, and keeps no key that a script could read", async () => {
    await page.goto(worker.origin);
    await page.getByLabel("API key").fill("wrong");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByText("the API key is unknown, removed or expired").waitFor();
    expect(await listViolations()).toEqual([]);
    await signIn(page);
    // Where the keyboard goes on, now that the form is gone.
    expect(await page.locator("main").evaluate((main) => main.matches(":focus"))).toBe(true);
    const stored = await page.evaluate(() => document.cookie + JSON.stringify(localStorage));
    expect(stored).not.toContain("session");
    expect(stored).not.toContain(LOCAL_KEY);
    const [cookie] = await context.cookies(`${worker.origin}/v1/jobs`);
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
    expect(await listViolations()).toEqual([]);
  });

  it("refuses a change that another origin sends with the cookie", async () => {
    const [cookie] = await context.cookies(`${worker.origin}/v1/jobs`);
    const answer = await fetch(`${worker.origin}/v1/jobs`, {
      method: "POST",
      headers: {
        cookie: `${cookie?.name}=${cookie?.value}`,
        origin: "http://127.0.0.1:1",
        "sec-fetch-site": "same-site",
      },
      body: "{}",
    });
    expect(answer.status).toBe(403);
    const forged = await fetch(`${worker.origin}/v1/jobs`, {
      headers: { cookie: `${cookie?.name}=${cookie?.value.replace(/.$/, (last) => (last === "0" ? "1" : "0"))}` },
    });
    expect(forged.status).toBe(401);
  });

  it("shows the server's findings at their fields", async () => {
    await page.goto(`${worker.origin}/#/new`);
    await page.getByLabel("A prefix of a store").check();
    await openMore(page);
    await page.getByLabel("Prefix", { exact: true }).fill("nowhere/");
    await page.getByLabel("Output prefix").fill("nowhere/out/");
    await page.getByRole("button", { name: "Check and estimate" }).click();
    const field = page.locator('[data-path="output.prefix"]');
    await page.getByText("the outputs would lie inside the input's prefix").waitFor();
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    expect(await listViolations()).toEqual([]);
    await page.getByLabel("Output prefix").fill("out/");
    await page.getByRole("button", { name: "Check and estimate" }).click();
    await page.getByText("The manifest is valid; nothing was started.").waitFor();
    expect(await listViolations()).toEqual([]);
  });

  it("leads from a folder of pictures to the report", async () => {
    jobId = await startJob(page, "portraits");
    await page.getByRole("heading", { name: "Apparent expressions" }).waitFor({ timeout: 120_000 });
    await page.getByText("72 of 72 listed inputs were scored").waitFor();
    await page.getByRole("heading", { name: "By folder" }).waitFor();
    expect(await page.getByRole("link", { name: "female", exact: true }).count()).toBe(1);
    expect(await listViolations()).toEqual([]);
  });

  it("shows the pictures with box, region and probabilities, filtered by the address", async () => {
    await page.goto(`${worker.origin}/#/jobs/${jobId}?tab=pictures&group=folder%3Dmale&sort=margin`);
    await page.getByText(/^\d+ of 72 records/).waitFor();
    const count = Number(/^(\d+) of/.exec((await page.getByText(/^\d+ of 72 records/).textContent()) ?? "")?.[1]);
    expect(count).toBeGreaterThan(20);
    expect(count).toBeLessThan(72);
    // Virtualized: fewer are in the page than there are.
    expect(
      await page
        .getByRole("listitem")
        .filter({ has: page.locator(".face") })
        .count(),
    ).toBeLessThan(count);
    await page.locator(".face polygon.region").first().waitFor({ state: "attached" });
    expect(await listViolations()).toEqual([]);
    await page.locator(".face").first().click();
    await page.getByRole("dialog").getByText("what the spatial transformer reads").waitFor();
    expect(await listViolations()).toEqual([]);
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });

  it("serves no picture that is not the record's", async () => {
    const headers = { authorization: `Bearer ${LOCAL_KEY}` };
    const labels = await fetch(`${worker.origin}/v1/jobs/${jobId}/outputs/labels.jsonl`, { headers });
    const [first = "", second = ""] = (await labels.text()).split("\n");
    const place = `at=0&length=${first.length}`;
    const id = encodeURIComponent((JSON.parse(first) as { id: string }).id);
    const other = encodeURIComponent((JSON.parse(second) as { id: string }).id);
    const image = (record: string, query: string) =>
      fetch(`${worker.origin}/v1/jobs/${jobId}/images/${record}?${query}`, { headers });
    const found = await image(id, place);
    expect([found.status, found.headers.get("content-type")]).toEqual([200, "image/jpeg"]);
    expect((await image(other, place)).status).toBe(404);
    expect((await image(id, "at=5&length=30")).status).toBe(404);
    expect((await image(id, "at=0&length=99999999")).status).toBe(422);
  });

  it("offers every output", async () => {
    await page.goto(`${worker.origin}/#/jobs/${jobId}?tab=files`);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download labels.csv" }).click(),
    ]);
    expect((await readFile(await download.path(), "utf8")).trim().split("\n")).toHaveLength(73);
    expect(await listViolations()).toEqual([]);
  });

  it("shows the models with their cards", async () => {
    await page.goto(`${worker.origin}/#/models`);
    await page.getByRole("checkbox", { name: "deep-emotion@4", exact: true }).waitFor();
    expect(await listViolations()).toEqual([]);
  });

  it("scores dropped pictures in the page as Node does, and uploads nothing", async () => {
    const [portrait = ""] = await listPortraits("female", 1);
    const before = requests.length;
    await page.goto(`${worker.origin}/#/try`);
    await page.getByLabel("Faces").selectOption("aligned");
    await page.getByText("Scoring with the fused SIMD kernel").waitFor();
    expect(await page.getByTestId("engine").textContent()).toMatch(/^fused-wasm/);
    await page.getByLabel("Choose pictures").setInputFiles(portrait);
    const scored = page.locator("[data-probabilities]").first();
    await scored.waitFor();
    const probabilities = ((await scored.getAttribute("data-probabilities")) ?? "").split(" ").map(Number);
    const expected = await scoreInNode(portrait);
    expect(probabilities).toHaveLength(7);
    for (const [index, chance] of probabilities.entries())
      expect(Math.abs(chance - expected[index]!)).toBeLessThan(1e-4);
    const sent = requests.slice(before).filter((url) => url.includes("/v1/stores"));
    expect(sent).toEqual([]);
    expect(await listViolations()).toEqual([]);
  });

  it("finds faces in the page", async () => {
    const [, portrait = ""] = await listPortraits("male", 2);
    await page.getByLabel("Faces").selectOption("largest");
    await page.getByLabel("Choose pictures").setInputFiles(portrait);
    const box = page.locator(".try rect.box").first();
    await box.waitFor({ state: "attached", timeout: 90_000 });
    expect(Number(await box.getAttribute("width"))).toBeGreaterThan(24);
  });

  it("has no violation in the dark, and none on a phone", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    for (const [path, words] of [
      ["jobs", "portraits"],
      ["new", "Start the job"],
      [`jobs/${jobId}?tab=overview`, "72 of 72 listed inputs were scored"],
      [`jobs/${jobId}?tab=pictures`, "72 of 72 records"],
      ["models", "deep-emotion@4"],
      ["try", "Scoring with"],
    ] as const) {
      await page.goto(`${worker.origin}/#/${path}`);
      await page.getByText(words).first().waitFor();
      expect(await listViolations()).toEqual([]);
      // Nothing is wider than the screen.
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    }
  });

  it("never left its origin, and its policy had nothing to refuse", () => {
    expect(requests.filter((url) => !url.startsWith(worker.origin) && !/^(blob|data):/.test(url))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it("stays under 250 KB before the scoring worker loads", async () => {
    const assets = join(import.meta.dirname, "../../public/assets");
    const loaded = new Set(requests.map((url) => new URL(url).pathname.split("/").at(-1) ?? ""));
    const files = (await readdir(assets)).filter((name) => /\.(js|css)$/.test(name) && loaded.has(name));
    const pages = files.filter((name) => !/worker|tfjs|faces-browser|fused|fold|Unique_impl/.test(name));
    expect(pages.length).toBeGreaterThan(5);
    let bytes = 0;
    for (const name of pages) bytes += gzipSync(await readFile(join(assets, name))).length;
    expect(bytes).toBeLessThan(250 * 1024);
  });
});

async function scoreInNode(path: string): Promise<readonly number[]> {
  const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
  const model = await createRegistry(await listFolderModels()).load("deep-emotion@4");
  const classifier = await createFusedNodeClassifier(model);
  const { raster } = await decoder.decode(new Uint8Array(await readFile(path)));
  const { probabilities } = await classifier.classify(preprocessFace(raster, null), 1);
  return [...probabilities.subarray(0, 7)];
}
