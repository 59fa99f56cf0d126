import { env, exports } from "cloudflare:workers";
import { expect, inject, it, vi } from "vitest";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { parsePart } from "../../src/scoring/records/record-line.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import { readBody } from "../../src/storage/read-body.ts";
import { createR2Store } from "../../src/storage/r2/r2-store.ts";
import type { R2BucketLike } from "../../src/storage/r2/r2-types.ts";
import { createS3Store } from "../../src/storage/s3/s3-store.ts";
import { decodeBase64 } from "../golden/images.ts";

/** A whole job with the expression network of `@vladmandic/human`, imported by the command (imported-model.setup.ts). */

const LABELS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
const files = import.meta.glob<string>("../golden/images/*", { query: "?inline", import: "default", eager: true });
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- wrangler.toml binds it
const store = createR2Store((env as { FACES: R2BucketLike }).FACES);
const NAMES = ["grey-48x48.png", "rgb-47x49.png", "palette.png", "lossy.webp"];

async function call(path: string, body?: object): Promise<Response> {
  const headers = { authorization: "Bearer local-development-key" };
  const init = body === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(body) };
  return exports.default.fetch(`http://127.0.0.1${path}`, init);
}

/** What `aws s3 cp` does, the card last. */
async function copyModel(): Promise<void> {
  const from = createS3Store(inject("s3"));
  for (const name of ["weights.safetensors", "card.json"]) {
    const found = await from.get(`imported/human-emotion@1/${name}`);
    if (found.kind !== "found") throw new Error(`${name} is ${found.kind}`);
    await store.put(`models/human-emotion@1/${name}`, new Uint8Array(await readBody(found.body, 1e8)));
  }
}

it("runs a job with a network that was imported from a tfjs GraphModel, under its own labels", async () => {
  const before: { readonly models: readonly { readonly id: string }[] } = await (await call("/v1/models")).json();
  expect(before.models.map(({ id }) => id)).not.toContain("human-emotion@1");
  await copyModel();
  for (const name of NAMES) {
    const url = files[`../golden/images/${name}`]!;
    await store.put(`imported/${name}`, decodeBase64(url.slice(url.indexOf(",") + 1)));
  }
  const manifest = {
    input: { store: "faces", objects: NAMES.map((name, at) => ({ key: `imported/${name}`, label: LABELS[at] })) },
    faces: "aligned",
    model: "human-emotion",
    output: { store: "faces", prefix: "out/", formats: ["jsonl", "csv"] },
  };
  const submitted = await vi.waitFor(
    async () => {
      const answer = await call("/v1/jobs", manifest);
      expect([answer.status, answer.ok ? "" : await answer.clone().text()]).toEqual([201, ""]);
      return answer;
    },
    { timeout: 60_000, interval: 200 },
  );
  const { id }: { readonly id: string } = await submitted.json();
  const events = await (await call(`/v1/jobs/${id}/events`)).text();
  const last = events.split("\n").findLast((line) => line.startsWith("data: "))!;
  const job = parseStored<JobView>(last.slice("data: ".length));
  expect(job).toMatchObject({ status: "completed", counts: { labelNames: LABELS } });

  const read = async (name: string): Promise<Uint8Array> => {
    const found = await store.get(`${job.output.prefix}${name}`);
    if (found.kind !== "found") throw new Error(`${name} is ${found.kind}`);
    return new Uint8Array(await readBody(found.body, 1e8));
  };
  const records = parsePart(await read("labels.jsonl"));
  expect(records.map(({ status, model }) => `${status} by ${model}`)).toEqual(
    NAMES.map(() => "scored by human-emotion@1"),
  );
  for (const [at, { label, truth, probabilities }] of records.entries()) {
    expect(Object.keys(probabilities!)).toEqual(LABELS);
    const best = Math.max(...Object.values(probabilities!));
    expect([label, truth]).toEqual([LABELS.find((name) => probabilities![name] === best), LABELS[at]]);
  }
  const csv = new TextDecoder().decode(await read("labels.csv"));
  expect(csv.split("\n")[0]).toContain("p_angry,p_disgust,p_fear,p_happy,p_sad,p_surprise,p_neutral");
  const lock = JSON.parse(new TextDecoder().decode(await read("run.lock.json")));
  expect(lock).toMatchObject({ model: { id: "human-emotion@1" }, records: { labels: LABELS } });
  expect(lock.engines.join()).toMatch(/^graph-wasm-/);

  // The reference engine is tfjs on the same graph.
  const verified = await (await call(`/v1/jobs/${id}/verify?sample=4`)).json();
  expect(verified).toMatchObject({ compared: 4, agreed: 4, passed: true, modelUnchanged: true });
});
