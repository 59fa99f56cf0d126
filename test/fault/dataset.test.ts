import { gunzipSync } from "node:zlib";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { beforeAll, describe, expect, it } from "vitest";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { readObject } from "../../src/storage/read-object.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import { makeLaidOutSpec, run } from "./scene.ts";

/** A data set of three parts beside the single files of the same job: one table, row for row. */

let single: ObjectStore;
let dataset: ObjectStore;

beforeAll(async () => {
  single = (await run({ spec: makeLaidOutSpec("single") })).store;
  dataset = (await run({ spec: makeLaidOutSpec("dataset") })).store;
});

const read = async (store: ObjectStore, name: string): Promise<Uint8Array<ArrayBuffer>> =>
  Uint8Array.from((await readObject(store, `out/job/${name}`, 1e7))!);

/** The parts of one format, in the order of their names. */
async function readParts(end: string): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  const { objects } = await dataset.list({ prefix: "out/job/labels/" });
  const names = objects.map(({ key }) => key.slice("out/job/".length)).filter((name) => name.endsWith(end));
  expect(names).toEqual([0, 1, 2].map((part) => `labels/part-0000${part}${end}`));
  return Promise.all(names.map((name) => read(dataset, name)));
}

const toText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe("a data set is one table, with the rows of single files", () => {
  it("as Parquet, with the columns and types of the one file in every part", async () => {
    const parts = await readParts(".parquet");
    const rows = await Promise.all(parts.map(({ buffer }) => parquetReadObjects({ file: buffer })));
    const whole = await read(single, "labels.parquet");
    expect(rows.flat()).toEqual(await parquetReadObjects({ file: whole.buffer }));
    expect(rows.map((part) => part.length)).toEqual([5, 5, 4]);
    const { schema } = parquetMetadata(whole.buffer);
    for (const { buffer } of parts) expect(parquetMetadata(buffer).schema).toEqual(schema);
  });

  it("as Parquet that tells which rows a group can hold, by label and margin too", async () => {
    for (const { buffer } of await readParts(".parquet")) {
      const rows = await parquetReadObjects({ file: buffer });
      const groups = parquetMetadata(buffer).row_groups;
      expect(groups).toHaveLength(1);
      for (const name of ["id", "label", "margin", "status"]) {
        const column = groups[0]!.columns.find(({ meta_data: data }) => data?.path_in_schema[0] === name);
        const values = rows.map((row): unknown => row[name]).filter((value) => value !== null);
        const sorted = name === "margin" ? values.map(Number).toSorted((a, b) => a - b) : values.map(String).toSorted();
        const { min_value: least, max_value: most } = column?.meta_data?.statistics ?? {};
        expect([name, least, most]).toEqual([name, sorted[0], sorted.at(-1)]);
      }
    }
  });

  it("as compressed text, inputs and failures too", async () => {
    const jsonl = (await readParts(".jsonl.gz")).map((bytes) => toText(gunzipSync(bytes)));
    expect(jsonl.join("")).toBe(toText(await read(single, "labels.jsonl")));
    const [head, ...rows] = toText(await read(single, "labels.csv"))
      .trimEnd()
      .split("\n");
    const tables = (await readParts(".csv.gz")).map((bytes) => toText(gunzipSync(bytes)).trimEnd().split("\n"));
    expect(tables.map(([first]) => first)).toEqual([head, head, head]);
    expect(tables.flatMap((table) => table.slice(1))).toEqual(rows);
    const inputs = await Promise.all([0, 1, 2].map((part) => read(dataset, `input/part-0000${part}.jsonl`)));
    expect(inputs.map(toText).join("")).toBe(toText(await read(single, "input.jsonl")));
    expect(toText(await read(dataset, "errors.jsonl"))).toBe(toText(await read(single, "errors.jsonl")));
  });

  it("and _SUCCESS gives the rows of each part", async () => {
    const { objects } = parseStored<{ objects: { name: string; rows?: number }[] }>(
      toText(await read(dataset, "_SUCCESS")),
    );
    const counted = objects.filter(({ rows }) => rows !== undefined);
    for (const end of [".parquet", ".jsonl.gz", ".csv.gz", ".jsonl"]) {
      const parts = counted.filter(({ name }) => name.endsWith(end));
      expect([end, ...parts.map(({ rows }) => rows)]).toEqual([end, 5, 5, 4]);
    }
    expect(objects.some(({ name }) => name.startsWith("parts/"))).toBe(false);
  });
});
