import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, inject, it } from "vitest";
import { root, run } from "./stranger.ts";

/** The example of a Worker with Countenance in it, bundled by wrangler out of the installed package. */

const { folder } = inject("installed");

it("bundles a Worker of one's own, with weights and binaries as modules", async () => {
  const own = join(folder, "worker");
  await cp(join(root, "examples/worker"), own, { recursive: true });
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  const told = await run(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", "bundle"], own, {
    WRANGLER_SEND_METRICS: "false",
  });
  expect(told).toContain("--dry-run: exiting now.");
  const files = await readdir(join(own, "bundle"));
  expect(files.filter((name) => name.endsWith(".safetensors")).length).toBeGreaterThan(3);
  expect(files.filter((name) => name.endsWith(".wasm")).length).toBeGreaterThan(3);
  const script = await readFile(join(own, "bundle/worker.js"), "utf8");
  // What only Node or another door needs is not in it.
  for (const name of ["@aws-sdk", "node:sqlite", "piscina", "fast-check"]) expect(script).not.toContain(`"${name}`);
});
