import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseModelCard } from "../../src/model/card.ts";
import { renderContactSheet } from "../../src/scoring/report/contact-sheet.ts";
import { buildReport, type ReportContext } from "../../src/scoring/report/report.ts";
import { renderReportHtml } from "../../src/scoring/report/report-html.ts";
import { compareRuns } from "../../src/scoring/statistics/drift.ts";
import { computeWilson } from "../../src/scoring/statistics/intervals.ts";
import { summarize } from "../../src/scoring/fold/summary.ts";
import { makeRecords } from "../unit/scoring/fold/aggregate-fixtures.ts";
import { launchChromium } from "./chromium.ts";

/** report.html where people read it: on a phone, and on paper. */

/** What the page has of it; this file's own library has no DOM. */
declare const document: {
  readonly documentElement: { readonly scrollWidth: number; readonly clientWidth: number };
  readonly body: object;
  querySelectorAll(selector: string): Iterable<{
    getBoundingClientRect(): { readonly left: number; readonly right: number; readonly height: number };
  }>;
};
declare function getComputedStyle(element: object): { readonly backgroundColor: string; readonly color: string };

/** Sheets of A4. */
async function countPages(page: Page): Promise<number> {
  const paper = (await page.pdf({ format: "A4", printBackground: true })).toString("latin1");
  return (paper.match(/\/Type\s*\/Page\b/g) ?? []).length;
}

let browser: Browser;
let html = "";
/** The same of a schedule's run, compared with the last and with reviews before it. */
let nightly = "";

beforeAll(async () => {
  const path = join(import.meta.dirname, "../../models/deep-emotion@2/card.json");
  const card = parseModelCard(await readFile(path, "utf8"));
  const summary = summarize(makeRecords(1000), { groupBy: ["site"] });
  const context: ReportContext = {
    job: {
      id: "01234567-89ab-7def-8123-456789abcdef",
      name: "nightly",
      purpose: "research",
      status: "completed_with_errors",
      createdAt: "2026-11-23T01:00:00.000Z",
      finishedAt: "2026-11-23T01:04:12.000Z",
    },
    listed: 1000,
    missingChunks: 0,
    card,
    engine: "fused-wasm-simd",
    pipeline: 1,
    faces: "largest",
    faceFinder: "blazeface@1/3",
    tta: "none",
    minGroupSize: 10,
    controller: "Example Research, privacy@example.org",
    retentionDays: 30,
    store: "faces",
  };
  html = renderReportHtml(buildReport(summary, context));
  const before = summarize(makeRecords(1000, { seed: 4 }), { groupBy: ["site"] });
  const drift = compareRuns(before, summary, { against: { name: "the last run", jobId: context.job.id } });
  const reviewed = [46, 44, 47, 30].map((right, night) => ({
    jobId: context.job.id,
    dueMs: Date.UTC(2026, 10, 19 + night, 2, 30),
    faces: 5000,
    answered: 60,
    accuracy: computeWilson(right, 60)!,
  }));
  nightly = renderReportHtml(buildReport(summary, { ...context, drift, reviewed }));
  browser = await launchChromium();
});
afterAll(() => browser?.close());

it.each([320, 390, 1280])("fits a screen of %i pixels without scrolling sideways", async (width) => {
  const context = await browser.newContext({ viewport: { width, height: 700 }, offline: true });
  const page = await context.newPage();
  await page.setContent(html);
  const { scrollWidth, clientWidth } = await page.evaluate(() => {
    const { scrollWidth: inside, clientWidth: shown } = document.documentElement;
    return { scrollWidth: inside, clientWidth: shown };
  });
  expect(scrollWidth).toBeLessThanOrEqual(clientWidth);
  const charts = await page.evaluate(() =>
    [...document.querySelectorAll("svg")].map((chart) => {
      const { left, right, height } = chart.getBoundingClientRect();
      return { left, right, height };
    }),
  );
  expect(charts.length).toBeGreaterThan(3);
  for (const { left, right, height } of charts) {
    expect(left).toBeGreaterThanOrEqual(0);
    expect(right).toBeLessThanOrEqual(width);
    expect(height).toBeGreaterThan(5);
  }
  await context.close();
});

it("prints dark on white, whatever the reader's theme, in a few pages", async () => {
  const page = await browser.newPage({ colorScheme: "dark" });
  await page.setContent(html);
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const { backgroundColor, color } = await page.evaluate(() => {
    const style = getComputedStyle(document.body);
    return { backgroundColor: style.backgroundColor, color: style.color };
  });
  expect(backgroundColor).toBe("rgb(255, 255, 255)");
  expect(Math.max(...(color.match(/\d+/g) ?? ["255"]).map(Number))).toBeLessThan(80);
  // Two to three, with groups, their gaps and true labels; what is folded on a screen is open.
  expect(await countPages(page)).toBe(3);
  const heat = page.locator("table.heat").last();
  expect((await heat.boundingBox())?.height).toBeGreaterThan(100);
  await page.setContent(nightly);
  expect(await countPages(page)).toBe(3);
  expect(await page.getByRole("table", { name: "Accuracy by night" }).getByRole("row").count()).toBe(5);
  await page.close();
});

it("prints thirty faces of a contact sheet on a page", async () => {
  const portrait = new Uint8Array(
    await readFile(join(import.meta.dirname, "../../node_modules/tabler-ui/dist/demo/faces/female/1.jpg")),
  );
  const scored = makeRecords(40).find(({ status }) => status === "scored")!;
  const list = Array.from({ length: 60 }, (_, at) => ({
    ...scored,
    id: `in/a-long-name-of-a-picture-${at}.jpg`,
    key: "a",
  }));
  const page = await browser.newPage();
  await page.setContent(renderContactSheet(list, new Map([["a", portrait]])));
  // Two sheets hold sixty; the words above them take no third.
  expect(await countPages(page)).toBe(2);
  await page.close();
});
