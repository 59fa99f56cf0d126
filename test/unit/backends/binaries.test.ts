import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { BINARIES, compileEngine } from "../../../scripts/build-engine.ts";

describe("the committed binaries", () => {
  for (const binary of BINARIES) {
    it(`${binary.file} is what its source compiles to`, async () => {
      const path = new URL(`../../../src/backends/${binary.file}`, import.meta.url);
      expect(Buffer.from(await compileEngine(binary)).equals(await readFile(path))).toBe(true);
    });
  }
});
