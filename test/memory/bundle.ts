/** The scenes as one plain file: Node's own stripping of types takes 13 MB that no isolate has. */

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "../..");

/** Bundles scenes.ts; packages stay where they are. @returns the file */
export async function bundleScenes(): Promise<string> {
  const outfile = join(ROOT, "node_modules/.cache/memory-scenes.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "scenes.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    plugins: [
      {
        // Models and binaries are found beside their sources.
        name: "own-place",
        setup(own) {
          own.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
            const text = await readFile(path, "utf8");
            const contents = text
              .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href))
              .replaceAll("import.meta.dirname", JSON.stringify(dirname(path)));
            return { contents, loader: "ts" };
          });
        },
      },
    ],
  });
  return outfile;
}
