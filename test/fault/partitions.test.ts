import { gunzipSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../src/scoring/limits.ts";
import { readFaces } from "../../src/scoring/review/read-faces.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import { readObject } from "../../src/storage/read-object.ts";
import { makeLaidOutSpec, run, SMALL } from "./scene.ts";

/** A data set with folders by group: the rows of single files, each in the folder of its group. */

const spec = makeLaidOutSpec("partitions");
const FOLDERS = ["site=__HIVE_DEFAULT_PARTITION__", "site=a%2Fb"];

describe("a partitioned data set", () => {
  it("has each row of single files once, in the folder of its group, in input order", async () => {
    const { store } = await run({ spec });
    const single = await run({
      spec: makeLaidOutSpec("partitions", { output: { store: "faces", formats: ["parquet"] } }),
    });
    const read = async (name: string, from = store): Promise<Uint8Array<ArrayBuffer>> =>
      Uint8Array.from((await readObject(from, `out/job/${name}`, 1e7))!);
    const whole = await parquetReadObjects({ file: (await read("labels.parquet", single.store)).buffer });
    for (const [at, folder] of FOLDERS.entries()) {
      const parts = [0, 1, 2].map((range) => `labels/${folder}/part-0000${range}`);
      const tables = parts.map(async (part) => parquetReadObjects({ file: (await read(`${part}.parquet`)).buffer }));
      const rows = (await Promise.all(tables)).flat();
      expect(rows).toEqual(whole.filter(({ group_site: site }) => site === [null, "a/b"][at]));
      expect(rows.length).toBeGreaterThan(5);
      const texts = await Promise.all(parts.map(async (part) => gunzipSync(await read(`${part}.jsonl.gz`)).toString()));
      const ids = texts
        .join("")
        .trimEnd()
        .split("\n")
        .map((line) => parseStored<{ id: string }>(line).id);
      expect(ids).toEqual(rows.map(({ id }) => id as string));
    }
    const { objects } = parseStored<{ objects: { name: string; rows?: number; partition?: object }[] }>(
      Buffer.from(await read("_SUCCESS")).toString(),
    );
    const parts = objects.filter(({ name }) => name.startsWith("labels/"));
    expect(parts).toHaveLength(12);
    expect(new Set(parts.map(({ partition }) => JSON.stringify(partition)))).toEqual(
      new Set(['{"site":null}', '{"site":"a/b"}']),
    );
    const counted = parts.filter(({ name }) => name.endsWith(".parquet")).map(({ rows }) => rows ?? 0);
    expect(counted.reduce((sum, rows) => sum + rows, 0)).toBe(14);
  });

  it("gives a review its faces in input order", async () => {
    const { store, result } = await run({ spec });
    const job = { spec, state: result.state, store, before: null };
    const seen: [number, string][] = [];
    for await (const { record, item, index } of readFaces(job, { ...LIMITS, reviewWindowBytes: 2000 })) {
      expect(item.key).toBe(record.key);
      seen.push([index, item.key]);
    }
    expect(seen).toHaveLength(12);
    expect(seen).toEqual(seen.toSorted(([, a], [, b]) => (a < b ? -1 : 1)));
  });

  it.each(["page after page", "side by side"])(
    "fails with more partitions than there may be, listed %s",
    async (way) => {
      const scan = way === "side by side" ? { ranges: 6, listBytes: 300 } : {};
      const dataset = { ...SMALL.dataset, maxPartitions: 1 };
      const small = { ...SMALL, plan: { ...SMALL.plan, maxItems: 1 } };
      const { result } = await run({ spec, limits: { ...small, dataset, scan: { ...SMALL.scan, ...scan } } });
      const { status, failure, issues, outcomes, partitions, scan: listing } = result.state;
      expect(listing === undefined).toBe(way === "page after page");
      expect({ status, failure, issues: issues.length, scored: outcomes.scored }).toEqual({
        status: "failed",
        failure: { code: "validation_failed", message: expect.stringMatching(/^the input has more than 1 partitions/) },
        issues: 1,
        scored: 0,
      });
      expect(issues[0]).toMatchObject({ path: "output.partitionBy", code: "too_many_partitions" });
      expect(partitions?.length ?? 0).toBeLessThan(2);
    },
  );
});
