import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GoldenImage, parseGoldens } from "../golden/images.ts";
import { launchChromium } from "./chromium.ts";
import type { ImagePage } from "./pages/image.ts";
import { serveFiles, type StaticFile, type StaticServer } from "./static-server.ts";

declare const images: ImagePage;

const folder = new URL("../golden/", import.meta.url);
const readJson = async (name: string) => JSON.parse(await readFile(new URL(name, folder), "utf8"));
const goldens = [
  ...parseGoldens(await readJson("images.json"), "picture"),
  ...parseGoldens(await readJson("faces.json"), "face"),
];

let browser: Browser;
let server: StaticServer;
let page: Page;

async function readCodec(path: string): Promise<StaticFile> {
  return { type: "application/wasm", body: await readFile(createRequire(import.meta.url).resolve(path)) };
}

async function readGolden({ name, aim }: GoldenImage): Promise<[string, StaticFile]> {
  const body = await readFile(new URL(`${aim === "face" ? "faces" : "images"}/${name}`, folder));
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
      ...(await Promise.all(goldens.map(readGolden))),
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
  it.each(goldens)("$name, $aim", async ({ name, aim, ...expected }) => {
    const boxes = expected.faces.map(({ box }) => box);
    const result = await page.evaluate(([file, decodeAim, cut]) => images.run(file, decodeAim, cut), [
      name,
      aim,
      boxes,
    ] as const);
    expect(result).toEqual({
      ...expected,
      faces: expected.faces.map(({ box, pixels }) => ({ box, pixels: [...pixels] })),
    });
  });
});
