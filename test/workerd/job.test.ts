import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readEvents } from "../../src/client/event-stream.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { parsePart, splitLines } from "../../src/scoring/records/record-line.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import type { Report } from "../../src/scoring/report/report.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import { readBody } from "../../src/storage/read-body.ts";
import {
  ADMIN,
  ask,
  bucket as store,
  call as callAs,
  follow as followAs,
  readPicture,
  readText,
} from "./api-client.ts";

/** Whole jobs over the API, in the real runtime: Durable Objects, queue and bucket of wrangler.toml. */

const call = (path: string, init?: RequestInit): Promise<Response> => callAs(ADMIN, path, init);
const follow = (id: string): Promise<JobView> => followAs(ADMIN, id);

async function submit(
  manifest: object,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: JobView }> {
  return ask<JobView>(ADMIN, "POST", "/v1/jobs", { faces: "aligned", ...manifest }, headers);
}

async function readOutput(job: JobView, name: string): Promise<Uint8Array> {
  const found = await store.get(`${job.output.prefix}${name}`);
  if (found.kind !== "found") throw new Error(`${name} is ${found.kind}`);
  return readBody(found.body, 1e8);
}

async function listNames(job: JobView): Promise<string[]> {
  const { objects } = await store.list({ prefix: job.output.prefix });
  return objects.map((object) => object.key.slice(job.output.prefix.length));
}

/** The header of a PNG of 30,000 × 30,000 pixels, 60 bytes on disk. */
function makeHugePng(): Uint8Array {
  const png = readPicture("grey-1x1.png").slice();
  new DataView(png.buffer).setUint32(16, 30_000);
  new DataView(png.buffer).setUint32(20, 30_000);
  return png;
}

const GOOD = ["420-351x203.jpg", "grey-48x48.png", "rgb-128x128.png", "lossy.webp", "palette.png", "q90-47x49.jpg"];

async function putGood(prefix: string): Promise<string[]> {
  for (const name of GOOD) await store.put(`${prefix}${name}`, readPicture(name));
  return GOOD.map((name) => `${prefix}${name}`).sort();
}

const output = { store: "faces", prefix: "out/", formats: ["jsonl", "csv", "parquet"] };

describe("a job", () => {
  it("scores a prefix in listing order, in several chunks, and names every output in _SUCCESS", async () => {
    const keys = await putGood("several/");
    const { status, body } = await submit({
      input: { store: "faces", prefix: "several/" },
      output,
      limits: { chunkSize: 2, maxConcurrency: 2 },
    });
    expect(status).toBe(201);
    const job = await follow(body.id);
    expect(job).toMatchObject({ status: "completed", chunks: { pending: 0, queued: 0, leased: 0, done: 3 } });
    expect(job.counts).toMatchObject({ listed: 6, finished: 6, outcomes: { scored: 6 } });
    const records = parsePart(await readOutput(job, "labels.jsonl"));
    expect(records.map((record) => record.key)).toEqual(keys);
    for (const record of records) {
      expect(record.status).toBe("scored");
      expect(Object.values(record.probabilities!).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 4);
    }
    const csv = new TextDecoder().decode(await readOutput(job, "labels.csv"));
    expect(csv.trimEnd().split("\n")).toHaveLength(7);
    const success = parseStored<{ objects: { name: string; bytes: number; sha256: string }[] }>(
      new TextDecoder().decode(await readOutput(job, "_SUCCESS")),
    );
    const names = success.objects.map(({ name }) => name).sort();
    expect([...names, "_SUCCESS"].sort()).toEqual((await listNames(job)).sort());
    for (const { name, bytes, sha256 } of success.objects) {
      const stored = await readOutput(job, name);
      expect(stored.length).toBe(bytes);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(stored)));
      expect(Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")).toBe(sha256);
    }
  });

  it("gives a label only where the accuracy tier is sure enough, and says so in report and run lock", async () => {
    await putGood("unsure/");
    const input = { store: "faces", prefix: "unsure/" };
    const ask = async (more: object) => {
      const job = await follow((await submit({ input, output, model: "accurate", ...more })).body.id);
      return { job, records: parsePart(await readOutput(job, "labels.jsonl")) };
    };
    const every = await ask({});
    const { job, records } = await ask({ abstain: { precision: 0.95 } });
    expect(job).toMatchObject({ status: "completed", model: "plain-net@2", counts: { outcomes: { scored: 6 } } });
    const unsure = records.filter(({ label }) => label === null);
    expect(unsure.length).toBeGreaterThan(0);
    for (const [at, record] of records.entries()) {
      const before = every.records[at]!;
      expect(record.label ?? record.abstained?.label).toBe(before.label);
      expect(record.probabilities).toEqual(before.probabilities);
    }
    const report = parseStored<Report>(new TextDecoder().decode(await readOutput(job, "report.json")));
    expect(report.total.abstained?.faces).toBe(unsure.length);
    expect(report.provenance.abstain).toBe(0.95);
    const refused = await submit({ input, output, model: "hog-svm@1", abstain: { precision: 0.95 } });
    expect(refused).toMatchObject({ status: 422, body: { issues: [{ path: "abstain.precision" }] } });
  });

  it.each(["hog-svm@1", "deep-emotion-wide@2", "plain-net@2"])(
    "is scored by %s too, mirrored or not",
    async (model) => {
      await putGood("models/");
      const input = { store: "faces", prefix: "models/" };
      const lines: string[] = [];
      for (const tta of ["none", "flip"]) {
        const job = await follow((await submit({ input, output, model, tta })).body.id);
        expect(job).toMatchObject({ status: "completed", model, counts: { outcomes: { scored: 6 } } });
        const labels = await readOutput(job, "labels.jsonl");
        lines.push(new TextDecoder().decode(labels));
        for (const record of parsePart(labels)) {
          expect(record.model).toBe(model);
          expect(Object.values(record.probabilities!).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 4);
          // The matrix is that of a network with a spatial transformer.
          expect(record.face?.theta === null).toBe(!model.startsWith("deep-emotion"));
        }
      }
      expect(lines[0]).not.toBe(lines[1]);
    },
  );

  it("turns each bad input into one record with its own code, and scores all the others", async () => {
    const good = await putGood("mixed/");
    const picture = readPicture("q90-128x128.jpg");
    await store.put("mixed-bad/truncated.jpg", picture.slice(0, Math.floor(picture.length / 2)));
    await store.put("mixed-bad/text.jpg", "this is not a picture at all\n");
    await store.put("mixed-bad/empty.jpg", "");
    await store.put("mixed-bad/huge.png", makeHugePng());
    const bad = ["missing.jpg", "truncated.jpg", "text.jpg", "empty.jpg", "huge.png"].map(
      (name) => `mixed-bad/${name}`,
    );
    const keys = good.flatMap((key, index) => (index < bad.length ? [key, bad[index]!] : [key]));
    const { body } = await submit({ input: { store: "faces", objects: keys.map((key) => ({ key })) }, output });
    const job = await follow(body.id);
    expect(job.status).toBe("completed_with_errors");
    expect(job.counts.outcomes).toMatchObject({ scored: 6, failed: 5 });
    const errors = splitLines(await readOutput(job, "errors.jsonl")).map((line) =>
      parseStored<{ key: string; error: { code: string } }>(line),
    );
    expect(errors.map(({ key, error }) => [key, error.code])).toEqual([
      ["mixed-bad/missing.jpg", "object_missing"],
      ["mixed-bad/truncated.jpg", "image_truncated"],
      ["mixed-bad/text.jpg", "image_unsupported"],
      ["mixed-bad/empty.jpg", "object_empty"],
      ["mixed-bad/huge.png", "image_too_many_pixels"],
    ]);
    const records = parsePart(await readOutput(job, "labels.jsonl"));
    expect(records.map((record: ScoreRecord) => record.key)).toEqual(keys);

    // errors.jsonl is itself a manifest: what was repaired is scored, the rest fails again.
    await store.put("mixed-bad/missing.jpg", picture);
    const headers = { "idempotency-key": "mend what failed" };
    const ask = () => call(`/v1/jobs/${job.id}/retry-failed`, { method: "POST", headers });
    const retried = await ask();
    expect(retried.status).toBe(201);
    const retry = await follow(parseStored<JobView>(await retried.text()).id);
    // Asked again, it is the same job; the key of one request is not another's.
    const again = await ask();
    expect([again.status, parseStored<JobView>(await again.text()).id]).toEqual([200, retry.id]);
    const other = await call(`/v1/jobs/${retry.id}/retry-failed`, { method: "POST", headers });
    expect(other.status).toBe(409);
    expect(retry).toMatchObject({ status: "completed_with_errors", retryOf: job.id });
    expect(retry.counts.outcomes).toMatchObject({ scored: 1, failed: 4 });
  });

  it("skips an object that changed after it was listed", async () => {
    await putGood("changed/");
    const { body } = await submit({
      input: { store: "faces", objects: [{ key: "changed/palette.png", etag: "0123456789abcdef0123456789abcdef" }] },
      output,
    });
    const job = await follow(body.id);
    expect(job.counts.outcomes).toMatchObject({ skipped: 1 });
    expect(job.counts.errors).toEqual({ object_changed: 1 });
  });

  it("reads a manifest object, and reports all its bad lines before any work", async () => {
    const [key] = await putGood("lines/");
    await store.put("lines.jsonl", `${JSON.stringify({ key, label: "Happy", groups: { site: "a" } })}\n`);
    const fine = await submit({
      input: { store: "faces", manifest: { key: "lines.jsonl" } },
      output,
      groupBy: ["site"],
    });
    expect((await follow(fine.body.id)).counts.outcomes.scored).toBe(1);

    await store.put("bad-lines.jsonl", `${JSON.stringify({ key })}\nnonsense\n{"id":"no key"}\n`);
    const bad = await submit({ input: { store: "faces", manifest: { key: "bad-lines.jsonl" } }, output });
    const job = await follow(bad.body.id);
    expect(job.status).toBe("failed");
    expect(job.failure?.code).toBe("validation_failed");
    expect(job.issues.map(({ line }) => line)).toEqual([2, 3]);
    expect(job.counts.outcomes.scored).toBe(0);
  });
});

describe("the API", () => {
  it("reports all findings of a manifest together, as a problem document", async () => {
    const response = await call("/v1/jobs", {
      method: "POST",
      body: JSON.stringify({
        input: { store: "nowhere", prefix: "a/" },
        output: { store: "elsewhere" },
        model: "unknown@9",
      }),
    });
    expect(response.status).toBe(422);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const problem = parseStored<{ code: string; issues: { path: string }[] }>(await response.text());
    expect(problem.code).toBe("validation_failed");
    expect(problem.issues.map(({ path }) => path)).toEqual(["input.store", "output.store", "model"]);
  });

  it("refuses what is not JSON with its line, unknown fields, and requests without a key", async () => {
    const broken = await call("/v1/jobs", { method: "POST", body: '{\n "input": ,\n}' });
    expect(broken.status).toBe(400);
    expect(await broken.json()).toMatchObject({ code: "invalid_json", issues: [{ line: 2 }] });
    const unknown = await call("/v1/jobs", {
      method: "POST",
      body: JSON.stringify({ input: {}, output: {}, color: 1 }),
    });
    expect(parseStored<{ issues: { path: string }[] }>(await unknown.text()).issues.map(({ path }) => path)).toContain(
      "color",
    );
    const anonymous = await exports.default.fetch("http://127.0.0.1/v1/jobs");
    expect(anonymous.status).toBe(401);
    const remote = await exports.default.fetch("http://example.com/v1/jobs", {
      headers: { authorization: `Bearer ${ADMIN}` },
    });
    expect(remote.status).toBe(401);
  });

  it("makes one job of a request that is repeated, and none of another body with its key", async () => {
    await putGood("again/");
    const manifest = { input: { store: "faces", prefix: "again/" }, output };
    const headers = { "idempotency-key": "again-1" };
    const first = await submit(manifest, headers);
    const second = await submit(manifest, headers);
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body.id).toBe(first.body.id);
    expect((await submit({ ...manifest, name: "other" }, headers)).status).toBe(409);
    await follow(first.body.id);
  });

  it("answers a dry run with objects, bytes, chunks and dollars, and creates nothing", async () => {
    await putGood("dry/");
    const response = await call("/v1/jobs", {
      method: "POST",
      body: JSON.stringify({
        input: { store: "faces", prefix: "dry/" },
        output,
        dryRun: true,
        limits: { chunkSize: 4 },
      }),
    });
    expect(response.status).toBe(200);
    const plan = await response.json();
    expect(plan).toMatchObject({ objects: 6, chunks: 2, complete: true, warnings: [] });
  });

  it("warns of an input that is empty, before, after and in the run lock", async () => {
    await putGood("shards/");
    const manifest = { input: { store: "faces", prefix: "shards/" }, format: "tar", output };
    const warnings = ['there is no input: no .tar file lies below "shards/" of the store faces'];
    const dry = await call("/v1/jobs", { method: "POST", body: JSON.stringify({ ...manifest, dryRun: true }) });
    expect(await dry.json()).toMatchObject({ objects: 0, warnings });
    const { body } = await submit(manifest);
    const job = await follow(body.id);
    expect(job).toMatchObject({ status: "completed", warnings });
    const lock = await call(`/v1/jobs/${body.id}/outputs/run.lock.json`);
    expect(await lock.json()).toMatchObject({ warnings });
  });

  it("serves labels by Accept and by range, the report, the job list, and forgets a deleted job", async () => {
    await putGood("served/");
    const { body } = await submit({ input: { store: "faces", prefix: "served/" }, output });
    const job = await follow(body.id);
    const whole = await readText(await call(`/v1/jobs/${job.id}/labels`));
    expect(whole.trimEnd().split("\n")).toHaveLength(6);
    const part = await call(`/v1/jobs/${job.id}/labels`, { headers: { range: "bytes=5-14" } });
    expect(part.status).toBe(206);
    expect(part.headers.get("content-range")).toBe(`bytes 5-14/${new TextEncoder().encode(whole).length}`);
    expect(await readText(part)).toBe(whole.slice(5, 15));
    const csv = await call(`/v1/jobs/${job.id}/labels`, { headers: { accept: "text/csv" } });
    expect((await csv.text()).startsWith("id,key,")).toBe(true);
    const preferred = { accept: "application/x-ndjson;q=0.2, text/*;q=0.8" };
    const weighed = await call(`/v1/jobs/${job.id}/labels`, { headers: preferred });
    expect((await weighed.text()).startsWith("id,key,")).toBe(true);
    const report = await (await call(`/v1/jobs/${job.id}/report`)).json();
    expect(report).toMatchObject({ denominators: { listed: 6, scored: 6 } });
    const html = await call(`/v1/jobs/${job.id}/report`, { headers: { accept: "text/html" } });
    expect(await html.text()).toMatch(/^<!doctype html>/i);
    const list = parseStored<{ jobs: JobView[] }>(await (await call("/v1/jobs?limit=100")).text());
    expect(list.jobs.map(({ id }) => id)).toContain(job.id);
    expect((await call(`/v1/jobs/${job.id}`, { method: "DELETE" })).status).toBe(204);
    expect((await call(`/v1/jobs/${job.id}`)).status).toBe(404);
    expect(await listNames(job)).toEqual([]);
  });

  it("resumes the event stream after the last event that was seen, without a gap or a repetition", async () => {
    await putGood("events/");
    const { body } = await submit({ input: { store: "faces", prefix: "events/" }, output, limits: { chunkSize: 2 } });
    await follow(body.id);
    const read = async (lastId?: number): Promise<string[]> => {
      const headers: Record<string, string> = lastId === undefined ? {} : { "last-event-id": String(lastId) };
      const text = await (await call(`/v1/jobs/${body.id}/events`, { headers })).text();
      return text.split("\n\n").filter((event) => event.startsWith("id: "));
    };
    const all = await read();
    expect(all.map((event) => Number(/^id: (\d+)$/m.exec(event)?.[1]))).toEqual(all.map((_, at) => at + 1));
    expect(all.length).toBeGreaterThan(3);
    for (const seen of [1, all.length - 1]) expect(await read(seen)).toEqual(all.slice(seen));
  });

  it("verifies a sample on the reference engine, and notices a part that was tampered with", async () => {
    await putGood("verified/");
    const { body } = await submit({ input: { store: "faces", prefix: "verified/" }, output, limits: { chunkSize: 4 } });
    const job = await follow(body.id);
    const good = await call(`/v1/jobs/${job.id}/verify?sample=8`);
    expect(await good.json()).toMatchObject({
      engine: "tfjs-wasm-simd",
      compared: 6,
      agreed: 6,
      passed: true,
      modelUnchanged: true,
    });
    const names = (await listNames(job)).filter((name) => name.startsWith("parts/"));
    await store.put(`${job.output.prefix}${names[0]}`, "{}\n");
    expect(await (await call(`/v1/jobs/${job.id}/verify`)).json()).toMatchObject({
      passed: false,
      damagedParts: [names[0]!.replace(/^parts\/|\.jsonl$/g, "")],
    });
  });

  it("cancels: valid, finalized partial output, every input with one outcome", async () => {
    // One after the other, so many that most are left when the job is canceled.
    for (let i = 0; i < 40; i++) await store.put(`cancelled/${i}.png`, readPicture("grey-48x48.png"));
    const manifest = {
      input: { store: "faces", prefix: "cancelled/" },
      output,
      limits: { chunkSize: 1, maxConcurrency: 1 },
    };
    const { body } = await submit(manifest);
    const events = await call(`/v1/jobs/${body.id}/events`);
    for await (const { data } of readEvents(events.body)) if (parseStored<JobView>(data).counts.planned) break;
    const cancelled = await call(`/v1/jobs/${body.id}/cancel`, { method: "POST" });
    expect(cancelled.status).toBe(200);
    const job = await follow(body.id);
    expect(job.status).toBe("cancelled");
    const { outcomes, listed } = job.counts;
    expect(listed).toBe(40);
    expect(outcomes.cancelled).toBeGreaterThan(0);
    expect(outcomes.scored + outcomes.cancelled).toBe(listed);
    const records = parsePart(await readOutput(job, "labels.jsonl"));
    expect(records.map(({ status }) => status).filter((status) => status === "cancelled")).toHaveLength(
      outcomes.cancelled,
    );
    expect(new Set(records.map(({ key: name }) => name)).size).toBe(listed);
    const names = await listNames(job);
    expect([names.includes("_SUCCESS"), names.includes("_FAILED")]).toEqual([false, true]);
    expect(JSON.parse(new TextDecoder().decode(await readOutput(job, "_FAILED")))).toMatchObject({
      status: "cancelled",
    });
  });
});
