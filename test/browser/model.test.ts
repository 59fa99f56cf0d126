import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readWasmThreadScript } from "../../web/wasm-thread-script.ts";
import { launchChromium } from "./chromium.ts";
import type { Engines } from "./pages/model.ts";
import { serveFiles, type StaticFile, type StaticServer } from "./static-server.ts";

declare const engines: Engines;

let browser: Browser;
let server: StaticServer;

const require = createRequire(import.meta.url);
const WASM_OUT = "@tensorflow/tfjs-backend-wasm/wasm-out";

async function readWasm(name: string): Promise<StaticFile> {
  return { type: "application/wasm", body: await readFile(require.resolve(`${WASM_OUT}/${name}.wasm`)) };
}

async function readGraphWasm(name: string): Promise<StaticFile> {
  const body = await readFile(new URL(`../../src/backends/graph/${name}.wasm`, import.meta.url));
  return { type: "application/wasm", body };
}

beforeAll(async () => {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL("pages/model.ts", import.meta.url))],
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
      ["/plain.wasm", await readWasm("tfjs-backend-wasm")],
      ["/simd.wasm", await readWasm("tfjs-backend-wasm-simd")],
      ["/graph.wasm", await readGraphWasm("graph")],
      ["/graph-relaxed.wasm", await readGraphWasm("graph-relaxed")],
      ["/threaded-simd.wasm", await readWasm("tfjs-backend-wasm-threaded-simd")],
      [
        "/thread-glue.js",
        {
          type: "text/javascript",
          body: await readFile(require.resolve(`${WASM_OUT}/tfjs-backend-wasm-threaded-simd.js`)),
        },
      ],
      ["/thread.js", { type: "text/javascript", body: readWasmThreadScript() }],
    ]),
  );
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** A page of its own for each test: tfjs has one backend of a kind in a page. */
async function usePage<T>(use: (page: Page) => Promise<T>): Promise<T> {
  const page = await browser.newPage();
  try {
    await page.goto(server.origin);
    await page.waitForFunction(() => "engines" in globalThis);
    return await use(page);
  } finally {
    await page.close();
  }
}

describe("engines in Chromium", () => {
  it("agree with PyTorch on SIMD wasm", async () => {
    const result = await usePage((page) => page.evaluate(() => engines.wasm()));
    expect(result).toMatchObject({ engine: "tfjs-wasm-simd", cases: 8, disagreements: [], tensors: 0 });
  });

  it("agree with PyTorch on wasm without SIMD", async () => {
    const result = await usePage((page) => page.evaluate(() => engines.plain()));
    expect(result).toMatchObject({ engine: "tfjs-wasm", cases: 8, disagreements: [], tensors: 0 });
  });

  it("agree with PyTorch on threaded SIMD wasm, where the page is isolated", async () => {
    const result = await usePage(async (page) => {
      expect(await page.evaluate(() => engines.isolated())).toBe(true);
      return page.evaluate(() => engines.threads());
    });
    expect(result).toMatchObject({ engine: "tfjs-wasm-simd-2-threads", cases: 8, disagreements: [], tensors: 0 });
  });

  it("agree with PyTorch on WebGPU", async () => {
    const result = await usePage((page) => page.evaluate(() => engines.webgpu()));
    expect(result).toMatchObject({ engine: "tfjs-webgpu", cases: 1, disagreements: [], tensors: 0 });
  });

  it.each(["tfjs on wasm", "tfjs on WebGPU", "SIMD", "relaxed SIMD"])("have every operation: %s", async (engine) => {
    const { outputs, faults } = await usePage((page) =>
      page.evaluate((name) => {
        if (name === "tfjs on wasm") return engines.operatorsOnWasm();
        if (name === "tfjs on WebGPU") return engines.operatorsOnWebgpu();
        return engines.operatorsOnSimd(name === "SIMD" ? "graph-wasm-simd" : "graph-wasm-relaxed");
      }, engine),
    );
    expect(outputs).toBeGreaterThan(25);
    expect(faults).toEqual([]);
  });

  it("say engine_unavailable when the GPU device is lost, and start again on a new one", async () => {
    const result = await usePage((page) => page.evaluate(() => engines.loseDevice()));
    expect(result).toEqual({ code: "engine_unavailable", recovered: true });
  });

  it("leave a GPU that is a program on the CPU, where they are told to", async () => {
    const result = await usePage((page) => page.evaluate(() => engines.hardwareOnly()));
    expect(result).toContain("WebGPU is a program on the CPU here");
  });

  it("answer `unavailable` where there is no adapter", async () => {
    const result = await usePage((page) => page.evaluate(() => engines.unavailable()));
    expect(result).toMatchObject({ kind: "unavailable" });
  });
});
