import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const compatibilityDate = "2026-04-01";
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-model-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Bundles test/e2e/workers/model.ts as a deployment would, runs the result in workerd and reads its answer. */
async function askWorker(flag: string): Promise<unknown> {
  const config = join(folder, `${flag}.toml`);
  const output = join(folder, flag);
  await writeFile(
    config,
    [
      'name = "model-flags"',
      `main = ${JSON.stringify(join(root, "test/e2e/workers/model.ts"))}`,
      `compatibility_date = "${compatibilityDate}"`,
      `compatibility_flags = ["${flag}"]`,
      "send_metrics = false",
      '[[rules]]\ntype = "CompiledWasm"\nglobs = ["**/*.wasm"]\nfallthrough = true',
    ].join("\n"),
  );
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  await promisify(execFile)(process.execPath, [wrangler, "deploy", "--dry-run", "-c", config, "--outdir", output], {
    cwd: folder,
    env: { ...process.env, CI: "1" },
  });
  const modules: Record<string, { type: "esm" | "wasm"; contents: string | Uint8Array<ArrayBuffer> }> = {};
  for (const name of await readdir(output)) {
    const contents = new Uint8Array(await readFile(join(output, name)));
    if (name.endsWith(".js")) modules[name] = { type: "esm", contents: new TextDecoder().decode(contents) };
    if (name.endsWith(".wasm")) modules[name] = { type: "wasm", contents };
  }
  const manifest = { mainModule: "model.js", modulesRoot: output, modules };
  const miniflare = new Miniflare({
    workers: [{ config: { name: "model-flags", compatibilityDate, compatibilityFlags: [flag], manifest } }],
  });
  try {
    const response = await miniflare.dispatchFetch("http://worker/");
    return await response.json();
  } finally {
    await miniflare.dispose();
  }
}

describe("tfjs wasm in a bundled Worker", () => {
  it("agrees with PyTorch without nodejs_compat", async () => {
    const answer = await askWorker("no_nodejs_compat");
    expect(answer).toEqual({ cases: 8, disagreements: [], threads: 1, seesNode: false });
  });

  it("agrees with PyTorch with nodejs_compat, where the runtime looks like Node", async () => {
    const answer = await askWorker("nodejs_compat");
    expect(answer).toEqual({ cases: 8, disagreements: [], threads: 1, seesNode: true });
  });
});
