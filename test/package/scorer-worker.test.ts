import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import { copyPhotographs, names, root, run } from "./stranger.ts";

/** `countenance` in workerd: the example Worker, bundled by wrangler out of the installed package, and run. */

const { folder } = inject("installed");

interface BundledModule {
  readonly type: "esm" | "wasm" | "data";
  readonly contents: string | Uint8Array<ArrayBuffer>;
}

/** What wrangler wrote, as Miniflare takes it. */
async function readBundle(output: string): Promise<Record<string, BundledModule>> {
  const modules: Record<string, BundledModule> = {};
  for (const name of await readdir(output)) {
    const contents = new Uint8Array(await readFile(join(output, name)));
    if (name.endsWith(".js")) modules[name] = { type: "esm", contents: new TextDecoder().decode(contents) };
    else if (name.endsWith(".wasm")) modules[name] = { type: "wasm", contents };
    else if (name.endsWith(".safetensors")) modules[name] = { type: "data", contents };
  }
  return modules;
}

let miniflare: Miniflare;

beforeAll(async () => {
  await copyPhotographs(join(folder, "photos"));
  const own = join(folder, "scorer");
  await cp(join(root, "examples/scorer"), own, { recursive: true });
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  await run(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", "bundle"], own, {
    WRANGLER_SEND_METRICS: "false",
  });
  const modulesRoot = join(own, "bundle");
  const manifest = { mainModule: "worker.js", modulesRoot, modules: await readBundle(modulesRoot) };
  miniflare = new Miniflare({
    workers: [{ config: { name: "scorer", compatibilityDate: "2026-04-01", compatibilityFlags: [], manifest } }],
  });
});
afterAll(() => miniflare?.dispose());

const photograph = (name: string): Promise<Buffer<ArrayBuffer>> => readFile(join(folder, "photos", name));

/** What both must tell of a face: its numbers differ in the last digits, since Node may multiply and add in one step. */
function tell({ status, label, model, pipeline, face }: ScoreRecord): readonly unknown[] {
  return [status, label, model, pipeline, ...Object.values(face?.box ?? {}).map(Math.round)];
}

it("scores a request's bytes in workerd as Node does", async () => {
  const told: unknown[] = [];
  for (const name of names) {
    const answer = await miniflare.dispatchFetch("http://scorer/", { method: "POST", body: await photograph(name) });
    expect(answer.status).toBe(200);
    told.push(...((await answer.json()) as readonly ScoreRecord[]).map(tell));
  }
  const script = `import { createScorer } from "countenance";
    const scorer = await createScorer({ faces: "largest" });
    const records = [];
    for (const name of ${JSON.stringify(names)}) records.push(...(await scorer.score("photos/" + name)));
    console.log(JSON.stringify(records));`;
  const inNode = JSON.parse(await run("node", ["--input-type=module", "-e", script], folder)) as readonly ScoreRecord[];
  expect(told).toEqual(inNode.map(tell));
});

it("says in a record what cannot be read, and aggregates and renders a form of pictures", async () => {
  const broken = await miniflare.dispatchFetch("http://scorer/", { method: "POST", body: "no picture" });
  expect(await broken.json()).toMatchObject([{ status: "failed", error: { code: "image_unsupported" } }]);
  const form = new FormData();
  for (const name of names) form.append("pictures", new File([await photograph(name)], name.replace("/", "-")));
  const sent = new Request("http://scorer/report", { method: "POST", body: form });
  const answer = await miniflare.dispatchFetch("http://scorer/report", {
    method: "POST",
    headers: { "content-type": sent.headers.get("content-type") ?? "" },
    body: Buffer.from(await sent.arrayBuffer()),
  });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  const page = await answer.text();
  expect(page).toContain("pictures of a form");
  expect(page).toContain("deep-emotion@4");
});
