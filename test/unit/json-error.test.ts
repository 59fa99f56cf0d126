import * as fc from "fast-check";
import { expect, it } from "vitest";
import { findJsonError } from "../../src/json-error.ts";

it.each([
  ['{"a": ,}', 6],
  ['{"a": 1,}', 8],
  ['{"a" 1}', 5],
  ["[1, 2", 5],
  ["[01]", 2],
  ['{"a": "x\ny"}', 6],
  ["", 0],
  ["{} {}", 3],
])("finds the first wrong character of %j", (text, offset) => {
  expect(findJsonError(text)).toBe(offset);
});

it("passes over every valid document", () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(0, 1, 4), (json, indent) => {
      const text = JSON.stringify(JSON.parse(json), null, indent);
      expect(findJsonError(text)).toBe(text.length);
    }),
  );
});
