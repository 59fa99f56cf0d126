import { expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { parseManifest } from "../../../../src/scoring/manifest/manifest.ts";

const stores = new Map([["faces", { versions: false }]]);

function refuse(manifest: unknown): readonly string[] {
  try {
    parseManifest(manifest, stores, () => true);
  } catch (error) {
    if (error instanceof ScoringError) return error.issues.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

const good = { input: { store: "faces", prefix: "in/" }, output: { store: "faces" } };

it.each([
  [{ ...good, inputs: good.input }, "inputs", "input"],
  [{ ...good, priorty: 3 }, "priorty", "priority"],
  [{ ...good, input: { store: "faces", prefx: "in/" } }, "input.prefx", "prefix"],
  [{ ...good, input: { store: "faces", objects: [{ key: "a", etags: "b" }] } }, "input.objects[0].etags", "etag"],
])("names the field that was meant: %j", (manifest, path, meant) => {
  expect(refuse(manifest)).toContainEqual(
    expect.stringMatching(new RegExp(`^${path.replace(/[[\].]/g, "\\$&")}: .*did you mean ${meant}\\?`)),
  );
});

it("guesses nothing where nothing is near", () => {
  const told = refuse({ ...good, colour: 1 });
  expect(told).toEqual([expect.stringMatching(/^colour: /)]);
  expect(told[0]).not.toContain("did you mean");
});
