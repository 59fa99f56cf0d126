import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { parseManifest } from "../../../../src/scoring/manifest/manifest.ts";

function check(output: object, more: object = {}): readonly (readonly [string, string])[] {
  const stores = new Map([["faces", { versions: false }]]);
  const input = { store: "faces", prefix: "in/" };
  try {
    const body = { input, output: { store: "faces", layout: "dataset", ...output }, groupBy: ["site"], ...more };
    const { output: checked } = parseManifest(body, stores, () => true);
    return [["partitionBy", JSON.stringify(checked.partitionBy)]];
  } catch (error) {
    if (!(error instanceof ScoringError)) throw error;
    return error.issues.map(({ path, code }) => [path, code]);
  }
}

const PATH = "output.partitionBy";

function checkSites(sites: readonly string[]) {
  const objects = sites.map((site, at) => ({ key: `${at}.jpg`, groups: { site } }));
  return check({ partitionBy: "site" }, { input: { store: "faces", objects } });
}

describe("output.partitionBy", () => {
  it("is a group, or a list of them, of a data set", () => {
    expect(check({ partitionBy: "site" })).toEqual([["partitionBy", '["site"]']]);
    expect(check({ partitionBy: ["day", "site"] }, { groupBy: ["site", "day"] })).toEqual([
      ["partitionBy", '["day","site"]'],
    ]);
    expect(check({ partitionBy: [] })).toEqual([[PATH, "too_small"]]);
    expect(check({ partitionBy: "site", layout: "single" })).toEqual([[PATH, "dataset_only"]]);
    expect(check({ partitionBy: "camera" })).toEqual([[PATH, "not_grouped"]]);
  });

  it.each(["label", "Margin", "p_happy", "group_site", "embedding"])("is not %s, which is a column", (name) => {
    expect(check({ partitionBy: name }, { groupBy: ["site", name] })).toEqual([[PATH, "name_taken"]]);
  });

  it("names no two folders that differ in upper case alone", () => {
    expect(check({ partitionBy: ["site", "Site"] }, { groupBy: ["site", "Site"] })).toEqual([[PATH, "name_taken"]]);
  });

  it("gives few folders of short names", () => {
    const numbers = Array.from({ length: 101 }, (_, at) => String(at));
    expect(checkSites(numbers)).toEqual([[PATH, "too_many_partitions"]]);
    expect(checkSites(numbers.slice(0, 100))).toEqual([["partitionBy", '["site"]']]);
    expect(checkSites(["é".repeat(125)])).toEqual([[PATH, "partition_too_long"]]);
    expect(checkSites(["é".repeat(124)])).toEqual([["partitionBy", '["site"]']]);
  });
});
