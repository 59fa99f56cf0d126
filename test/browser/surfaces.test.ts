import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { type Api, createApi } from "../../src/client/api.ts";
import { isEnded } from "../../src/scoring/job/job-status.ts";
import { launchChromium } from "./chromium.ts";
import { listPortraits, LOCAL_KEY, signIn } from "./console-steps.ts";
import { compareViews } from "./compare-views.ts";

/**
 * Every page of the console as it is seen: accessible at three widths in both themes, as its picture in `views/` shows it, and
 * with the three tasks that people come for at most so many clicks away.
 *
 * `WRITE_VIEWS=1` writes the pictures anew; look at each before it is committed.
 */

declare const axe: {
  run(options: { readonly runOnly?: readonly string[] }): Promise<{
    violations: { id: string; nodes: { html: string }[] }[];
  }>;
};
declare const document: { readonly documentElement: { readonly scrollWidth: number } };

const VIEWS = join(import.meta.dirname, "views");
/** Share of pixels that may differ: times, ids and the edges of letters. */
const TOLERANCE = 0.02;

let folder: string;
let worker: LocalWorker;
let browser: Browser;
let context: BrowserContext;
let api: Api;
let axeSource: string;
let job: string;
let other: string;
let running: string;
let schedule: string;

async function runJob(name: string, model: string): Promise<string> {
  const objects = (await listPortraits("female", 24)).map((path, index) => ({
    key: `in/${basename(path)}`,
    label: index % 3 === 0 ? ("Sad" as const) : ("Happy" as const),
    groups: { site: index % 2 === 0 ? "north" : "south" },
  }));
  const { id } = await api.submitJob({
    name,
    model,
    input: { store: "faces", objects },
    faces: "aligned",
    groupBy: ["site"],
    output: { store: "faces", prefix: "out/" },
  });
  for await (const event of api.followJob(id, new AbortController().signal)) if (isEnded(event.job.status)) break;
  return id;
}

/** So many that no machine scores them all between two reads of the job. */
const COPIES = 40;

/** A job that stands still with a part of its pictures scored. */
async function holdJob(): Promise<string> {
  const keys = (await listPortraits("female", 24)).map((path) => `in/${basename(path)}`);
  const copies = Array.from({ length: COPIES }, (_, at) => keys.map((key) => ({ key, id: `${key}-${at}` })));
  const { id } = await api.submitJob({
    name: "portraits, under way",
    model: "accurate",
    input: { store: "faces", objects: copies.flat() },
    faces: "aligned",
    output: { store: "faces", prefix: "out/" },
    limits: { chunkSize: 8, maxConcurrency: 1 },
  });
  const hasBegun = async (): Promise<void> => expect((await api.readJob(id)).counts.finished).toBeGreaterThan(12);
  await vi.waitFor(hasBegun, { timeout: 60_000, interval: 50 });
  expect((await api.commandJob(id, "pause")).status).toBe("paused");
  // What was out comes in.
  const isIn = async (): Promise<void> => expect((await api.readJob(id)).chunks.leased).toBe(0);
  await vi.waitFor(isIn, { timeout: 60_000, interval: 250 });
  return id;
}

/** What moves is measured where it ends. */
const STILL = { reducedMotion: "reduce" } as const;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-surfaces-"));
  worker = await startLocalWorker({ persistTo: folder });
  browser = await launchChromium();
  axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  api = createApi({ baseUrl: worker.origin, key: LOCAL_KEY });
  for (const path of await listPortraits("female", 24)) {
    await api.upload("faces", `in/${basename(path)}`, new Uint8Array(await readFile(path)));
  }
  other = await runJob("portraits, the model before", "deep-emotion@2");
  job = await runJob("portraits", "deep-emotion@3");
  running = await holdJob();
  const manifest = { input: { store: "faces", prefix: "in/" }, output: { store: "faces", prefix: "out/" } };
  ({ id: schedule } = await api.makeSchedule({ name: "by night", cron: "30 2 * * *", manifest }));
  context = await browser.newContext({ ...STILL, viewport: { width: 1280, height: 900 }, colorScheme: "light" });
  const page = await context.newPage();
  await page.goto(worker.origin);
  await signIn(page);
  await page.close();
});

afterAll(async () => {
  await browser?.close();
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

const PAGE_NAMES = [
  "jobs",
  "job",
  "running",
  "pictures",
  "review",
  "compare",
  "files",
  "new",
  "again",
  "schedules",
  "schedule",
  "schedule-new",
  "models",
  "try",
  "design",
] as const;
type PageName = (typeof PAGE_NAMES)[number];

/** Where each page is, and what shows that it is there. */
const listPages = (): readonly (readonly [name: PageName, path: string, shown: string])[] => [
  ["jobs", "jobs", ".job-row"],
  ["job", `jobs/${job}`, ".shares"],
  ["running", `jobs/${running}`, ".stream .there"],
  ["pictures", `jobs/${job}?tab=pictures`, ".face img"],
  ["review", `jobs/${job}?tab=review`, "form"],
  ["compare", `jobs/${job}?tab=compare&with=${other}`, "table.heat"],
  ["files", `jobs/${job}?tab=files`, ".files tbody tr"],
  ["new", "new", ".drop"],
  ["again", `new?from=${job}`, ".card h2"],
  ["schedules", "schedules", ".job-row"],
  ["schedule", `schedules/${schedule}`, ".times li"],
  ["schedule-new", "schedules/new", ".times li"],
  ["models", "models", ".compare"],
  ["try", "try", ".engine-note strong"],
  ["design", "design", ".swatches"],
];

async function open(page: Page, path: string, shown: string): Promise<void> {
  await page.goto(`${worker.origin}/#/${path}`);
  await page.locator(shown).first().waitFor();
}

/** Pages whose looks are kept in `views/`. */
const KEPT: readonly PageName[] = ["jobs", "job", "pictures", "compare", "new", "schedule", "models", "try"];

/** How much the page differs from its picture, 0…1. */
async function compareWithKept(page: Page, name: PageName): Promise<number> {
  await page.waitForLoadState("networkidle");
  // Pictures come once nobody scrolls.
  await page.locator(".face .picture:empty").first().waitFor({ state: "detached" });
  // What differs from run to run: times and durations.
  const picture = await page.screenshot({ animations: "disabled", mask: [page.locator("time, .times, .quiet")] });
  const file = join(VIEWS, `${name}.png`);
  if (process.env["WRITE_VIEWS"] === "1") {
    await mkdir(VIEWS, { recursive: true });
    await writeFile(file, picture);
  }
  return compareViews(page, await readFile(file), picture);
}

/** What axe finds in the page, and whether it is wider than the screen. */
async function listFaults(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const found: string[] = [];
  const look = async (place: string, runOnly?: readonly string[]): Promise<void> => {
    const options = runOnly === undefined ? {} : { runOnly };
    const { violations } = await page.evaluate((chosen) => axe.run(chosen), options);
    for (const { id, nodes } of violations) found.push(`${place}: ${id}: ${nodes[0]?.html.slice(0, 160)}`);
  };
  for (const width of [1440, 1280, 390]) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) found.push(`${width}: ${wide} pixels wide`);
    // What the page holds is as wide there as at 1440 pixels.
    if (width === 1280) continue;
    await look(`${width}, light`);
    await page.emulateMedia({ colorScheme: "dark" });
    // Of what axe looks at, a theme changes colors alone.
    await look(`${width}, dark`, ["color-contrast", "link-in-text-block"]);
    await page.emulateMedia({ colorScheme: "light" });
  }
  return found;
}

describe("the pages", () => {
  it.each(PAGE_NAMES)(
    "%s looks as it did, without a violation, on a desk and a phone, light and dark",
    async (name) => {
      const page = await context.newPage();
      const [, path = "", shown = ""] = listPages().find(([known]) => known === name) ?? [];
      await open(page, path, shown);
      const difference = KEPT.includes(name) ? await compareWithKept(page, name) : 0;
      expect(await listFaults(page)).toEqual([]);
      expect(difference).toBeLessThan(TOLERANCE);
      await page.close();
    },
  );
});

describe("a job under way", () => {
  it("shows its newest faces, the shares so far, what it costs and why it waits", async () => {
    const page = await context.newPage();
    await open(page, `jobs/${running}`, ".stream .there");
    const faces = page.getByRole("list", { name: "The newest faces" }).getByRole("listitem");
    // Those of the last chunk.
    await faces.nth(7).waitFor();
    expect(await faces.count()).toBe(8);
    const { counts, dollars } = await api.readJob(running);
    const share = await page.locator(".progress .part").evaluateAll((parts) => {
      const widths = parts.map((part) => part.getBoundingClientRect().width);
      return widths.reduce((sum, width) => sum + width, 0) / parts[0]!.parentElement!.getBoundingClientRect().width;
    });
    expect(share).toBeCloseTo(counts.finished / counts.listed, 1);
    expect(dollars).toBeGreaterThan(0);
    const shown = await page.getByRole("region", { name: "Progress" }).textContent();
    expect(shown).toContain(`Cost so far$${dollars.toFixed(4)}`);
    expect(shown).toContain("Paused until somebody resumes it.");
    await page.goto(`${worker.origin}/#/jobs`);
    const row = page.getByRole("listitem").filter({ hasText: "portraits, under way" });
    await row.getByText(`${counts.finished} of ${counts.listed} pictures`).waitFor();
    await page.close();
  });
});

/** Clicks on links, buttons and fields by hand of a person; typing and dropping count as none. */
function countClicks(page: Page) {
  let clicks = 0;
  return {
    click: async (role: "link" | "button" | "tab" | "checkbox", name: string | RegExp): Promise<void> => {
      clicks += 1;
      await page.getByRole(role, { name }).first().click();
    },
    count: () => clicks,
  };
}

describe("what people come for", () => {
  it("a first job takes at most three clicks", async () => {
    const page = await context.newPage();
    await open(page, "jobs", ".job-row");
    const { click, count } = countClicks(page);
    await click("link", "New job");
    await page.getByLabel("Choose pictures").setInputFiles(await listPortraits("male", 3));
    // A first look, before anything is sent.
    const looks = page.getByRole("list", { name: "A first look" });
    await looks.locator(".dot").nth(2).waitFor();
    await looks.locator("img.there").nth(2).waitFor();
    expect((await looks.locator(".picture").first().boundingBox())?.height).toBeGreaterThan(60);
    await click("button", "Start the job");
    await page.locator(".shares").waitFor({ timeout: 90_000 });
    expect(count()).toBeLessThanOrEqual(3);
    await page.close();
  });

  it("the wrong ones are found in at most four", async () => {
    const page = await context.newPage();
    await open(page, "jobs", ".job-row");
    const { click, count } = countClicks(page);
    await click("link", /^portraits$/);
    await click("tab", "Pictures");
    await click("button", /^Wrong \d+$/);
    await page.locator(".face").first().waitFor();
    const titles = await page.locator(".face").allTextContents();
    expect(titles.length).toBeGreaterThan(0);
    for (const title of titles) {
      const [label, truth] = [/^[A-Z][a-z]+/.exec(title)?.[0], /true: (\w+)/.exec(title)?.[1]];
      expect(truth).toBeDefined();
      expect(label).not.toBe(truth);
    }
    expect(count()).toBeLessThanOrEqual(4);
    await page.close();
  });

  it("two models are compared in at most four", async () => {
    const page = await context.newPage();
    await open(page, "jobs", ".job-row");
    const { click, count } = countClicks(page);
    await click("link", "Models");
    await click("checkbox", /^deep-emotion@3$/);
    await click("checkbox", /^deep-emotion@2$/);
    await page.getByRole("region", { name: "deep-emotion@3 in detail" }).waitFor();
    await page.getByRole("region", { name: "deep-emotion@2 in detail" }).waitFor();
    expect(await page.getByRole("region", { name: /^Confusion matrix of deep-emotion@[23]/ }).count()).toBe(2);
    expect(count()).toBeLessThanOrEqual(4);
    await page.close();
  });

  it("the gallery is one stop of Tab, and arrows go on from there", async () => {
    const page = await context.newPage();
    await open(page, `jobs/${job}?tab=pictures`, ".face img");
    expect(await page.locator('.face[tabindex="0"]').count()).toBe(1);
    await page.locator(".face").first().focus();
    await page.keyboard.press("ArrowRight");
    await page.locator('.face[data-index="1"]:focus').waitFor();
    await page.keyboard.press("End");
    await page.locator('.face[data-index="23"]:focus').waitFor();
    await page.keyboard.press("Home");
    await page.locator('.face[data-index="0"]:focus').waitFor();
    await page.close();
  });
});
