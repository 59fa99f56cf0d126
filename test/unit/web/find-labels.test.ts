import { describe, expect, it } from "vitest";
import { findLabels, nameDownload } from "../../../web/src/job/find-labels.ts";
import { RANGE_NAMES } from "../../../src/scoring/keys.ts";

describe("what is downloaded as labels", () => {
  it("is the file that most programs read, or nothing", () => {
    expect(findLabels(["_SUCCESS", "labels.parquet", "labels.jsonl", "labels.csv"])).toEqual(["labels.csv"]);
    expect(findLabels(["labels.parquet", "report.html"])).toEqual(["labels.parquet"]);
    expect(findLabels(["_FAILED", "errors.jsonl", "input/part-00000.jsonl"])).toEqual([]);
  });

  it("is every part of a data set, in one format, also where one was written anew", () => {
    const names = [2, 0, 1].flatMap((range) => [
      RANGE_NAMES.labels(range, "parquet", range === 1 ? 3 : 0),
      RANGE_NAMES.labels(range, "jsonl", range === 1 ? 3 : 0),
      RANGE_NAMES.input(range),
    ]);
    const found = ["labels/part-00000.jsonl.gz", "labels/part-00001-3.jsonl.gz", "labels/part-00002.jsonl.gz"];
    expect(findLabels(names)).toEqual(found);
    expect(found.map(nameDownload)[0]).toBe("labels-part-00000.jsonl.gz");
    expect(findLabels(names.filter((name) => name.endsWith(".parquet")))).toHaveLength(3);
    const partitioned = ["site=a%2Fb/", "site=north/"].map((folder) => RANGE_NAMES.labels(0, "csv", 0, folder));
    expect(findLabels(partitioned)).toEqual(partitioned);
    expect(nameDownload(partitioned[1]!)).toBe("labels-site=north-part-00000.csv.gz");
  });
});
