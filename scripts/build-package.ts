import { execFile } from "node:child_process";
import { chmod, cp, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { compileSources } from "./package/compile.ts";
import { shareFiles } from "./package/share-files.ts";
import { DOORS, rollUpTypes } from "./package/types.ts";
import { buildVendor, useVendor } from "./package/vendor.ts";

/**
 * `npm run build`: the package as it is published, into `dist/`. Compiled file by file, so that what lies beside a module
 * (binaries, weights, threads) lies beside it in the package too. `--check` fails where an API report in `docs/api/` is
 * not the one that the sources give; without it the reports are written.
 */

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

await rm(dist, { recursive: true, force: true });
await rm(join(root, "build/types"), { recursive: true, force: true });
await compileSources(root);
await mkdir(join(dist, "vendor"), { recursive: true });
await buildVendor(root, join(dist, "vendor"));
await useVendor(dist);
await cp(join(root, "models"), join(dist, "models"), { recursive: true });
// The console of `countenance serve`.
await promisify(execFile)(process.execPath, [join(root, "scripts/build-web.ts")], { cwd: root });
// Without its samples: pictures of people are for a clone to try with, not for a package to spread.
await cp(join(root, "public"), join(dist, "public"), {
  recursive: true,
  filter: (path) => path !== join(root, "public/samples"),
});
await shareFiles(dist);
for (const path of await readdir(join(root, "src"), { recursive: true })) {
  if (path.endsWith(".wasm")) await cp(join(root, "src", path), join(dist, "src", path));
}
await chmod(join(dist, "cli/countenance.js"), 0o755);
const changed = rollUpTypes(root, DOORS, { check: process.argv.includes("--check") });
if (changed.length > 0) {
  process.stderr.write(
    `${changed.join(", ")}: the API differs from its report: run npm run build and commit the reports\n`,
  );
  process.exitCode = 1;
}
