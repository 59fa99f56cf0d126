import { beforeAll, describe, expect, it } from "vitest";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import type { Issue } from "../../src/errors.ts";
import { readEvents } from "../../src/client/event-stream.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import { parsePart } from "../../src/scoring/records/record-line.ts";
import { readBody } from "../../src/storage/read-body.ts";
import { ADMIN, ask, bucket, call, follow, makeKey, readPicture } from "./api-client.ts";

/** Jobs whose inputs come in over HTTP while they run, in the real runtime. */

const PICTURES = ["420-351x203.jpg", "grey-48x48.png", "rgb-128x128.png", "lossy.webp", "palette.png", "q90-47x49.jpg"];
const output = { store: "faces", prefix: "out/", formats: ["jsonl"] };

type Line = Readonly<Record<string, unknown>>;

interface Answer {
  readonly added?: number;
  readonly known?: number;
  readonly received?: number;
  readonly code?: string;
  readonly issues?: readonly Issue[];
}

async function add(
  id: string,
  lines: readonly (Line | string)[],
  key = ADMIN,
): Promise<{ status: number; body: Answer }> {
  const body = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
  const response = await call(key, `/v1/jobs/${id}/inputs`, { method: "POST", body });
  return { status: response.status, body: await response.json() };
}

async function open(manifest: object = {}, key = ADMIN): Promise<JobView> {
  const input = { store: "faces", open: true };
  const { status, body } = await ask<JobView>(key, "POST", "/v1/jobs", {
    input,
    faces: "aligned",
    output,
    ...manifest,
  });
  expect(status).toBe(201);
  return body;
}

let lines: readonly Line[];

beforeAll(async () => {
  lines = await Promise.all(
    PICTURES.map(async (name) => {
      const key = `open/${name}`;
      await bucket.put(key, readPicture(name));
      const { etag, size } = (await bucket.head(key))!;
      return { key, etag, size };
    }),
  );
});

/** The first of the job's views that fits. */
async function waitUntil(id: string, fits: (job: JobView) => boolean): Promise<JobView> {
  const { body } = await call(ADMIN, `/v1/jobs/${id}/events`);
  for await (const { data } of readEvents(body)) {
    const job = parseStored<JobView>(data);
    if (fits(job)) return job;
  }
  throw new Error("the job ended before");
}

async function readLabels(job: JobView) {
  const found = await bucket.get(`${job.output.prefix}labels.jsonl`);
  if (found.kind !== "found") throw new Error(`labels are ${found.kind}`);
  return parsePart(await readBody(found.body, 1e8));
}

describe("an open job over HTTP", () => {
  it("scores what comes in before its seal, takes each input once, and ends with all of them", async () => {
    const { id, open: state, status } = await open({ limits: { chunkSize: 2 } });
    expect([status, state?.received, state?.sealedAt]).toEqual(["queued", 0, null]);
    expect(await add(id, lines.slice(0, 4))).toEqual({ status: 200, body: { added: 4, known: 0, received: 4 } });
    // Its answer was lost.
    expect(await add(id, lines.slice(0, 4))).toEqual({ status: 200, body: { added: 0, known: 4, received: 4 } });
    const early = await waitUntil(id, ({ counts }) => counts.finished === 4);
    expect(early).toMatchObject({ status: "running", counts: { planned: false, listed: 4 }, etaSeconds: null });

    expect(await add(id, [...lines.slice(3), lines[5]!])).toMatchObject({ body: { added: 2, known: 2, received: 6 } });
    const sealed = await ask<JobView>(ADMIN, "POST", `/v1/jobs/${id}/seal`);
    expect(sealed.status).toBe(200);
    expect(sealed.body.open?.sealedAt).not.toBeNull();
    const ended = await follow(ADMIN, id);
    expect(ended).toMatchObject({ status: "completed", counts: { listed: 6, planned: true, finished: 6 } });
    const records = await readLabels(ended);
    expect(records.map(({ key }) => key)).toEqual(lines.map(({ key }) => key));
    // Sealing it again changes nothing.
    expect((await ask<JobView>(ADMIN, "POST", `/v1/jobs/${id}/seal`)).body).toMatchObject({ status: "completed" });
    expect(await add(id, lines.slice(0, 1))).toMatchObject({ status: 409, body: { code: "conflict" } });

    const whole = await ask<JobView>(ADMIN, "POST", "/v1/jobs", {
      input: { store: "faces", objects: lines.map(({ key, etag }) => ({ key, etag })) },
      faces: "aligned",
      output,
    });
    expect(records).toEqual(await readLabels(await follow(ADMIN, whole.body.id)));
  });

  it("refuses a request whole, with the line of what is wrong", async () => {
    const { id } = await open({ input: { store: "faces", open: true, prefix: "open/" } });
    const { status, body } = await add(id, [
      lines[0]!,
      "",
      "{",
      { key: "elsewhere/a.jpg" },
      { key: "open/b", label: "Bored" },
    ]);
    expect([status, body.code]).toEqual([422, "validation_failed"]);
    expect(body.issues?.map(({ line, code }) => [line, code])).toEqual([
      [3, "line_invalid"],
      [4, "outside_prefix"],
      [5, "label_unknown"],
    ]);
    expect((await add(id, [])).body).toEqual({ added: 0, known: 0, received: 0 });
    const many = Array.from({ length: 5001 }, (_, at) => ({ key: `open/${at}` }));
    expect(await add(id, many)).toMatchObject({ status: 413, body: { code: "payload_too_large" } });
    expect(await add(id, ["x".repeat(1024 * 1024 + 1)])).toMatchObject({ status: 413 });
    expect((await ask<JobView>(ADMIN, "POST", `/v1/jobs/${id}/cancel`)).status).toBe(200);
  });

  it("belongs to its key, and takes only what that key may read", async () => {
    const grants = [
      { store: "faces", prefix: "open/" },
      { store: "faces", prefix: "out/" },
    ];
    const owner = await makeKey({ scopes: ["jobs:read", "jobs:write"], grants });
    const stranger = await makeKey({ scopes: ["jobs:read", "jobs:write"], grants });
    const { id } = await open({}, owner.key);
    expect(await add(id, lines.slice(0, 1), stranger.key)).toMatchObject({ status: 404 });
    // Whoever sends it: the job is its key's.
    expect(await add(id, [{ key: "secret/a.jpg" }])).toMatchObject({
      status: 422,
      body: { issues: [{ code: "forbidden" }] },
    });
    expect(await add(id, lines.slice(0, 1), owner.key)).toMatchObject({ status: 200, body: { added: 1 } });
    expect((await ask(stranger.key, "POST", `/v1/jobs/${id}/seal`)).status).toBe(404);
    expect((await ask(owner.key, "POST", `/v1/jobs/${id}/seal`)).status).toBe(200);
    expect(await follow(owner.key, id)).toMatchObject({ status: "completed", counts: { listed: 1 } });
  });

  it("is erased from and retried once it has ended, like any other", async () => {
    const { id } = await open();
    const missing = { key: "open/missing.png", etag: "0".repeat(32) };
    expect((await add(id, [...lines.slice(0, 2), missing])).status).toBe(200);
    const erase = `/v1/records?store=faces&key=${encodeURIComponent(String(lines[0]!["key"]))}`;
    const early = await ask<{ jobs: { id: string; answer: string }[] }>(ADMIN, "DELETE", erase);
    expect(early.body.jobs).toContainEqual({ id, answer: "unfinished" });
    await ask(ADMIN, "POST", `/v1/jobs/${id}/seal`);
    expect(await follow(ADMIN, id)).toMatchObject({ status: "completed_with_errors", counts: { listed: 3 } });

    await bucket.put("open/missing.png", readPicture("grey-48x48.png"));
    const retried = await ask<JobView>(ADMIN, "POST", `/v1/jobs/${id}/retry-failed`);
    expect(retried.status).toBe(201);
    expect(retried.body.open).toBeUndefined();
    expect(await follow(ADMIN, retried.body.id)).toMatchObject({ counts: { listed: 1, outcomes: { scored: 1 } } });
    expect(await ask(ADMIN, "GET", `/v1/jobs/${id}/verify?sample=2`)).toMatchObject({
      status: 200,
      body: { passed: true },
    });
    const late = await ask<{ jobs: { id: string; answer: string }[] }>(ADMIN, "DELETE", erase);
    expect(late.body.jobs).toContainEqual({ id, answer: "erasing" });
  });

  it("cannot be planned before anything is in it, and only it takes inputs and a seal", async () => {
    const dry = { input: { store: "faces", open: true }, output, dryRun: true };
    expect(await ask(ADMIN, "POST", "/v1/jobs", dry)).toMatchObject({
      status: 422,
      body: { issues: [{ path: "dryRun" }] },
    });
    const timed = { input: { store: "faces", prefix: "open/" }, output, limits: { openSeconds: 600 } };
    expect(await ask(ADMIN, "POST", "/v1/jobs", timed)).toMatchObject({
      status: 422,
      body: { issues: [{ code: "not_open" }] },
    });
    const { id } = await open({ input: { store: "faces", prefix: "nothing/" } });
    expect(await add(id, lines.slice(0, 1))).toMatchObject({ status: 409 });
    expect((await ask(ADMIN, "POST", `/v1/jobs/${id}/seal`)).status).toBe(409);
    expect((await ask(ADMIN, "POST", `/v1/jobs/${crypto.randomUUID()}/seal`)).status).toBe(404);
  });
});
