import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseGoldens } from "../golden/images.ts";
import { launchChromium } from "./chromium.ts";
import type { ImagePage } from "./pages/image.ts";
import { serveFiles, type StaticFile, type StaticServer } from "./static-server.ts";

declare const images: ImagePage;

const folder = new URL("../golden/", import.meta.url);
const goldens = parseGoldens(JSON.parse(await readFile(new URL("images.json", folder), "utf8")));

let browser: Browser;
let server: StaticServer;
let page: Page;

async function readCodec(path: string): Promise<StaticFile> {
  return { type: "application/wasm", body: await readFile(createRequire(import.meta.url).resolve(path)) };
}

async function readGolden(name: string): Promise<[string, StaticFile]> {
  const body = await readFile(new URL(`images/${name}`, folder));
  return [`/images/${encodeURIComponent(name)}`, { type: "application/octet-stream", body }];
}

beforeAll(async () => {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL("pages/image.ts", import.meta.url))],
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
      ["/jpeg-turbo.wasm", await readCodec("@cwasm/jpeg-turbo/jpeg-turbo.wasm")],
      ["/webp_dec.wasm", await readCodec("@jsquash/webp/codec/dec/webp_dec.wasm")],
      ...(await Promise.all(goldens.map(({ name }) => readGolden(name)))),
    ]),
  );
  browser = await launchChromium();
  page = await browser.newPage();
  await page.goto(server.origin);
  await page.waitForFunction(() => "images" in globalThis);
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

describe("pixels in Chromium equal Pillow's, as they do in Node and workerd", () => {
  it.each(goldens)("$name", async ({ name, ...expected }) => {
    const boxes = expected.faces.map(({ box }) => box);
    const result = await page.evaluate(([file, cut]) => images.run(file, cut), [name, boxes] as const);
    expect(result).toEqual({
      ...expected,
      faces: expected.faces.map(({ box, pixels }) => ({ box, pixels: [...pixels] })),
    });
  });
});
