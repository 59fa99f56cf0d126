/** The browser's engines where it has a GPU: a page in headless Chromium. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { FUSED_BINARIES } from "../src/backends/fused/fused-classifier.ts";
import { BUNDLED_MODELS_FOLDER } from "../src/backends/models-node.ts";
import { launchChromium } from "../test/browser/chromium.ts";
import { serveFiles, type StaticFile } from "../test/browser/static-server.ts";
import type { PageRate, WebgpuPage } from "./webgpu-page.ts";

declare const webgpu: WebgpuPage;

/** Rates on the GPU, or why there are none. */
export type WebgpuResult =
  | { readonly kind: "measured"; readonly gpu: string; readonly rates: readonly PageRate[] }
  | { readonly kind: "skipped"; readonly reason: string };

/** Lets Chromium look for a real GPU: the last of two equal flags counts. */
const FLAGS = [
  "--use-webgpu-adapter=default",
  "--enable-features=Vulkan",
  "--use-angle=vulkan",
  "--ignore-gpu-blocklist",
];
/** Faces a call: a GPU wants many. */
const BATCHES = [64, 1024];

async function listFiles(id: string, faces: Uint8Array): Promise<Map<string, StaticFile>> {
  const bundle = await build({
    entryPoints: [join(import.meta.dirname, "webgpu-page.ts")],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    logLevel: "silent",
  });
  const files = new Map<string, StaticFile>([
    ["/", { type: "text/html", body: '<!doctype html><script type="module" src="/page.js"></script>' }],
    ["/page.js", { type: "text/javascript", body: bundle.outputFiles[0]?.text ?? "" }],
    ["/faces", { type: "application/octet-stream", body: faces }],
  ]);
  const add = async (path: string, folder: string, name: string): Promise<void> => {
    const type = name.endsWith(".wasm")
      ? "application/wasm"
      : name.endsWith(".mjs")
        ? "text/javascript"
        : "application/json";
    files.set(`${path}${name}`, { type, body: await readFile(join(folder, name)) });
  };
  for (const name of Object.values(FUSED_BINARIES))
    await add("/", join(import.meta.dirname, "../src/backends/fused"), name);
  for (const name of ["card.json", "weights.safetensors"])
    await add(`/models/${id}/`, join(BUNDLED_MODELS_FOLDER, id), name);
  const ort = join(import.meta.dirname, "node_modules/onnxruntime-web/dist");
  for (const name of await readdir(ort)) {
    if (name.startsWith("ort-wasm") && !name.endsWith(".map")) await add("/ort/", ort, name);
  }
  return files;
}

/**
 * Times the engines for `seconds` each. A CPU that plays a GPU (SwiftShader) says nothing of speed and is skipped.
 * @param anyAdapter measures on it all the same, one face a call and once: to try this code
 */
export async function measureWebgpu(
  id: string,
  faces: Uint8Array,
  seconds: number,
  anyAdapter = false,
): Promise<WebgpuResult> {
  const server = await serveFiles(await listFiles(id, faces));
  try {
    const browser = await launchChromium(anyAdapter ? [] : FLAGS);
    try {
      const page = await browser.newPage();
      await page.goto(server.origin);
      await page.waitForFunction(() => "webgpu" in globalThis);
      const gpu = anyAdapter ? "any adapter" : await page.evaluate(() => webgpu.findGpu());
      if (gpu === null) return { kind: "skipped", reason: "headless Chromium finds no GPU here" };
      const options = anyAdapter ? ([id, [1], 0] as const) : ([id, BATCHES, seconds] as const);
      const rates = await page.evaluate((args) => webgpu.measure(...args), options);
      return { kind: "measured", gpu, rates };
    } finally {
      await browser.close();
    }
  } catch (error) {
    return { kind: "skipped", reason: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error) };
  } finally {
    await server.close();
  }
}
