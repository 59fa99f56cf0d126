import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** `npm version` calls this: the version that the sources hold is package.json's. */

const root = join(import.meta.dirname, "..");
const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { readonly version: string };
const path = join(root, "src/version.ts");
const text = await readFile(path, "utf8");
await writeFile(path, text.replace(/VERSION = "[^"]*"/, `VERSION = ${JSON.stringify(version)}`));
