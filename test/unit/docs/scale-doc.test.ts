import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

/** The table of docs/scale.md is what its command prints. */

const root = join(import.meta.dirname, "../../..");

it("has the figures of the simulated plan as they are calculated now", () => {
  const table = execFileSync(process.execPath, [join(root, "scripts/simulate-scale.ts")], { encoding: "utf8" });
  expect(table.trimEnd().split("\n").length).toBeGreaterThan(10);
  expect(readFileSync(join(root, "docs/scale.md"), "utf8")).toContain(table);
});
