/** What a person does in the console, as functions of a page. Shared by tests and `npm run screenshots`. */

import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Page } from "playwright-core";

/** The key that `wrangler dev` accepts from loopback. */
export const LOCAL_KEY = "local-development-key";

/** Folder of the portraits that come with the devDependency tabler-ui: `female/1.jpg`, `male/1.jpg`, … */
export function portraitFolder(): string {
  return join(dirname(createRequire(import.meta.url).resolve("tabler-ui/package.json")), "dist/demo/faces");
}

/** Paths of some portraits. */
export async function listPortraits(folder: "female" | "male", count: number): Promise<string[]> {
  const path = join(portraitFolder(), folder);
  const names = (await readdir(path)).filter((name) => name.endsWith(".jpg")).sort();
  return names.slice(0, count).map((name) => join(path, name));
}

/** Signs in where the page asks for it. */
export async function signIn(page: Page): Promise<void> {
  await page.getByLabel("API key").fill(LOCAL_KEY);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { name: "Jobs", exact: true }).waitFor();
}

/** Unfolds the settings that most jobs leave as they are. */
export async function openMore(page: Page): Promise<void> {
  // The same address again leaves the page as it was, with its folds open.
  const open = page.locator("details[open] > summary", { hasText: "More settings" });
  if ((await open.count()) === 0) await page.getByText("More settings").click();
}

/** Fills in the form with a folder of portraits, grouped by their folders, and starts the job. Returns its id. */
export async function startJob(page: Page, name: string): Promise<string> {
  await page.goto(`${new URL(page.url()).origin}/#/new`);
  await page.getByLabel("Upload pictures").check();
  await page.getByLabel("Choose a folder").setInputFiles(portraitFolder());
  await page.getByText(/^\d+ pictures$/).waitFor();
  await page.getByLabel("Folders are").selectOption("groups");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await openMore(page);
  await page.getByLabel("Faces").selectOption("aligned");
  await page.getByRole("button", { name: "Start the job" }).click();
  await page.waitForURL(/#\/jobs\/[0-9a-f-]{36}/, { timeout: 90_000 });
  return /#\/jobs\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? "";
}
