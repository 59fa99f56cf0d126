import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRangeName, RANGE_NAMES } from "../../../../src/scoring/keys.ts";
import { listPartitions, namePartition } from "../../../../src/scoring/records/partitions.ts";

describe("the folder of a partition", () => {
  it("has the escapes of Hive's FileUtils", () => {
    const escaped = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).filter(
      (char) => namePartition(["g"], { g: `a${char}` }) !== `g=a${char}/`,
    );
    expect(escaped.join("")).toBe(
      `${Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join("")}"#%'*/:=?[\\]^{\u007f`,
    );
    expect(namePartition(["a=b", "c"], { "a=b": "x/y", c: "" })).toBe("a%3Db=x%2Fy/c=__HIVE_DEFAULT_PARTITION__/");
    expect(namePartition(["toString"], {})).toBe("toString=__HIVE_DEFAULT_PARTITION__/");
    expect(namePartition([], { a: "b" })).toBe("");
  });

  it("gives its value back to whoever decodes it, and makes names that are a part's", () => {
    const values = fc.dictionary(
      fc.string({ minLength: 1, unit: "binary" }),
      fc.string({ minLength: 1, unit: "binary" }),
    );
    fc.assert(
      fc.property(values, (groups) => {
        const folder = namePartition(Object.keys(groups), groups);
        const pairs = folder
          .split("/")
          .slice(0, -1)
          .map((segment) => segment.split("=").map(decodeURIComponent));
        expect(pairs).toEqual(Object.entries(groups));
        const name = RANGE_NAMES.labels(7, "csv", 2, folder);
        expect(parseRangeName(name)).toEqual({ range: 7, generation: 2, type: "application/gzip" });
      }),
    );
    for (const name of [
      "labels/../part-00000.parquet",
      "labels/a=..\\..\\x/part-00000.parquet",
      "labels/a/part-00000.parquet",
    ])
      expect(parseRangeName(name)).toBeNull();
  });

  it("is listed once, and not beyond what is asked for", () => {
    const items = ["a", "b", "a", "c", "d", "e"].map((g) => ({ groups: { g } }));
    expect(listPartitions(["g"], items, [], 2)).toEqual(["g=a/", "g=b/", "g=c/"]);
    expect(listPartitions(["g"], [{}], ["g=a/"], 5)).toEqual(["g=a/", "g=__HIVE_DEFAULT_PARTITION__/"]);
  });
});
