import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";

/**
 * `npm run build:web`: the console into `public/`, which the Worker serves. Does nothing where the last build is newer than
 * every source, so that each start of the local server may call it.
 */

const root = join(import.meta.dirname, "..");
const built = join(root, "public/index.html");
const docs = join(root, "public/docs.html");
const sources = ["web", "src", "models", "package-lock.json"];

/** The newest change below a path, ms since the epoch. */
function newestChange(path: string): number {
  const own = statSync(path);
  if (!own.isDirectory()) return own.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newestChange(join(path, name))));
}

const isFresh =
  existsSync(built) &&
  existsSync(docs) &&
  existsSync(join(root, "public/_headers")) &&
  existsSync(join(root, "public/assets")) &&
  sources.every((path) => newestChange(join(root, path)) < statSync(built).mtimeMs);
// A test runner's own NODE_ENV would bundle development builds, whatever was asked for.
process.env["NODE_ENV"] = "production";
if (!isFresh || process.argv.includes("--force")) {
  await build({ configFile: join(root, "web/vite.config.ts"), logLevel: "warn" });
}
