/** Engines inside local workerd, timed by the CPU that its process uses. Linux only: the clock is /proc. */

import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import type { RemoteEngine } from "./network.ts";

/** Engines in a running workerd. */
export interface WorkerdEngines {
  readonly engines: readonly RemoteEngine[];
  dispose(): Promise<void>;
}

const ENGINES = ["fused-wasm-relaxed", "fused-wasm-simd", "tfjs-backend-wasm"];
/** Faces a request, so that the request itself does not count. */
const FACES_PER_REQUEST = 256;

/** Bundles worker.ts and starts it; no engines where the system has no /proc. */
export async function startWorkerdEngines(model: string, faces: Uint8Array): Promise<WorkerdEngines> {
  if (process.platform !== "linux") return { engines: [], dispose: async () => undefined };
  const modules: Record<string, { type: "esm" | "wasm" | "data"; contents: string | Uint8Array<ArrayBuffer> }> = {};
  const bundle = await build({
    entryPoints: [join(import.meta.dirname, "worker.ts")],
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    write: false,
    plugins: [
      {
        name: "binary modules",
        setup(plugin) {
          plugin.onResolve({ filter: /\.(wasm|safetensors)$/ }, async (args) => {
            if (args.pluginData === "inner") return undefined;
            const { path } = await plugin.resolve(args.path, {
              kind: args.kind,
              resolveDir: args.resolveDir,
              importer: args.importer,
              pluginData: "inner",
            });
            const name = `./${Object.keys(modules).length}-${path.split("/").at(-1) ?? ""}`;
            const contents = new Uint8Array(await readFile(path));
            modules[name.slice(2)] = { type: path.endsWith(".wasm") ? "wasm" : "data", contents };
            return { path: name, external: true };
          });
        },
      },
    ],
  });
  modules["worker.js"] = { type: "esm", contents: bundle.outputFiles[0]?.text ?? "" };
  const manifest = { mainModule: "worker.js", modulesRoot: import.meta.dirname, modules };
  const before = listChildren();
  const miniflare = new Miniflare({
    workers: [{ config: { name: "bench", compatibilityDate: "2026-04-01", compatibilityFlags: [], manifest } }],
  });
  const answer = await miniflare.dispatchFetch("http://worker/", { method: "PUT", body: Buffer.from(faces) });
  if (!answer.ok) throw new Error(await answer.text());
  const pids = listChildren().filter((pid) => !before.includes(pid));

  const engines = ENGINES.map((engine) => ({
    name: `${engine} in workerd`,
    time: async (_: Uint8Array, batch: number) => {
      const calls = Math.max(1, Math.round(FACES_PER_REQUEST / batch));
      const start = readProcessClock(pids);
      const query = new URLSearchParams({ engine, model, batch: String(batch), calls: String(calls) });
      const response = await miniflare.dispatchFetch(`http://worker/?${query.toString()}`);
      if (!response.ok) throw new Error(await response.text());
      return (readProcessClock(pids) - start) / calls;
    },
  }));
  return { engines, dispose: () => miniflare.dispose() };
}

/** Processes that this one started. */
function listChildren(): number[] {
  const folder = `/proc/${process.pid}/task`;
  return readdirSync(folder).flatMap((task) =>
    readFileSync(join(folder, task, "children"), "utf8")
      .split(" ")
      .filter(Boolean)
      .map(Number),
  );
}

/** Milliseconds of CPU of all threads of `pids`. */
function readProcessClock(pids: readonly number[]): number {
  let nanoseconds = 0;
  for (const pid of pids) {
    const folder = `/proc/${pid}/task`;
    for (const task of readdirSync(folder)) {
      nanoseconds += Number(readFileSync(join(folder, task, "schedstat"), "utf8").split(" ")[0]);
    }
  }
  return nanoseconds / 1e6;
}
