import { exports } from "cloudflare:workers";
import { parquetReadObjects } from "hyparquet";
import { describe, expect, it, vi } from "vitest";
import { createApi } from "../../src/client/api.ts";
import { readLabels, readLabelWindow, startLabels } from "../../src/client/label-reader.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import { ADMIN, ask, bucket, call, follow, readPicture, readText } from "./api-client.ts";

/** A job whose outputs are a data set, over the API in the real runtime: what reads it gets what single files hold. */

vi.setConfig({ testTimeout: 400_000 });

const NAMES = ["420-351x203.jpg", "grey-48x48.png", "rgb-128x128.png", "lossy.webp", "palette.png", "q90-47x49.jpg"];
const api = createApi({
  baseUrl: "http://127.0.0.1",
  key: ADMIN,
  fetch: (input, init) => exports.default.fetch(new Request(input, init)),
});

async function runJob(prefix: string, layout: "single" | "dataset"): Promise<JobView> {
  const { body } = await ask<JobView>(ADMIN, "POST", "/v1/jobs", {
    input: { store: "faces", prefix },
    output: { store: "faces", prefix: "out/", formats: ["jsonl", "csv", "parquet"], layout },
    faces: "aligned",
    limits: { chunkSize: 2 },
  });
  return follow(ADMIN, body.id);
}

async function collect(records: AsyncIterable<ScoreRecord>): Promise<readonly ScoreRecord[]> {
  const all: ScoreRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
}

async function readRows(job: JobView, name: string): Promise<readonly Record<string, unknown>[]> {
  const response = await call(ADMIN, `/v1/jobs/${job.id}/outputs/${encodeURIComponent(name)}`);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/vnd.apache.parquet"]);
  return parquetReadObjects({ file: await response.arrayBuffer() });
}

describe("a data set", () => {
  it("has the rows of single files, for every reader", async () => {
    for (const name of NAMES) await bucket.put(`rows/${name}`, readPicture(name));
    await bucket.put("rows/z-text.jpg", "no picture");
    const [single, job] = [await runJob("rows/", "single"), await runJob("rows/", "dataset")];
    expect(job).toMatchObject({
      status: "completed_with_errors",
      output: { layout: "dataset", data: `out/${job.id}/` },
      parts: { total: 1, done: 1 },
    });
    expect(single.output.layout).toBeUndefined();
    const expected = await collect(readLabels(api, single.id));
    expect(expected).toHaveLength(7);
    expect(await collect(readLabels(api, job.id))).toEqual(expected);
    const outputs = (await api.listOutputs(job.id)).map(({ name }) => name);
    expect(outputs).toEqual(
      expect.arrayContaining([
        "labels/part-00000.parquet",
        "labels/part-00000.jsonl.gz",
        "labels/part-00000.csv.gz",
        "input/part-00000.jsonl",
        "ranges/00000.json",
        "errors.jsonl",
        "report.json",
        "_SUCCESS",
      ]),
    );
    expect(outputs.filter((name) => /^labels\.|^input\.jsonl/.test(name))).toEqual([]);
    expect(await readRows(job, "labels/part-00000.parquet")).toEqual(await readRows(single, "labels.parquet"));
    const gzip = await call(ADMIN, `/v1/jobs/${job.id}/outputs/labels%2Fpart-00000.jsonl.gz`);
    const text = await new Response(gzip.body!.pipeThrough(new DecompressionStream("gzip"))).text();
    const whole = await call(ADMIN, `/v1/jobs/${single.id}/outputs/labels.jsonl`);
    expect(text).toBe(await readText(whole));
    const none = await call(ADMIN, `/v1/jobs/${job.id}/labels`);
    expect(none.status).toBe(404);
    expect(await none.text()).toContain("the labels are a data set");
  });

  it("has folders by group, under names that the API reads", async () => {
    const objects = NAMES.map((name, at) => ({
      key: `parted/${name}`,
      groups: { site: at < 3 ? "a/b 50%" : "north" },
    }));
    for (const name of NAMES) await bucket.put(`parted/${name}`, readPicture(name));
    const output = { store: "faces", prefix: "out/", formats: ["jsonl", "parquet"], layout: "dataset" };
    const submit = (partitionBy: unknown) =>
      ask<JobView>(ADMIN, "POST", "/v1/jobs", {
        input: { store: "faces", objects },
        groupBy: ["site"],
        output: { ...output, partitionBy },
      });
    expect((await submit("label")).status).toBe(422);
    const { body } = await submit("site");
    const job = await follow(ADMIN, body.id);
    const names = (await api.listOutputs(job.id)).map(({ name }) => name);
    const folders = ["site=a%2Fb 50%25", "site=north"];
    for (const folder of folders) expect(names).toContain(`labels/${folder}/part-00000.parquet`);
    const tables = await Promise.all(folders.map((folder) => readRows(job, `labels/${folder}/part-00000.parquet`)));
    expect(tables.map((rows) => rows.map(({ group_site: site }) => site))).toEqual([
      Array.from({ length: 3 }, () => "a/b 50%"),
      Array.from({ length: 3 }, () => "north"),
    ]);
    const keys: string[] = [];
    for await (const { key } of readLabels(api, job.id)) keys.push(key);
    expect(keys).toEqual(objects.map(({ key }) => key));
  });

  it("shows the picture of each record, and verifies", async () => {
    for (const name of NAMES) await bucket.put(`seen/${name}`, readPicture(name));
    const job = await runJob("seen/", "dataset");
    const window = await readLabelWindow(api, job.id, startLabels(job));
    expect(window).toMatchObject({ next: { offset: 2, byInput: true }, total: 6 });
    for (const placed of window.records) {
      const picture = await api.readPicture(job.id, placed.record.id, placed);
      const name = placed.record.key.slice("seen/".length);
      expect(new Uint8Array(await picture.arrayBuffer())).toEqual(readPicture(name));
    }
    const verified = await ask<{ passed: boolean; compared: number }>(ADMIN, "GET", `/v1/jobs/${job.id}/verify`);
    expect(verified.body).toMatchObject({ passed: true, compared: 6 });
  });
});
