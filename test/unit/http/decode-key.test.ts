import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeKey } from "../../../src/http/decode-key.ts";

/** Keys in paths: whatever the store is called, and whatever the key holds. */

describe("the key of a path", () => {
  it("is what was encoded, with slashes as they are or not", () => {
    const store = fc.constantFrom("faces", "objects", "images");
    // A URL resolves segments of dots, however they are written.
    const key = fc
      .array(fc.oneof(fc.string({ unit: "grapheme", minLength: 1 }), fc.constantFrom("objects", "images", "%2F", "?#")))
      .filter((parts) => !parts.some((part) => /^(?:\.|%2e){1,2}$/i.test(part)))
      .map((parts) => parts.join("/"))
      .filter((text) => !text.split("/").some((part) => /^(?:\.|%2e){1,2}$/i.test(part)));
    fc.assert(
      fc.property(store, key, (name, text) => {
        const whole = encodeURIComponent(text);
        expect(decodeKey(`http://host/v1/stores/${name}/objects/${whole}?x=/objects/y`)).toBe(text);
        expect(decodeKey(`http://host/v1/stores/${name}/objects/${whole.replaceAll("%2F", "/")}`)).toBe(text);
      }),
    );
  });

  it("is refused where it is no encoding", () => {
    expect(() => decodeKey("http://host/v1/stores/faces/objects/%ff")).toThrow("percent-encoding");
  });
});
