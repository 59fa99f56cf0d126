import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { type Api, createApi } from "../../src/client/api.ts";
import { createReviewApi } from "../../src/client/review-api.ts";
import { DEFAULT_ALERT_MARKS } from "../../src/scoring/report/alert-marks.ts";
import { launchChromium } from "./chromium.ts";
import { listPortraits, LOCAL_KEY, signIn } from "./console-steps.ts";

/** The console's pages of schedules, from an empty list to two nights that are compared. */

declare const axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };

let folder: string;
let worker: LocalWorker;
let browser: Browser;
let page: Page;
let api: Api;
let axeSource: string;
/** Everything that the page's policy refused, or that failed in it. */
const complaints: string[] = [];

const manifest = { input: { store: "faces", prefix: "nightly/" }, output: { store: "faces", prefix: "out/" } };

async function upload(path: string, name = basename(path)): Promise<void> {
  await api.upload("faces", `nightly/${name}`, new Uint8Array(await readFile(path)));
}

/** What axe finds, as `rule: element`. */
async function listViolations(): Promise<string[]> {
  // Through the debugger: the page's own policy would refuse the script.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => axe.run());
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-schedule-pages-"));
  worker = await startLocalWorker({ persistTo: folder });
  api = createApi({ baseUrl: worker.origin, key: LOCAL_KEY });
  for (const path of await listPortraits("female", 8)) await upload(path);
  browser = await launchChromium();
  page = await browser.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) complaints.push(message.text());
  });
  page.on("dialog", (dialog) => void dialog.accept());
  axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.goto(worker.origin);
  await signIn(page);
});

afterAll(async () => {
  await browser?.close();
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("schedules in the console", () => {
  it("are made in a form that shows the server's findings at their fields", async () => {
    await page.getByRole("link", { name: "Schedules" }).click();
    await page.getByText("No schedule yet").waitFor();
    expect(await listViolations()).toEqual([]);
    await page.getByRole("link", { name: "New schedule" }).click();
    await page.getByLabel("Name", { exact: true }).fill("portraits by night");
    await page.getByLabel("Cron").fill("* * * * *");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await page.locator(".field").getByText("due again after less than 15 minutes", { exact: true }).waitFor();
    expect(await page.locator('[data-path="cron"]').getAttribute("aria-invalid")).toBe("true");
    await page.getByLabel("Cron").fill("30 2 * * *");
    await page.getByText("More settings").click();
    await page.getByLabel("Manifest", { exact: true }).fill("{");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await page.locator('[data-path="manifest"][aria-invalid="true"]').waitFor();
    expect(await listViolations()).toEqual([]);
    await page.getByLabel("Manifest", { exact: true }).fill(JSON.stringify(manifest));
    await page.getByLabel("Faces to review a run").fill("some");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await page.locator(".field").getByText("a whole number of faces, or nothing").waitFor();
    await page.getByLabel("Faces to review a run").fill("20");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await page.getByRole("heading", { name: "portraits by night" }).waitFor();
    await page.getByText("None yet.").waitFor();
  });

  it("run by hand, and draw what moved from night to night", async () => {
    await page.getByRole("button", { name: "Run now" }).click();
    await page.getByRole("row").getByText("completed", { exact: true }).waitFor();
    await page.getByRole("heading", { name: "From night to night" }).waitFor();
    // Another face under a known name, and one more.
    const [first = "", second = ""] = await listPortraits("female", 2);
    const [, , newcomer = ""] = await listPortraits("male", 3);
    await upload(second, basename(first));
    await upload(newcomer, "newcomer.jpg");
    await page.getByRole("button", { name: "Run now" }).click();
    const nights = page.getByRole("region", { name: "Table of nights" }).getByRole("row");
    await nights.nth(2).waitFor();
    const cells = await nights.nth(1).getByRole("cell").allTextContents();
    // Faces, carried over, scored again, new, gone.
    expect(cells.slice(0, 5)).toEqual(["9", "7", "1", "1", "0"]);
    expect(await page.getByRole("img", { name: / by night: / }).count()).toBe(7);
    // What stands out is said once, on top.
    expect(await page.getByRole("heading", { name: "The last night against the one before" }).count()).toBe(0);
    expect(await listViolations()).toEqual([]);
  });

  it("lead from flips to the pictures, with what they were", async () => {
    const address = page.url();
    await page.getByRole("link", { name: "1 of 8" }).click();
    await page.getByText("Only faces that another run labels differently").waitFor();
    const face = page.getByRole("list", { name: "Pictures" }).getByRole("listitem");
    expect(await face.count()).toBe(1);
    const [, was = ""] = /was: (\w+)/.exec(await face.innerText()) ?? [];
    expect(await face.locator(".label").innerText()).not.toBe(was);
    await face.getByRole("button").click();
    await page.getByRole("dialog").getByText(was, { exact: true }).last().waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    expect(await listViolations()).toEqual([]);
    await page.getByRole("button", { name: "Show all" }).click();
    await face.nth(8).waitFor();
    await page.goto(address);
    await page.getByRole("heading", { name: "Runs" }).waitFor();
  });

  it("show how right the model is from night to night, which reviews wait, and what stands out", async () => {
    const id = (await api.listSchedules())[0]!.id;
    // Two runs, two draws: a look draws one.
    for (const _ of [1, 2]) await fetch(`${worker.origin}/cdn-cgi/handler/scheduled?cron=*/5+*+*+*+*`);
    const { reviews } = await api.readScheduleAlerts(id);
    expect(reviews.map(({ drawn }) => drawn)).toEqual([8, 2]);
    const answers = reviews.map(({ jobId, drawn }, night) => ({ jobId, faces: drawn - (night === 0 ? 3 : 0) }));
    for (const { jobId, faces } of answers) {
      const said = Array.from({ length: faces }, (_, at) => ({ at, label: "Happy", seconds: 1 }));
      await createReviewApi(api).answer(jobId, "anna", said);
    }
    await page.reload();
    const rows = page.getByRole("region", { name: "Table of reviews" }).getByRole("row");
    await rows.nth(2).waitFor();
    expect(await rows.nth(1).getByRole("cell").first().textContent()).toBe("2 of 2");
    expect(await rows.nth(2).getByRole("cell").first().textContent()).toBe("5 of 8");
    // The older one waits: told here, and led to.
    const alerts = page.getByRole("list", { name: "Alerts", exact: true }).getByRole("listitem");
    await alerts.filter({ hasText: "5 of the 8 faces of this run's review were read" }).waitFor();
    expect(await listViolations()).toEqual([]);
    await rows.nth(2).getByRole("link", { name: "Read" }).click();
    await page.getByRole("status").filter({ hasText: /of 8/ }).waitFor();
    await page.goBack();
    await rows.nth(2).waitFor();
  });

  it("lead to the run's report, which names the run before", async () => {
    const address = page.url();
    await page.getByRole("region", { name: "Table of nights" }).getByRole("link").first().click();
    await page.getByRole("heading", { name: "Compared with the last run" }).waitFor();
    await page.getByText("7 unchanged inputs keep their records, 1 were scored again, 1 are new, 0 are gone").waitFor();
    expect(await listViolations()).toEqual([]);
    await page.goto(address);
    await page.getByRole("heading", { name: "Runs" }).waitFor();
  });

  it("take a baseline, are changed, disabled and deleted", async () => {
    await page.getByRole("button", { name: "Choose: run of" }).last().click();
    await page.getByRole("button", { name: "Baseline: run of", pressed: true }).waitFor();
    expect(await listViolations()).toEqual([]);
    await page.getByRole("button", { name: "Disable" }).click();
    await page.getByRole("button", { name: "Enable" }).waitFor();
    await page.getByRole("link", { name: "Edit" }).click();
    await page.getByLabel("Name", { exact: true }).fill("portraits by week");
    await page.getByLabel("Cron").fill("0 4 * * SUN");
    await page.getByText("More settings").click();
    await page.getByLabel("The report shows").selectOption("faces");
    await page.getByLabel("No face found, %").fill("25");
    expect(await listViolations()).toEqual([]);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "portraits by week" }).waitFor();
    const [schedule] = await api.listSchedules();
    expect(schedule).toMatchObject({
      cron: "0 4 * * SUN",
      enabled: false,
      alerts: { ...DEFAULT_ALERT_MARKS, noFace: 0.25 },
      manifest: { thumbnails: true },
      baselineJobId: expect.any(String) as string,
    });
    await page.goto(`${worker.origin}/#/schedules`);
    await page.getByText("disabled").waitFor();
    expect(await listViolations()).toEqual([]);
    await page.getByText("portraits by week").click();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("No schedule yet").waitFor();
    expect(complaints).toEqual([]);
  });
});
