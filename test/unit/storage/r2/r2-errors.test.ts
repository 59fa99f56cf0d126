import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { toR2Error } from "../../../../src/storage/r2/r2-errors.ts";

/** Messages as Cloudflare documents them; the local emulator cannot be made to give the first four. */
describe("what the R2 binding throws", () => {
  it.each([
    ["get: We encountered an internal error. Please try again. (10001)", "store_unavailable"],
    ["put: Please reduce your concurrent request rate for the same object. (10058)", "store_throttled"],
    ["list: The service is temporarily unavailable. (10043)", "store_throttled"],
    ["get: Network connection lost.", "store_unavailable"],
    ["uploadPart: The specified multipart upload does not exist. (10024)", "not_found"],
    ["get: The requested range is not satisfiable (10039)", "input_invalid"],
  ])("%s is %s", (message, code) => {
    expect(toR2Error(new Error(message), "get", "a")).toMatchObject({ code });
  });

  it("leaves faults of the program alone", () => {
    const bug = new TypeError("Cannot read properties of undefined");
    expect(toR2Error(bug, "get", "a")).toBe(bug);
    const known = new ScoringError("internal", "x");
    expect(toR2Error(known, "get", "a")).toBe(known);
  });
});
