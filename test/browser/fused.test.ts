import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FUSED_BINARIES, FUSED_ENGINES, type FusedEngine } from "../../src/backends/fused/fused-classifier.ts";
import { launchChromium } from "./chromium.ts";
import type { FusedPage } from "./pages/fused.ts";
import { serveFiles, type StaticFile, type StaticServer } from "./static-server.ts";

declare const fused: FusedPage;

let browser: Browser;
let server: StaticServer;

async function readBinary(engine: FusedEngine): Promise<[string, StaticFile]> {
  const path = new URL(`../../src/backends/fused/${FUSED_BINARIES[engine]}`, import.meta.url);
  return [`/${FUSED_BINARIES[engine]}`, { type: "application/wasm", body: await readFile(path) }];
}

beforeAll(async () => {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL("pages/fused.ts", import.meta.url))],
    bundle: true,
    write: false,
    format: "esm",
    // Fails on an import of Node in what the browser gets.
    platform: "browser",
    logLevel: "silent",
  });
  server = await serveFiles(
    new Map<string, StaticFile>([
      ["/", { type: "text/html", body: '<!doctype html><script type="module" src="/page.js"></script>' }],
      ["/page.js", { type: "text/javascript", body: bundle.outputFiles[0]?.text ?? "" }],
      ...(await Promise.all(FUSED_ENGINES.map(readBinary))),
    ]),
  );
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

describe("the fused engine in Chromium", () => {
  it("chooses relaxed SIMD", async () => {
    const page = await browser.newPage();
    await page.goto(server.origin);
    await page.waitForFunction(() => "fused" in globalThis);
    expect(await page.evaluate(() => fused.choice())).toBe("fused-wasm-relaxed");
    await page.close();
  });

  for (const engine of FUSED_ENGINES) {
    it(`${engine} agrees with PyTorch and the oracle, in every batch size up to nine`, async () => {
      const page = await browser.newPage();
      await page.goto(server.origin);
      await page.waitForFunction(() => "fused" in globalThis);
      const result = await page.evaluate((name) => fused.check(name), engine);
      expect(result).toEqual({ engine, cases: 12, disagreements: [], finite: true });
      await page.close();
    });
  }
});
