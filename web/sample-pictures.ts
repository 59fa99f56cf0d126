/** Which pictures of devDependencies the console of a clone offers as samples. */

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Paths in the packages, and their names beside the console. */
const SAMPLES = [
  ["tabler-ui", "dist/demo/faces/female/12.jpg", "portrait-1.jpg"],
  ["tabler-ui", "dist/demo/faces/male/9.jpg", "portrait-2.jpg"],
  ["tabler-ui", "dist/demo/faces/female/4.jpg", "portrait-3.jpg"],
  ["tabler-ui", "dist/demo/faces/male/6.jpg", "portrait-4.jpg"],
  ["tabler-ui", "dist/demo/faces/female/1.jpg", "portrait-5.jpg"],
  ["tabler-ui", "dist/demo/faces/male/14.jpg", "portrait-6.jpg"],
  ["tabler-ui", "dist/demo/faces/female/7.jpg", "portrait-7.jpg"],
  // The newest stands first.
  ["@vladmandic/face-api", "demo/sample1.jpg", "group.jpg"],
] as const;

/** Copies them into `samples/` of a folder, with the list of their names. */
export function copySamples(folder: string): void {
  const into = join(folder, "samples");
  mkdirSync(into, { recursive: true });
  for (const [name, path, as] of SAMPLES) {
    const root = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    copyFileSync(join(root, path), join(into, as));
  }
  writeFileSync(join(into, "list.json"), JSON.stringify(SAMPLES.map(([, , as]) => as)));
}
