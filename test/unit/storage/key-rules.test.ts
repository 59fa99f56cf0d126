import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareKeys, countUtf8Bytes, formatKeyCursor, parseKeyCursor } from "../../../src/storage/key-rules.ts";

/** Well-formed Unicode with many characters around the surrogates, where UTF-16 and UTF-8 disagree. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom("a", "é", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"),
    fc.string({ unit: "binary", maxLength: 1 }),
  ),
});

describe("keys", () => {
  it("are ordered by their UTF-8 bytes", () => {
    expect(compareKeys("＞", "😀")).toBeLessThan(0);
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(Math.sign(compareKeys(left, right))).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)));
      }),
      { numRuns: 2000 },
    );
  });

  it("are measured in UTF-8 bytes", () => {
    fc.assert(
      fc.property(text, (key) => {
        expect(countUtf8Bytes(key)).toBe(Buffer.byteLength(key));
      }),
    );
  });

  it("survive their cursor", () => {
    fc.assert(
      fc.property(text, (key) => {
        expect(parseKeyCursor(formatKeyCursor(key))).toBe(key);
      }),
    );
    for (const foreign of ["", "x", "after:%E0", "AFTER:a"]) expect(() => parseKeyCursor(foreign)).toThrow(/cursor/);
  });
});
