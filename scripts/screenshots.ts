import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { createApi } from "../src/client/api.ts";
import { isEnded } from "../src/scoring/job/job-status.ts";
import { launchChromium } from "../test/browser/chromium.ts";
import { listPortraits, LOCAL_KEY, signIn, startJob } from "../test/browser/console-steps.ts";
import { startLocalWorker } from "./local-worker.ts";

/**
 * `npm run screenshots`: every page of the console, light and dark, at 1440, 1280 and 390 pixels, into `screenshots/`. With `-- --readme` only
 * the picture of README.md, `docs/console.png`: a job over the portraits, about half way.
 */

const folder = join(import.meta.dirname, "../screenshots");
const README_PICTURE = join(import.meta.dirname, "../docs/console.png");
/** Each portrait so often: enough for a job that can be watched. */
const ROUNDS = 3;
const LOOKS = [
  { name: "wide-light", colorScheme: "light", viewport: { width: 1440, height: 900 } },
  { name: "wide-dark", colorScheme: "dark", viewport: { width: 1440, height: 900 } },
  { name: "desktop-light", colorScheme: "light", viewport: { width: 1280, height: 900 } },
  { name: "desktop-dark", colorScheme: "dark", viewport: { width: 1280, height: 900 } },
  { name: "phone-light", colorScheme: "light", viewport: { width: 390, height: 844 } },
  { name: "phone-dark", colorScheme: "dark", viewport: { width: 390, height: 844 } },
] as const;

async function shoot(page: Page, look: string, name: string, fullPage = true): Promise<void> {
  await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage });
}

/** Ids of what the first look made, for the others. */
interface Made {
  readonly job: string;
  readonly schedule: string;
}

/** A schedule with three nights, a few faces changing from each to the next. Returns its id. */
async function makeNights(origin: string): Promise<string> {
  const api = createApi({ baseUrl: origin, key: LOCAL_KEY });
  const [women, men] = [await listPortraits("female", 30), await listPortraits("male", 30)];
  const upload = async (paths: readonly string[], first: number) => {
    for (const [at, path] of paths.entries()) {
      await api.upload("faces", `nightly/${first + at}.jpg`, new Uint8Array(await readFile(path)));
    }
  };
  const manifest = { input: { store: "faces", prefix: "nightly/" }, output: { store: "faces", prefix: "out/" } };
  const { id } = await api.makeSchedule({ name: "portraits by night", cron: "30 2 * * *", manifest });
  for (const paths of [women, men.slice(0, 10), men.slice(10)]) {
    await upload(paths, paths === women ? 100 : 110);
    const { jobId } = await api.runSchedule(id);
    for await (const event of api.followJob(jobId ?? "", new AbortController().signal)) {
      if (isEnded(event.job.status)) break;
    }
  }
  return id;
}

/** The panel of a job that waits for browsers: offered, at work, and done. */
async function shootComputing(page: Page, origin: string, look: string): Promise<void> {
  const api = createApi({ baseUrl: origin, key: LOCAL_KEY });
  const manifest = { input: { store: "faces", prefix: "nightly/" }, output: { store: "faces", prefix: "out/" } };
  const { id } = await api.submitJob({
    name: "computed here",
    ...manifest,
    execution: "client",
    limits: { chunkSize: 4 },
  });
  await page.goto(`${origin}/#/jobs/${id}`);
  await page.getByRole("heading", { name: "Compute here" }).waitFor();
  await shoot(page, look, "compute-offered");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.locator('[data-status="taken"]').waitFor();
  await shoot(page, look, "compute-running");
  await page.getByText("Done: the job needs nobody any more.").waitFor();
  await page.getByRole("heading", { name: "Apparent expressions", exact: true }).waitFor({ timeout: 120_000 });
  await shoot(page, look, "compute-done");
}

/** A job under way, as its reader sees it. */
async function shootReadme(browser: Browser, origin: string): Promise<void> {
  const api = createApi({ baseUrl: origin, key: LOCAL_KEY });
  const portraits = [...(await listPortraits("female", 40)), ...(await listPortraits("male", 40))];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, path] of portraits.entries()) {
      // Neighbors in the listing are not neighbors in the folder: each chunk has some of all.
      const key = `ward-3/${round}/${String((at * 29) % portraits.length).padStart(3, "0")}.jpg`;
      await api.upload("faces", key, new Uint8Array(await readFile(path)));
    }
  }
  const page = await browser.newPage({ viewport: { width: 1160, height: 956 }, colorScheme: "light" });
  await page.goto(origin);
  await signIn(page);
  const { id } = await api.submitJob({
    name: "ward 3, spring",
    model: "accurate",
    input: { store: "faces", prefix: "ward-3/" },
    output: { store: "faces", prefix: "out/" },
  });
  await page.goto(`${origin}/#/jobs/${id}`);
  await page.locator(".stream .there").nth(11).waitFor({ timeout: 300_000 });
  for await (const { job } of api.followJob(id, new AbortController().signal)) {
    const { finished, listed, planned } = job.counts;
    if ((planned && finished >= 0.55 * listed) || isEnded(job.status)) break;
  }
  await page.screenshot({ path: README_PICTURE });
  await page.close();
}

async function shootLook(
  browser: Browser,
  origin: string,
  look: (typeof LOOKS)[number],
  known: Made | null,
): Promise<Made> {
  const context = await browser.newContext({ viewport: look.viewport, colorScheme: look.colorScheme });
  const page = await context.newPage();
  await page.goto(origin);
  await page.getByLabel("API key").waitFor();
  await shoot(page, look.name, "sign-in");
  await signIn(page);
  if (known === null) await shoot(page, look.name, "jobs-empty");
  await page.goto(`${origin}/#/new`);
  await page.getByText("Start the job").waitFor();
  await shoot(page, look.name, "new");
  const id = known === null ? await startJob(page, "portraits") : known.job;
  if (known === null) {
    await page.getByRole("progressbar").waitFor();
    await shoot(page, look.name, "job-running");
  }
  await page.goto(`${origin}/#/jobs/${id}`);
  await page.getByRole("heading", { name: "Apparent expressions", exact: true }).waitFor({ timeout: 120_000 });
  await shoot(page, look.name, "job");
  await page.goto(`${origin}/#/jobs/${id}?tab=pictures&sort=margin`);
  await page.locator(".face polygon.region").nth(3).waitFor({ state: "attached" });
  await shoot(page, look.name, "pictures", false);
  await page.locator(".face").first().click();
  await page.getByRole("dialog").locator("polygon.region").waitFor({ state: "attached" });
  await shoot(page, look.name, "viewer", false);
  await page.keyboard.press("Escape");
  await page.goto(`${origin}/#/jobs/${id}?tab=files`);
  await page.getByRole("link", { name: "Download labels.csv" }).waitFor();
  await shoot(page, look.name, "files");
  await page.goto(`${origin}/#/jobs`);
  await page.locator(".job-row").first().waitFor();
  await shoot(page, look.name, "jobs");
  await page.goto(`${origin}/#/models`);
  await page.getByRole("region", { name: "Models on FER2013 PublicTest" }).waitFor();
  await shoot(page, look.name, "models");
  const schedule = known === null ? await makeNights(origin) : known.schedule;
  await shootComputing(page, origin, look.name);
  await page.goto(`${origin}/#/schedules`);
  await page.locator(".job-row").first().waitFor();
  await shoot(page, look.name, "schedules");
  await page.goto(`${origin}/#/schedules/${schedule}`);
  await page.getByRole("heading", { name: "From night to night" }).waitFor();
  await shoot(page, look.name, "schedule");
  await page.goto(`${origin}/#/schedules/new`);
  await page.getByRole("button", { name: "Make the schedule" }).waitFor();
  await shoot(page, look.name, "schedule-new");
  await page.goto(`${origin}/#/try`);
  await page.getByLabel("Choose pictures").setInputFiles(await listPortraits("female", 4));
  await page.locator("[data-probabilities]").nth(3).waitFor({ timeout: 90_000 });
  await shoot(page, look.name, "try");
  await page.goto(`${origin}/#/design`);
  await page.getByRole("heading", { name: "Design" }).waitFor();
  await shoot(page, look.name, "design");
  await page.goto(`${origin}/docs`);
  await page.getByText("/v1/jobs/{id}/retry-failed").waitFor();
  await shoot(page, look.name, "docs", false);
  await context.close();
  return { job: id, schedule };
}

const state = await mkdtemp(join(tmpdir(), "countenance-screenshots-"));
await mkdir(folder, { recursive: true });
const worker = await startLocalWorker({ persistTo: state });
const browser = await launchChromium();
try {
  let made: Made | null = null;
  if (process.argv.includes("--readme")) await shootReadme(browser, worker.origin);
  else for (const look of LOOKS) made = await shootLook(browser, worker.origin, look, made);
} finally {
  await browser.close();
  await worker.stop();
  await rm(state, { recursive: true, force: true });
}
