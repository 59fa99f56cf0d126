import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { launchChromium } from "./chromium.ts";
import { LOCAL_KEY, signIn, startJob } from "./console-steps.ts";

/** A review as a person does it: drawn in the job's tab, read by keys, by touch and without a network. */

declare const axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
declare const document: { readonly documentElement: { readonly scrollWidth: number } };

let folder: string;
let worker: LocalWorker;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let axeSource: string;
let jobId: string;
const complaints: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-review-"));
  worker = await startLocalWorker({ persistTo: folder });
  browser = await launchChromium();
  context = await browser.newContext();
  page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) complaints.push(message.text());
  });
  axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.goto(worker.origin);
  await signIn(page);
  jobId = await startJob(page, "portraits to review");
  await page.getByRole("tab", { name: "Review" }).waitFor({ timeout: 120_000 });
});

afterAll(async () => {
  await browser?.close();
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function listViolations(of: Page): Promise<string[]> {
  await of.evaluate(axeSource);
  const { violations } = await of.evaluate(() => axe.run());
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

/** Answers of the server's file, in the order that they came in. */
async function readLines(): Promise<readonly { readonly label: string; readonly seconds: number }[]> {
  const response = await fetch(`${worker.origin}/v1/jobs/${jobId}/reviews/lines`, {
    headers: { authorization: `Bearer ${LOCAL_KEY}` },
  });
  const text = await response.text();
  return text === ""
    ? []
    : text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
}

const shows = (of: Page, text: RegExp) => of.getByRole("status").filter({ hasText: text }).waitFor();

describe("a review in the console", () => {
  it("is drawn for a wished interval", async () => {
    await page.getByRole("tab", { name: "Review" }).click();
    await page.getByRole("button", { name: "How many faces?" }).click();
    await shows(page, /of \d+ faces: shares within/);
    expect(await listViolations(page)).toEqual([]);
    await page.getByRole("button", { name: "Draw the sample" }).click();
    await page.getByRole("link", { name: "Begin to read" }).click();
    await shows(page, /^0 of \d+/);
  });

  it("is read by keyboard alone, with undo", async () => {
    await page.getByRole("img", { name: "Face 1 of the review" }).waitFor();
    for (const key of ["4", "7", "0"]) await page.keyboard.press(key);
    await shows(page, /^3 of \d+/);
    await page.keyboard.press("Backspace");
    await shows(page, /^2 of \d+/);
    await page.keyboard.press("5");
    await expect.poll(async () => (await readLines()).map(({ label }) => label), { timeout: 30_000 }).toContain("Sad");
    const said = (await readLines()).map(({ label }) => label);
    expect(said.slice(0, 2)).toEqual(["Happy", "Neutral"]);
    expect(said.at(-1)).toBe("Sad");
    // What the model said is nowhere on the page.
    expect(await page.locator(".reader-face").innerText()).toBe("");
    expect(await listViolations(page)).toEqual([]);
  });

  it("goes on without a network, also over a reload of the page, and sends everything later", async () => {
    const before = (await readLines()).length;
    await page.getByRole("img", { name: "Face 4 of the review" }).waitFor();
    // Some pictures are there by now.
    await page.waitForLoadState("networkidle");
    await context.setOffline(true);
    for (const [index, key] of ["1", "2", "3", "6"].entries()) {
      await page.getByRole("img", { name: `Face ${index + 4} of the review` }).waitFor();
      await page.keyboard.press(key);
    }
    await shows(page, /no network: \d answers? (is|are) kept here/);
    expect((await readLines()).length).toBe(before);
    await context.setOffline(false);
    await page.reload();
    await shows(page, /^7 of \d+/);
    await expect.poll(async () => (await readLines()).length, { timeout: 30_000 }).toBe(before + 4);
    expect((await readLines()).slice(-4).map(({ label }) => label)).toEqual(["Angry", "Disgust", "Fear", "Surprise"]);
  });

  it("is read by touch on a phone", async () => {
    const phone = await browser.newContext({
      viewport: { width: 390, height: 800 },
      hasTouch: true,
      isMobile: true,
      storageState: await context.storageState(),
    });
    const small = await phone.newPage();
    await small.goto(`${worker.origin}/#/review/${jobId}`);
    await small.getByRole("img", { name: "Face 8 of the review" }).waitFor();
    expect(await small.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    const happy = small.getByRole("button", { name: "Happy" });
    const box = (await happy.boundingBox())!;
    expect(box.height).toBeGreaterThanOrEqual(44);
    // Picture and all answers are on the first screen.
    expect((await small.getByRole("button", { name: "Cannot say" }).boundingBox())!.y).toBeLessThan(760);
    await happy.tap();
    await shows(small, /^8 of \d+/);
    await small.getByRole("button", { name: "Undo" }).tap();
    await shows(small, /^7 of \d+/);
    await happy.tap();
    expect(await listViolations(small)).toEqual([]);
    await small.getByText("How to label").tap();
    expect(await listViolations(small)).toEqual([]);
    await shows(small, /^8 of \d+/);
    await phone.close();
  });

  it("ends with figures of the whole job", async () => {
    await page.reload();
    // The phone may have been closed before its last answer was sent.
    const progress = await page
      .getByRole("status")
      .filter({ hasText: /^[78] of \d+/ })
      .innerText();
    const [first = 0, total = 0] = [...progress.matchAll(/\d+/g)].map(Number);
    expect(total).toBeGreaterThan(8);
    for (let read = first; read < total; read += 1) {
      await page.getByRole("img", { name: `Face ${read + 1} of the review` }).waitFor();
      // Nobody presses a key before the picture is painted.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      await page.keyboard.press(read % 3 === 0 ? "4" : "7");
      if (read + 1 < total) await shows(page, new RegExp(`^${read + 1} of ${total}`));
    }
    await page.getByRole("heading", { name: "All read. Thank you." }).waitFor();
    await expect.poll(async () => (await readLines()).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(total);
    await page.getByRole("link", { name: "See what follows from it" }).click();
    await page.getByRole("heading", { name: "Shares of the whole job" }).waitFor();
    await page
      .getByText(/the model is right for \d+\.\d\s%/)
      .first()
      .waitFor();
    expect(await listViolations(page)).toEqual([]);
    const html = await fetch(`${worker.origin}/v1/jobs/${jobId}/reviews`, {
      headers: { authorization: `Bearer ${LOCAL_KEY}`, accept: "text/html" },
    });
    expect(await html.text()).toContain("drawn faces were read");
    expect(complaints).toEqual([]);
  });
});
