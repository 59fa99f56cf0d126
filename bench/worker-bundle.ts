/** A Worker's source and binaries, bundled for Miniflare as wrangler would. */

import { readFile } from "node:fs/promises";
import { build } from "esbuild";

/** A module of a Worker. */
export interface WorkerModule {
  readonly type: "esm" | "wasm" | "data";
  readonly contents: string | Uint8Array<ArrayBuffer>;
}

/** What Miniflare takes as a Worker's manifest. */
export interface WorkerManifest {
  readonly mainModule: string;
  readonly modulesRoot: string;
  readonly modules: Record<string, WorkerModule>;
}

/** Bundles `entry`; what ends in .wasm or .safetensors becomes a module of its own. */
export async function bundleWorker(entry: string): Promise<WorkerManifest> {
  const modules: Record<string, WorkerModule> = {};
  const bundle = await build({
    entryPoints: [entry],
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
  return { mainModule: "worker.js", modulesRoot: import.meta.dirname, modules };
}
