import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkWords, type FoundCommand } from "../../../cli/command-line.ts";
import { suggest } from "../../../src/scoring/manifest/did-you-mean.ts";

const COMMANDS = ["score", "submit", "watch", "get", "list", "cancel", "retry-failed", "key"];

describe("did you mean", () => {
  it.each([
    ["scroe", "score"],
    ["sumbit", "submit"],
    ["lst", "list"],
    ["Watch", "watch"],
    ["retry", "retry-failed"],
    ["cancelled", "cancel"],
  ])("%s → %s", (word, meant) => {
    expect(suggest(word, COMMANDS)).toBe(` (did you mean ${meant}?)`);
  });

  it.each(["photos", "xyzzy", "go", ""])("has nothing to say of %s", (word) => {
    expect(suggest(word, COMMANDS)).toBe("");
  });

  it("finds every word that lost or swapped a letter, unless another is as near", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("submit", "cancel", "retry-failed"),
        fc.nat(20),
        fc.boolean(),
        (word, place, swap) => {
          const at = place % (word.length - 1);
          const slip = swap
            ? word.slice(0, at) + word[at + 1]! + word[at]! + word.slice(at + 2)
            : word.slice(0, at) + word.slice(at + 1);
          expect(suggest(slip, COMMANDS)).toBe(` (did you mean ${word}?)`);
        },
      ),
    );
  });

  it("stands behind what the command line refuses", () => {
    const found: FoundCommand = { name: "countenance", commands: COMMANDS, args: {}, words: ["scroe"] };
    expect(() => checkWords(found)).toThrow("there is no command scroe (did you mean score?)");
    const args = { grants: { type: "string" }, "dry-run": { type: "boolean" } } as const;
    const words = (...given: string[]): FoundCommand => ({
      name: "countenance submit",
      commands: [],
      args,
      words: given,
    });
    expect(() => checkWords(words("--grant", "faces/"))).toThrow("there is no option --grant (did you mean --grants?)");
    expect(() => checkWords(words("--dryrun"))).toThrow("there is no option --dryrun (did you mean --dry-run?)");
  });
});
