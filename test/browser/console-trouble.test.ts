import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Browser, BrowserContext, Page, Route } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { type Api, createApi, type ManifestInput } from "../../src/client/api.ts";
import { isEnded } from "../../src/scoring/job/job-status.ts";
import { launchChromium } from "./chromium.ts";
import { listPortraits, LOCAL_KEY, openMore } from "./console-steps.ts";

/** The console where something is amiss: a server that is away or asks for a pause, a key that is gone, a form that is wrong. */

const output = { store: "faces", prefix: "out/" };
let folder: string;
let worker: LocalWorker;
let browser: Browser;
let admin: Api;
let context: BrowserContext;
let page: Page;
let keyId: string;

/** A finished job over the portraits, or over what else is asked for. Returns its id. */
async function runJob(api: Api, more: Partial<ManifestInput> = {}): Promise<string> {
  const input = { store: "faces", prefix: "portraits/" };
  const { id } = await api.submitJob({ name: "portraits", input, output, ...more });
  for await (const { job } of api.followJob(id, new AbortController().signal)) if (isEnded(job.status)) break;
  return id;
}

/** Answers as the server does when a key asks too often. */
function refuse(route: Route): Promise<void> {
  return route.fulfill({
    status: 429,
    contentType: "application/problem+json",
    body: JSON.stringify({ code: "rate_limited", detail: "too many requests" }),
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-trouble-"));
  worker = await startLocalWorker({ persistTo: join(folder, "state") });
  browser = await launchChromium();
  admin = createApi({ baseUrl: worker.origin, key: LOCAL_KEY });
  for (const path of await listPortraits("female", 6)) {
    await admin.upload("faces", `portraits/${basename(path)}`, new Uint8Array(await readFile(path)));
  }
});

afterAll(async () => {
  await browser?.close();
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

let api: Api;

beforeEach(async () => {
  const { id, key } = await admin.makeKey({ name: "person" });
  keyId = id;
  api = createApi({ baseUrl: worker.origin, key });
  context = await browser.newContext();
  page = await context.newPage();
  await page.goto(worker.origin);
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("No job yet").waitFor();
});

afterEach(() => context.close());

describe("a server that asks for a pause, or is away", () => {
  it("is asked again by the list, by the job's page and by the gallery", async () => {
    const id = await runJob(api);
    let refusals = 0;
    const asked = new Set<string>();
    await page.route(/\/v1\/(jobs\?|jobs\/[^/]+$|jobs\/[^/]+\/(outputs|images)\/)/, async (route) => {
      const isFirst = !asked.has(route.request().url());
      asked.add(route.request().url());
      if (!isFirst) return route.continue();
      refusals += 1;
      return refuse(route);
    });
    await page.reload();
    await page.getByRole("alert").getByText("The page tries again in a moment").waitFor();
    await page.locator(".job-row").waitFor();
    await page.getByRole("alert").waitFor({ state: "detached" });
    await page.goto(`${worker.origin}/#/jobs/${id}?tab=pictures`);
    // Every picture too.
    await page.locator(".face img").nth(5).waitFor({ state: "attached" });
    expect(await page.getByRole("alert").count()).toBe(0);
    expect(refusals).toBeGreaterThanOrEqual(9);
  });

  it("breaks one page, not the console, where a page's own file cannot be loaded", async () => {
    await page.route(/\/assets\/models-page-/, (route) => route.abort());
    await page.getByRole("link", { name: "Models", exact: true }).click();
    await page.getByRole("heading", { name: "This page broke" }).waitFor();
    await page.getByRole("link", { name: "Jobs", exact: true }).click();
    await page.getByText("No job yet").waitFor();
    expect(await page.getByRole("heading", { name: "This page broke" }).count()).toBe(0);
    await page.unroute(/\/assets\/models-page-/);
    await page.goto(`${worker.origin}/#/models`);
    await page.getByRole("button", { name: "Load it again" }).click();
    await page.getByRole("heading", { name: "Models", exact: true }).waitFor();
  });

  it("is told to a reader of a running job, and that it is back", async () => {
    const { id } = await api.submitJob({
      input: { store: "faces", prefix: "portraits/" },
      output,
      execution: "client",
    });
    await page.goto(`${worker.origin}/#/jobs/${id}`);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("button", { name: "Resume" }).waitFor();
    await context.setOffline(true);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("Try again in a moment").waitFor();
    await context.setOffline(false);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("canceled", { exact: true }).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    expect(await page.title()).toMatch(/^Job [0-9a-f]{12}, canceled/);
    await page.goto(`${worker.origin}/#/jobs`);
    await page.getByText("6 without a label").waitFor();
    expect(await page.title()).toBe("Jobs · Countenance");
  });
});

describe("a key that is removed", () => {
  it("leads to the sign-in, which says why", async () => {
    await admin.removeKey(keyId);
    await page.goto(`${worker.origin}/#/models`);
    await page.getByText("You were signed out:").waitFor();
    expect(await page.getByLabel("API key").isVisible()).toBe(true);
  });
});

describe("a job that shows no pictures", () => {
  it("says why: there were none, or no JSONL was asked for", async () => {
    const nothing = await runJob(api, { input: { store: "faces", prefix: "nowhere/" } });
    await page.goto(`${worker.origin}/#/jobs/${nothing}?tab=pictures`);
    await page.getByText("0 of 0 records", { exact: true }).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    const csv = await runJob(api, { output: { ...output, formats: ["csv"] } });
    await page.goto(`${worker.origin}/#/jobs/${csv}?tab=pictures`);
    await page.getByText("which this job did not write").waitFor();
  });
});

describe("the keyboard", () => {
  it("turns the tabs by arrows, and comes back from a deletion that is taken back", async () => {
    const id = await runJob(api);
    await page.goto(`${worker.origin}/#/jobs/${id}`);
    await page.getByRole("tab", { name: "Overview" }).press("ArrowLeft");
    await page.getByRole("link", { name: "Download labels.csv" }).waitFor();
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Files");
    await page.getByRole("button", { name: "Delete …" }).press("Enter");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Delete job and outputs");
    await page.keyboard.press("Escape");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Delete …");
  });
});

describe("the form", () => {
  it("sends pictures to where they are scored, and scores none that were taken back", async () => {
    const [first = "", second = ""] = await listPortraits("male", 2);
    await page.goto(`${worker.origin}/#/new`);
    await openMore(page);
    const prefix = page.getByLabel("Upload to the prefix");
    const check = page.getByRole("button", { name: "Check and estimate" });
    const plan = page.locator(".plan");
    const readPlan = async (): Promise<string> => {
      await check.click();
      await plan.waitFor();
      return (await plan.locator("dd").first().textContent()) ?? "";
    };
    await page.getByLabel("Choose pictures").setInputFiles([first, second]);
    expect(await readPlan()).toBe("2");
    await prefix.fill("uploads/elsewhere/");
    expect(await readPlan()).toBe("2");
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByLabel("Choose pictures").setInputFiles(first);
    expect(await prefix.inputValue()).not.toBe("uploads/elsewhere/");
    expect(await readPlan()).toBe("1");
  });

  it("goes on with an upload that was asked to pause, and says what it left out", async () => {
    const pictures = join(folder, "pictures");
    await mkdir(pictures);
    for (const path of await listPortraits("male", 4)) {
      await writeFile(join(pictures, basename(path)), await readFile(path));
    }
    await writeFile(join(pictures, "notes.txt"), "no picture");
    await writeFile(join(pictures, "IMG_1.HEIC"), "no picture that a browser or a server reads");
    const asked = new Set<string>();
    await page.route(/\/v1\/stores\/.*\/objects\//, (route) => {
      const isFirst = !asked.has(route.request().url());
      asked.add(route.request().url());
      return isFirst ? refuse(route) : route.continue();
    });
    await page.goto(`${worker.origin}/#/new`);
    await page.getByLabel("Choose a folder").setInputFiles(pictures);
    await page.getByText("2 files were left out").waitFor();
    await page.getByText("countenance score on your machine reads HEIC, too.").waitFor();
    await openMore(page);
    await page.getByLabel("Faces").selectOption("aligned");
    await page.getByRole("button", { name: "Start the job" }).click();
    await page.getByText("4 of 4 listed inputs were scored").waitFor({ timeout: 120_000 });
    expect(asked.size).toBe(4);
  });

  it("leads to the first field that is wrong, even in a closed part, and says what was typed", async () => {
    await page.goto(`${worker.origin}/#/new`);
    await page.getByLabel("A prefix of a store").check();
    await page.getByLabel("Prefix", { exact: true }).fill("portraits/");
    await openMore(page);
    await page.getByText("Limits and notification").click();
    await page.getByLabel("Pictures per chunk").fill("many");
    await page.getByText("Limits and notification").click();
    await openMore(page);
    await page.getByRole("button", { name: "Check and estimate" }).click();
    await page.getByText("expected number, received string").waitFor();
    expect(await page.evaluate("document.activeElement.dataset.path")).toBe("limits.chunkSize");
  });
});
