import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createFaceFinderNode } from "../../src/backends/faces-node.ts";
import { loadCodecs } from "../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import { fitRaster } from "../../src/image/letterbox.ts";
import type { Raster } from "../../src/model/face-finder.ts";
import { measureOverlap } from "../../src/model/face-overlap.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { launchChromium } from "./chromium.ts";
import type { FacesPage } from "./pages/faces.ts";
import { serveFiles, type StaticFile, type StaticServer } from "./static-server.ts";

declare const faces: FacesPage;

let browser: Browser;
let server: StaticServer;
let picture: Raster;

async function readOwn(path: string, type: string): Promise<StaticFile> {
  return { type, body: await readFile(new URL(`../../${path}`, import.meta.url)) };
}

beforeAll(async () => {
  const photographs = join(
    dirname(createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json")),
    "demo",
  );
  const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
  picture = fitRaster((await decoder.decode(await readFile(join(photographs, "sample5.jpg")))).raster, 640);
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL("pages/faces.ts", import.meta.url))],
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
      ["/card.json", await readOwn("models/faces/blazeface@1/card.json", "application/json")],
      [
        "/weights.safetensors",
        await readOwn("models/faces/blazeface@1/weights.safetensors", "application/octet-stream"),
      ],
      ["/graph.wasm", await readOwn("src/backends/graph/graph.wasm", "application/wasm")],
      ["/graph-relaxed.wasm", await readOwn("src/backends/graph/graph-relaxed.wasm", "application/wasm")],
      ["/picture", { type: "application/octet-stream", body: Buffer.from(picture.data) }],
    ]),
  );
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

it("finds in Chromium the faces that it finds in Node", { timeout: 120_000 }, async () => {
  const page = await browser.newPage();
  await page.goto(server.origin);
  await page.waitForFunction(() => "faces" in globalThis);
  const { width, height } = picture;
  const found = await page.evaluate(([wide, tall]) => faces.find(wide, tall), [width, height] as const);
  await page.close();
  const finder = await createFaceFinderNode();
  const expected = await finder.find(picture);
  finder.dispose();
  expect(expected).toHaveLength(5);
  expect(found).toHaveLength(5);
  for (const [i, face] of expected.entries()) {
    expect(measureOverlap(found[i]!.box, face.box)).toBeGreaterThan(0.99);
    expect(Math.abs(found[i]!.score - face.score)).toBeLessThan(1e-3);
  }
});
