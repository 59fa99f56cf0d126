import { cp } from "node:fs/promises";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { preview, type PreviewServer } from "vite";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { launchChromium } from "../browser/chromium.ts";
import { copyPhotographs, names, root, run } from "./stranger.ts";

/** The example of a page, bundled by Vite out of the installed package, in a real browser. */

const { folder } = inject("installed");
const own = join(folder, "browser");
let server: PreviewServer;
let browser: Browser;

beforeAll(async () => {
  await copyPhotographs(join(folder, "photos"));
  await cp(join(root, "examples/browser"), own, { recursive: true });
  await run(process.execPath, [join(root, "node_modules/vite/bin/vite.js"), "build", "--logLevel", "error"], own);
  const headers = { "content-security-policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'" };
  server = await preview({ root: own, configFile: false, preview: { host: "127.0.0.1", port: 0, headers } });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

it("labels the pictures that a person chooses, as a process of Node does, and loads nothing from elsewhere", async () => {
  const page = await browser.newPage();
  const origins = new Set<string>();
  page.on("request", (request) => origins.add(new URL(request.url()).origin));
  const origin = new URL(server.resolvedUrls!.local[0]!).origin;
  await page.goto(origin);
  const files = names.map((name) => join(folder, "photos", name));
  await page.locator("#pictures").setInputFiles(files);
  await page.locator("#status", { hasText: /^\d/ }).waitFor({ timeout: 60_000 });
  const shown = await page.locator("#labels li").allTextContents();
  await cp(join(root, "examples/node"), join(folder, "node"), { recursive: true });
  const told = await run("node", ["node/score.js", ...files], folder);
  const expected = told
    .trim()
    .split("\n")
    .slice(0, names.length)
    .map((line) => line.split(" "))
    .map(([path = "", , label = ""]) => `${path.split("/").at(-1)}: ${label}`);
  expect(shown).toEqual(expected);
  expect([...origins]).toEqual([origin]);
  await page.close();
});
