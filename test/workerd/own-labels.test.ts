import { env, exports } from "cloudflare:workers";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { expect, it, vi } from "vitest";
import { parseModelCard } from "../../src/model/card.ts";
import { hashScoring } from "../../src/model/model.ts";
import { hashCard } from "../../src/model/reported-card.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { parsePart } from "../../src/scoring/records/record-line.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import { readBody } from "../../src/storage/read-body.ts";
import { createR2Store } from "../../src/storage/r2/r2-store.ts";
import type { R2BucketLike } from "../../src/storage/r2/r2-types.ts";
import { packTinyNet, TINY_LABELS } from "../contract/tiny-net.ts";
import { decodeBase64 } from "../golden/images.ts";

/** A whole job with a model of three labels, 32×32 in color and an embedding, from the bucket: vitest.config.ts names the prefix. */

const files = import.meta.glob<string>("../golden/images/*", { query: "?inline", import: "default", eager: true });
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- wrangler.toml binds it
const store = createR2Store((env as { FACES: R2BucketLike }).FACES);
const NAMES = ["grey-48x48.png", "rgb-47x49.png", "palette.png", "lossy.webp"];

async function call(path: string, body?: object): Promise<Response> {
  const headers = { authorization: "Bearer local-development-key" };
  const init = body === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(body) };
  return exports.default.fetch(`http://127.0.0.1${path}`, init);
}

async function readOutput(job: JobView, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const found = await store.get(`${job.output.prefix}${name}`);
  if (found.kind !== "found") throw new Error(`${name} is ${found.kind}`);
  return new Uint8Array(await readBody(found.body, 1e8));
}

it("runs a job with the labels, the input and the embedding of a model that came into the store just now", async () => {
  const { card, weights } = await packTinyNet();
  await store.put("models/deep-emotion@1/card.json", JSON.stringify(card));
  await store.put("models/wrong@1/card.json", "{}");
  await store.put("models/notes.txt", "no model");
  for (const name of NAMES) {
    const url = files[`../golden/images/${name}`]!;
    await store.put(`own-labels/${name}`, decodeBase64(url.slice(url.indexOf(",") + 1)));
  }
  const objects = NAMES.map((name, at) => ({ key: `own-labels/${name}`, label: TINY_LABELS[at % 3] }));
  const manifest = {
    input: { store: "faces", objects },
    faces: "aligned",
    model: "tiny",
    output: { store: "faces", prefix: "out/", formats: ["jsonl", "csv", "parquet"], embedding: true },
    limits: { chunkSize: 2 },
  };
  const early = await call("/v1/jobs", manifest);
  expect([early.status, await early.text()]).toEqual([
    422,
    expect.stringMatching(/no model \\"tiny\\"; there are: deep-emotion@\d+, .*plain-net@2/),
  ]);
  const listed = await (await call("/v1/models")).json();
  expect(listed).toMatchObject({
    unavailable: [
      { id: "wrong@1", detail: expect.stringContaining("the model card: name") },
      { id: "deep-emotion@1", detail: expect.stringContaining("comes with the program") },
    ],
  });
  await store.put("models/tiny@1/weights.safetensors", weights);
  await store.put("models/tiny@1/card.json", JSON.stringify(card));
  const submitted = await vi.waitFor(
    async () => {
      const answer = await call("/v1/jobs", manifest);
      expect([answer.status, answer.ok ? "" : await answer.clone().text()]).toEqual([201, ""]);
      return answer;
    },
    { timeout: 60_000, interval: 200 },
  );
  const { id }: { readonly id: string } = await submitted.json();
  await store.put("models/tiny@1/card.json", JSON.stringify({ ...card, notices: ["what the card says later"] }));
  const events = await (await call(`/v1/jobs/${id}/events`)).text();
  const last = events.split("\n").findLast((line) => line.startsWith("data: "))!;
  const job = parseStored<JobView>(last.slice("data: ".length));
  expect(job).toMatchObject({ status: "completed", counts: { labelNames: [...TINY_LABELS] } });
  expect(job.counts.labels.reduce((sum, count) => sum + count, 0)).toBe(4);

  const lines = new TextDecoder()
    .decode(await readOutput(job, "labels.jsonl"))
    .trimEnd()
    .split("\n");
  const records = parsePart(await readOutput(job, "labels.jsonl"));
  for (const [at, record] of records.entries()) {
    expect(lines[at]).toMatch(/"probabilities":{"left":[\d.e-]+,"right":[\d.e-]+,"Not sure":[\d.e-]+}/);
    expect(Object.values(record.probabilities!).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 4);
    expect(record).toMatchObject({ status: "scored", truth: TINY_LABELS[at % 3], model: "tiny@1" });
    expect(record.embedding).toHaveLength(6);
  }
  // Gray and color pictures alike: no two are the same to a network that sees them.
  expect(new Set(records.map(({ embedding }) => embedding!.join())).size).toBe(4);

  const csv = new TextDecoder().decode(await readOutput(job, "labels.csv"));
  expect(csv.split("\n")[0]).toContain("abstained_threshold,p_left,p_right,p_not_sure,margin");
  const file = (await readOutput(job, "labels.parquet")).buffer;
  const rows = await parquetReadObjects({ file });
  expect(rows.map((row) => [row["p_left"], row["p_right"], row["p_not_sure"]])).toEqual(
    records.map(({ probabilities }) => Object.values(probabilities!)),
  );
  expect(rows.map((row) => row["embedding"])).toEqual(
    records.map(({ embedding }) => embedding!.map((value) => Math.fround(value))),
  );
  const { schema } = parquetMetadata(file);
  expect(schema.find(({ name }) => name === "embedding")).toMatchObject({ converted_type: "LIST" });
  expect(schema.find(({ name }) => name === "element")).toMatchObject({ type: "FLOAT" });

  const report = JSON.parse(new TextDecoder().decode(await readOutput(job, "report.json")));
  expect(report.total.labels.map(({ label }: { label: string }) => label)).toEqual(TINY_LABELS);
  expect(report.total.truth.confusion).toHaveLength(3);
  const page = new TextDecoder().decode(await readOutput(job, "report.html"));
  expect(page).toContain("Not sure");
  expect(page).not.toContain("Disgust");
  const lock = JSON.parse(new TextDecoder().decode(await readOutput(job, "run.lock.json")));
  const checked = parseModelCard(card);
  expect(lock.model).toEqual({
    id: "tiny@1",
    sha256: card.sha256,
    form: await hashScoring(checked),
    card: await hashCard(checked),
  });
  // Not what the card said later.
  expect(report.provenance.notices).toEqual(card.notices);
  expect(lock.records).toEqual({ schema: 2, labels: [...TINY_LABELS], embedding: true });
});

it("refuses a model that no isolate holds, before a job is made", async () => {
  const { card, weights } = await packTinyNet();
  // The weights stay; the map behind the convolution becomes 65,536 times as large.
  const [conv, ...rest] = card.graph!.nodes;
  const size: [number, number] = [4096, 4096];
  const grow = { op: "resize", inputs: ["small"], size, mode: "nearest", corners: "half" } as const;
  const graph = { ...card.graph!, nodes: [{ ...conv!, name: "small" }, { name: conv!.name, ...grow }, ...rest] };
  await store.put("models/vast@1/weights.safetensors", weights);
  await store.put("models/vast@1/card.json", JSON.stringify({ ...card, name: "vast", graph }));
  const input = { store: "faces", prefix: "own-labels/" };
  for (const dryRun of [false, true]) {
    const refused = await vi.waitFor(
      async () => {
        const answer = await call("/v1/jobs", { input, model: "vast", output: { store: "faces" }, dryRun });
        const problem = await answer.text();
        expect(problem).not.toContain("no model");
        return { status: answer.status, problem };
      },
      { timeout: 60_000, interval: 200 },
    );
    expect(refused.status).toBe(422);
    expect(refused.problem).toContain("vast@1 takes 385 MiB while it scores");
    expect(refused.problem).toContain("model_too_large");
  }
});

it("refuses an embedding that the card does not name, and a true label that is none of the model's", async () => {
  const input = { store: "faces", prefix: "own-labels/" };
  const asked = await call("/v1/jobs", { input, output: { store: "faces", embedding: true } });
  expect(asked.status).toBe(422);
  expect(await asked.text()).toContain("output.embedding");
});
