import { gunzipSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { dataFolder } from "../../src/scoring/keys.ts";
import { readObject } from "../../src/storage/read-object.ts";
import { copyScene, listKeys, runSceneJob, type Scene, startErasure } from "./erasure-scene.ts";
import { checkGenerations, grepOutputs } from "./erasure-checks.ts";

/** Erasing from a data set: only the ranges that hold the image are written anew, and one generation is whole at any time. */

vi.setConfig({ testTimeout: 600_000 });

const KEY = "in/04.png";
const LISTED = { prefix: "in/" };
const DATA = "out/job/";

let listed: Scene;
let expected: Table;

interface Table {
  readonly jsonl: string;
  readonly csv: readonly string[];
  readonly parquet: readonly unknown[];
  readonly errors: string;
  readonly report: unknown;
}

/** The whole table, as somebody reads it who opens all files of `labels/`. */
async function readTable({ store, rows }: Scene): Promise<Table> {
  const state = rows.readState()!;
  const read = async (key: string): Promise<Uint8Array> => (await readObject(store, key, 1e8))!;
  const keys = (await listKeys(store, `${DATA}labels/`)).toSorted();
  const pick = (end: string) => Promise.all(keys.filter((key) => key.endsWith(end)).map(read));
  const parquet = (await pick(".parquet")).map((bytes) => parquetReadObjects({ file: Uint8Array.from(bytes).buffer }));
  const folder =
    (state.generation ?? 0) === 0 ? DATA : `${DATA}generations/${String(state.generation).padStart(6, "0")}/`;
  const report = JSON.parse(Buffer.from(await read(`${folder}report.json`)).toString()) as { records: unknown };
  return {
    jsonl: (await pick(".jsonl.gz")).map((bytes) => gunzipSync(bytes).toString()).join(""),
    csv: (await pick(".csv.gz")).flatMap((bytes) => gunzipSync(bytes).toString().trimEnd().split("\n").slice(1)),
    parquet: (await Promise.all(parquet)).flat(),
    errors: Buffer.from(await read(`${folder}errors.jsonl`)).toString(),
    report,
  };
}

beforeAll(async () => {
  listed = await runSceneJob(LISTED, { layout: "dataset" });
  expected = await readTable(await runSceneJob(LISTED, { layout: "dataset", without: KEY }));
});

async function expectGone(scene: Scene, key = KEY): Promise<void> {
  expect(await grepOutputs(scene.store, key)).toEqual([]);
  for (const row of [scene.rows.readState(), scene.rows.readSpec(), scene.rows.listEvents(0, 1000)]) {
    expect(JSON.stringify(row)).not.toContain(key);
  }
  const packed = (await listKeys(scene.store, `${DATA}labels/`)).filter((name) => name.endsWith(".gz"));
  for (const name of packed) {
    expect(gunzipSync((await readObject(scene.store, name, 1e8))!).toString()).not.toContain(key);
  }
}

describe("erasing an image from a data set", () => {
  it("writes only its range anew, and leaves the table of a job that never had it", async () => {
    const scene = await copyScene(listed);
    const before = new Map<string, string>();
    for (const key of await listKeys(scene.store, DATA)) before.set(key, (await scene.store.head(key))!.etag);
    expect(await checkGenerations(scene.store)).toEqual({ [DATA]: [] });
    const run = await startErasure(scene, () => false);
    expect(await run.eraser.askErase("faces", { key: KEY, id: null })).toBe("erasing");
    await run.finish(async () => {});
    await expectGone(scene);
    expect(await readTable(scene)).toEqual(expected);
    const state = scene.rows.readState()!;
    expect(state).toMatchObject({ listed: 13, records: 13, outcomes: { scored: 11, failed: 2 }, generation: 1 });
    expect(state.merge?.rewritten).toEqual({ 0: 1 });
    const now = await listKeys(scene.store, DATA);
    const rewritten = now.filter((key) => !before.has(key));
    expect(rewritten.filter((key) => key.startsWith(`${DATA}labels/`)).toSorted()).toEqual(
      ["csv.gz", "jsonl.gz", "parquet"].map((end) => `${DATA}labels/part-00000-1.${end}`),
    );
    for (const key of now.filter((one) => /(labels|input|ranges)\/(part-)?0000[12]\./.test(one))) {
      expect((await scene.store.head(key))!.etag).toBe(before.get(key));
    }
    expect(await checkGenerations(scene.store)).toEqual({ [`${DATA}generations/000001/`]: [] });
    // No part of a chunk is left that no row counts, and each row has its part.
    const chunks = scene.rows.listChunks(0, 100);
    const parts = (await listKeys(scene.store, `${DATA}parts/`)).map((key) => key.slice(`${DATA}parts/`.length, -6));
    expect(parts.toSorted()).toEqual(chunks.map(({ id }) => id).toSorted());
    expect(chunks.reduce((sum, { count }) => sum + count, 0)).toBe(13);
    expect(dataFolder({ prefix: "out/", layout: "dataset" }, "job", 1)).toBe(DATA);
  });

  it("keeps one generation whole at a kill before and after every call, and ends the same", async () => {
    const count = await startErasure(await copyScene(listed), () => false);
    await count.eraser.askErase("faces", { key: KEY, id: null });
    await count.finish(async () => {});
    expect(count.moments).toBeGreaterThan(150);
    for (let fatal = 0; fatal < count.moments; fatal++) {
      const scene = await copyScene(listed);
      const run = await startErasure(scene, (moment) => moment === fatal);
      await run.eraser.askErase("faces", { key: KEY, id: null });
      await run.finish(async () => {
        expect(Object.values(await checkGenerations(scene.store)).flat(), `moment ${fatal}`).toEqual([]);
      });
      expect(run.kills, `moment ${fatal}`).toBe(1);
      await expectGone(scene);
      expect(await readTable(scene), `moment ${fatal}`).toEqual(expected);
    }
  });

  it("takes out several images, one after the other, from chunks that reach into two ranges too", async () => {
    const scene = await copyScene(listed);
    const keys = ["in/00.png", "in/03.png", "in/05-text.jpg", "in/08-empty.jpg", "in/11.png"];
    for (const [turn, key] of keys.entries()) {
      const run = await startErasure(scene, () => false);
      expect(await run.eraser.askErase("faces", { key, id: null })).toBe("erasing");
      await run.finish(async () => {});
      await expectGone(scene, key);
      expect(scene.rows.readState()).toMatchObject({ listed: 13 - turn, generation: turn + 1 });
      expect(Object.values(await checkGenerations(scene.store))).toEqual([[]]);
    }
    const table = await readTable(scene);
    const left = ["01", "02", "04", "05", "06", "07", "08", "09", "10"].map((name) => `in/${name}.png`);
    const lines = table.jsonl.trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { key: string }).key)).toEqual(left);
    expect(table.parquet).toHaveLength(9);
    expect(table.errors).toBe("");
  });

  it("writes the partitions of its range anew, whenever it is killed", async () => {
    const keys = listed.rows.listChunks(0, 100).length > 0 ? await listKeys(listed.store, "in/") : [];
    const describeInputs = (skip: string | null) => ({
      lines: keys.flatMap((key, at) => (key === skip ? [] : [{ key, groups: { site: at % 2 === 0 ? "a/b" : "c" } }])),
    });
    const output = { layout: "dataset", partitionBy: "site" } as const;
    const parted = await runSceneJob(describeInputs(null), output);
    const table = await readTable(await runSceneJob(describeInputs(KEY), output));
    const count = await startErasure(await copyScene(parted), () => false);
    await count.eraser.askErase("faces", { key: KEY, id: null });
    await count.finish(async () => {});
    for (let fatal = 0; fatal < count.moments; fatal += 5) {
      const scene = await copyScene(parted);
      const run = await startErasure(scene, (moment) => moment === fatal);
      await run.eraser.askErase("faces", { key: KEY, id: null });
      await run.finish(async () => {
        expect(Object.values(await checkGenerations(scene.store)).flat(), `moment ${fatal}`).toEqual([]);
      });
      expect(run.kills, `moment ${fatal}`).toBe(1);
      await expectGone(scene);
      const { parquet, jsonl, report } = await readTable(scene);
      expect({ parquet, jsonl: jsonl.split("\n").toSorted(), report }, `moment ${fatal}`).toEqual({
        parquet: expect.arrayContaining(table.parquet.slice()),
        jsonl: table.jsonl.split("\n").toSorted(),
        report: table.report,
      });
    }
  });

  it("leaves a job alone that does not hold the image", async () => {
    const scene = await copyScene(listed);
    const before = await listKeys(scene.store, "out/");
    const run = await startErasure(scene, () => false);
    expect(await run.eraser.askErase("faces", { key: "in/04.pn", id: null })).toBe("erasing");
    await run.finish(async () => {});
    expect(await listKeys(scene.store, "out/")).toEqual(before);
    expect(scene.rows.readState()!.generation).toBeUndefined();
  });
});
