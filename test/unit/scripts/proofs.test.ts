import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MUTATIONS } from "../../../scripts/proofs/mutations.ts";

const root = join(import.meta.dirname, "../../..");

describe("the mutations of npm run proofs", () => {
  it.each(MUTATIONS)("finds its code and its test: $promise", ({ file, from, test }) => {
    expect(readFileSync(join(root, file), "utf8").split(from)).toHaveLength(2);
    expect(existsSync(join(root, test))).toBe(true);
  });
});
