import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { root, run } from "./stranger.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The packed package, and the folder where it alone is installed. */
    installed: { readonly tarball: string; readonly folder: string };
  }
}

/** Packs this project and installs it in an empty folder, once for all tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "countenance-package-"));
  // `prepack` builds, and refuses an API that is not the reported one.
  const packed = await run("npm", ["pack", "--silent", "--pack-destination", folder], root);
  const tarball = join(folder, packed.trim().split("\n").at(-1) ?? "");
  await writeFile(join(folder, "package.json"), '{ "name": "stranger", "private": true, "type": "module" }\n');
  await run("npm", ["install", "--no-audit", "--no-fund", tarball], folder);
  project.provide("installed", { tarball, folder });
  return () => rm(folder, { recursive: true, force: true });
}
