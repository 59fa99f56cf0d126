import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "../test/browser/chromium.ts";
import { listPortraits, signIn, startJob } from "../test/browser/console-steps.ts";
import { startLocalWorker } from "./local-worker.ts";

/** `npm run screenshots`: every page of the console, light and dark, desktop and phone, into `screenshots/`. */

const folder = join(import.meta.dirname, "../screenshots");
const LOOKS = [
  { name: "desktop-light", colorScheme: "light", viewport: { width: 1280, height: 900 } },
  { name: "desktop-dark", colorScheme: "dark", viewport: { width: 1280, height: 900 } },
  { name: "phone-light", colorScheme: "light", viewport: { width: 390, height: 844 } },
  { name: "phone-dark", colorScheme: "dark", viewport: { width: 390, height: 844 } },
] as const;

async function shoot(page: Page, look: string, name: string, fullPage = true): Promise<void> {
  await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage });
}

async function shootLook(
  browser: Browser,
  origin: string,
  look: (typeof LOOKS)[number],
  known: string,
): Promise<string> {
  const context = await browser.newContext({ viewport: look.viewport, colorScheme: look.colorScheme });
  const page = await context.newPage();
  await page.goto(origin);
  await page.getByLabel("API key").waitFor();
  await shoot(page, look.name, "sign-in");
  await signIn(page);
  if (known === "") await shoot(page, look.name, "jobs-empty");
  await page.goto(`${origin}/#/new`);
  await page.getByText("Start the job").waitFor();
  await shoot(page, look.name, "new");
  const id = known === "" ? await startJob(page, "portraits") : known;
  if (known === "") {
    await page.getByRole("progressbar").waitFor();
    await shoot(page, look.name, "job-running");
  }
  await page.goto(`${origin}/#/jobs/${id}`);
  await page.getByRole("heading", { name: "Apparent facial expression" }).waitFor({ timeout: 120_000 });
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
  await page.getByRole("heading", { name: "deep-emotion@1" }).waitFor();
  await shoot(page, look.name, "models");
  await page.goto(`${origin}/#/try`);
  await page.getByLabel("Choose pictures").setInputFiles(await listPortraits("female", 4));
  await page.locator("[data-probabilities]").nth(3).waitFor({ timeout: 90_000 });
  await shoot(page, look.name, "try");
  await context.close();
  return id;
}

const state = await mkdtemp(join(tmpdir(), "countenance-screenshots-"));
await mkdir(folder, { recursive: true });
const worker = await startLocalWorker({ persistTo: state });
const browser = await launchChromium();
try {
  let id = "";
  for (const look of LOOKS) id = await shootLook(browser, worker.origin, look, id);
} finally {
  await browser.close();
  await worker.stop();
  await rm(state, { recursive: true, force: true });
}
