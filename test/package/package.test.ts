import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { expect, inject, it } from "vitest";
import { measureFolder } from "./measure-folder.ts";
import { root, run } from "./stranger.ts";

/** The package as it is installed: its shape, size and version. */

const { folder, tarball } = inject("installed");

it("has nothing that publint or Are The Types Wrong complains of", async () => {
  const { messages, pkg } = await publint({
    pkgDir: join(folder, "node_modules/countenance"),
    strict: true,
    pack: false,
  });
  expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  const attw = join(root, "node_modules/@arethetypeswrong/cli/dist/index.js");
  // It ends with an error where a type does not resolve as the module does.
  const checked = run(process.execPath, [attw, tarball, "--profile", "esm-only", "--format", "ascii"], folder);
  await expect(checked).resolves.toContain("countenance/client");
});

it("takes less than 40 MB with all that it depends on", async () => {
  expect(await measureFolder(join(folder, "node_modules"))).toBeLessThan(40e6);
});

it("brings no tests, sources, training or benchmarks", async () => {
  for (const name of ["src", "test", "cli", "training", "bench", "scripts", "web"]) {
    await expect(stat(join(folder, "node_modules/countenance", name))).rejects.toThrow("ENOENT");
  }
});

it("has one version", async () => {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { readonly version: string };
  const cli = await run("npx", ["--no", "--", "countenance", "--version"], folder);
  expect(cli.trim()).toBe(version);
  const library = 'import { VERSION } from "countenance"; console.log(VERSION);';
  expect((await run("node", ["--input-type=module", "-e", library], folder)).trim()).toBe(version);
});
