import { LABELS } from "../../src/model/labels.ts";
import { nameProbabilities } from "../../src/scoring/chunk/score-record.ts";
import { parquetWriteBuffer, type SchemaElement } from "hyparquet-writer";
import { packTar } from "modern-tar";
import { beforeAll, describe, expect, it } from "vitest";
import { createFaceFinderWorkerd } from "../../src/backends/faces-workerd.ts";
import { listBundledModels } from "../../src/backends/models-workerd.ts";
import { createScorerLender } from "../../src/backends/scorer-workerd.ts";
import { createApi } from "../../src/client/api.ts";
import { readEvents } from "../../src/client/event-stream.ts";
import { createAddressReader } from "../../src/client/compute/compute-api.ts";
import { prefetchLease, scoreCanary, scoreLease } from "../../src/client/compute/score-lease.ts";
import { createRegistry } from "../../src/model/registry.ts";
import type {
  Canary,
  CanaryPass,
  ClientLease,
  ClientTask,
  LeaseAnswer,
} from "../../src/scoring/client-compute/protocol.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import type { Scorer } from "../../src/scoring/chunk/scorer.ts";
import { ADMIN, ask, bucket, call, follow, makeKey, readPicture, readText } from "./api-client.ts";

/** The protocol of computing clients in the real runtime: an honest client, and every way to cheat that we know. */

const PICTURES = ["420-351x203.jpg", "grey-48x48.png", "rgb-128x128.png", "lossy.webp", "palette.png", "q90-47x49.jpg"];
const PREFIX = "client-compute/";
const lender = createScorerLender(createRegistry(listBundledModels()), "fused", LIMITS.image, createFaceFinderWorkerd);

const withScorer = <T>({ model, tta, faces }: ClientTask, body: (scorer: Scorer) => Promise<T>): Promise<T> =>
  lender.withScorer(async (open) => body(await open({ model, tta, findsFaces: faces.mode !== "aligned" })));

const apiOf = (key: string) =>
  createApi({
    baseUrl: "http://127.0.0.1",
    key,
    fetch: (url, init) => call(key, new URL(url instanceof Request ? url.url : url).pathname, init ?? {}),
  });

async function submitJob(key: string, more: Record<string, unknown> = {}): Promise<JobView> {
  const manifest = {
    input: { store: "faces", prefix: PREFIX },
    output: { store: "faces", prefix: "client-out/" },
    execution: "client",
    faces: "aligned",
    ...more,
  };
  const { status, body } = await ask<JobView>(key, "POST", "/v1/jobs", manifest);
  expect(status).toBe(201);
  return body;
}

async function passCanary(key: string, id: string): Promise<string> {
  const { body: canary } = await ask<Canary>(key, "POST", `/v1/jobs/${id}/canary`, {});
  const answer = await withScorer(canary.task, (scorer) => scoreCanary(canary, scorer));
  const answered = { challenge: canary.challenge, backend: "wasm", ...answer };
  const { status, body } = await ask<CanaryPass>(key, "PUT", `/v1/jobs/${id}/canary`, answered);
  expect(status).toBe(200);
  return body.token;
}

/** Reads the job's events until its chunks are planned. */
async function waitUntilPlanned(key: string, id: string): Promise<void> {
  const { body } = await call(key, `/v1/jobs/${id}/events`);
  for await (const { data } of readEvents(body)) if ((JSON.parse(data) as JobView).counts.planned) return;
  throw new Error("the job ended before it was planned");
}

async function takeLease(key: string, id: string, token: string): Promise<ClientLease> {
  await waitUntilPlanned(key, id);
  const { status, body } = await ask<LeaseAnswer>(key, "POST", `/v1/jobs/${id}/leases`, { token });
  if (status !== 200 || body.kind !== "lease") throw new Error(JSON.stringify(body));
  return body;
}

const scoreHonestly = (key: string, lease: ClientLease): Promise<readonly ScoreRecord[]> =>
  withScorer(lease.task, (scorer) => scoreLease(lease, scorer, createAddressReader(apiOf(key))));

const put = (key: string, lease: ClientLease, records: unknown, nonce = lease.nonce, chunkId = lease.chunkId) =>
  ask(key, "PUT", `/v1/jobs/${lease.jobId}/chunks/${chunkId}`, { nonce, backend: "wasm", records });

const readLabels = async (key: string, id: string): Promise<string> =>
  readText(await call(key, `/v1/jobs/${id}/labels`));

let expected: Record<string, string> = {};
const modes = ["aligned", "all"] as const;

beforeAll(async () => {
  for (const name of PICTURES) await bucket.put(`${PREFIX}${name}`, readPicture(name));
  for (const faces of modes) {
    const { id } = await submitJob(ADMIN, { execution: "edge", faces });
    await follow(ADMIN, id);
    expected = { ...expected, [faces]: await readLabels(ADMIN, id) };
  }
});

describe("an honest client", () => {
  it.each(modes)("computes the same labels as the edge, and the lock says who did (faces: %s)", async (faces) => {
    const { id } = await submitJob(ADMIN, { faces, limits: { chunkSize: 2 } });
    const token = await passCanary(ADMIN, id);
    for (let chunk = 0; chunk < 3; chunk++) {
      const lease = await takeLease(ADMIN, id, token);
      const records = await scoreHonestly(ADMIN, lease);
      expect(await put(ADMIN, lease, records)).toEqual({ status: 200, body: { accepted: true, repeated: false } });
      // The answer may have been lost: the same submission again is no error and counts nothing twice.
      expect((await put(ADMIN, lease, records)).body).toEqual({ accepted: true, repeated: true });
    }
    expect(await follow(ADMIN, id)).toMatchObject({ status: "completed", counts: { finished: PICTURES.length } });
    expect(await readLabels(ADMIN, id)).toBe(expected[faces]);
    const lock = await (await call(ADMIN, `/v1/jobs/${id}/outputs/run.lock.json`)).json();
    expect(lock).toMatchObject({
      engines: ["client:wasm"],
      receipt: { chunks: { edge: 0, client: 3, expired: 0, rejected: 0 } },
    });
    const over = await ask<LeaseAnswer>(ADMIN, "POST", `/v1/jobs/${id}/leases`, { token });
    expect([over.status, over.body.kind]).toEqual([200, "ended"]);
  });

  it("takes the second night of a schedule, whose inputs the run before has seen", async () => {
    const manifest = {
      input: { store: "faces", prefix: PREFIX },
      faces: "aligned",
      output: { store: "faces", prefix: "client-nights/" },
      execution: "client",
    };
    const schedule = { name: "nights", cron: "30 2 * * *", enabled: false, manifest };
    const { body: made } = await ask<{ readonly id: string }>(ADMIN, "POST", "/v1/schedules", schedule);
    for (const dueAt of ["2026-11-22T02:30:00.000Z", "2026-11-23T02:30:00.000Z"]) {
      const { body: run } = await ask<{ readonly jobId: string }>(ADMIN, "POST", `/v1/schedules/${made.id}/run`, {
        dueAt,
      });
      const lease = await takeLease(ADMIN, run.jobId, await passCanary(ADMIN, run.jobId));
      const records = await scoreHonestly(ADMIN, lease);
      expect(await put(ADMIN, lease, records)).toMatchObject({ status: 200 });
      expect(await follow(ADMIN, run.jobId)).toMatchObject({ status: "completed" });
      expect(await readLabels(ADMIN, run.jobId)).toBe(expected["aligned"]);
    }
    await ask(ADMIN, "DELETE", `/v1/schedules/${made.id}`);
  });

  it("reads packed inputs in runs, and alone what a run cannot give", async () => {
    const members = PICTURES.map((name) => ({ name, body: readPicture(name) }));
    const entries = members.map(({ name, body }) => ({ header: { name, size: body.length }, body }));
    await bucket.put("client-packed/0.tar", new Uint8Array(await packTar(entries)));
    const packed = { input: { store: "faces", prefix: "client-packed/" }, format: "tar" };
    const edge = await submitJob(ADMIN, { ...packed, execution: "edge" });
    await follow(ADMIN, edge.id);
    const { id } = await submitJob(ADMIN, { ...packed, limits: { chunkSize: 5 } });
    const token = await passCanary(ADMIN, id);
    const reads: number[] = [];
    for (let chunk = 0; chunk < 2; chunk++) {
      const lease = await takeLease(ADMIN, id, token);
      const read = createAddressReader(apiOf(ADMIN));
      let count = 0;
      const counted = (url: string) => {
        count += 1;
        return read(url);
      };
      const records = await withScorer(lease.task, (scorer) =>
        scoreLease(lease, scorer, prefetchLease(lease, counted)),
      );
      reads.push(count);
      // A client of before there were runs, or one that would cut them otherwise, reads each input alone.
      const { runs, ...plain } = lease;
      for (const other of [plain, { ...plain, runs: { ...runs!, maxGapBytes: 0 } }]) {
        count = 0;
        expect(await withScorer(lease.task, (scorer) => scoreLease(other, scorer, counted))).toEqual(records);
        expect(count).toBe(lease.items.length);
      }
      expect((await put(ADMIN, lease, records)).status).toBe(200);
    }
    expect(reads).toEqual([1, 1]);
    expect(await follow(ADMIN, id)).toMatchObject({ status: "completed", counts: { finished: PICTURES.length } });
    expect(await readLabels(ADMIN, id)).toBe(await readLabels(ADMIN, edge.id));
    const lock = await (await call(ADMIN, `/v1/jobs/${id}/outputs/run.lock.json`)).json();
    expect(lock).toMatchObject({ receipt: { chunks: { client: 2 }, reads: 2 } });
  });

  it("takes pictures out of the pages of a Parquet file", async () => {
    const columnData = [{ name: "image", data: PICTURES.map((path) => ({ bytes: readPicture(path), path })) }];
    const schema: SchemaElement[] = [
      { name: "root", num_children: 1 },
      { name: "image", repetition_type: "OPTIONAL", num_children: 2 },
      { name: "bytes", repetition_type: "OPTIONAL", type: "BYTE_ARRAY" },
      { name: "path", repetition_type: "OPTIONAL", type: "BYTE_ARRAY", converted_type: "UTF8" },
    ];
    const file = parquetWriteBuffer({ columnData, schema, codec: "SNAPPY" });
    await bucket.put("client-pages/0.parquet", new Uint8Array(file));
    const paged = { input: { store: "faces", prefix: "client-pages/" }, format: "parquet" };
    const edge = await submitJob(ADMIN, { ...paged, execution: "edge" });
    await follow(ADMIN, edge.id);
    const { id } = await submitJob(ADMIN, paged);
    const lease = await takeLease(ADMIN, id, await passCanary(ADMIN, id));
    expect(lease.runs?.reads).toHaveLength(1);
    const records = await scoreHonestly(ADMIN, lease);
    const { runs: _, ...alone } = lease;
    expect(await scoreHonestly(ADMIN, alone)).toEqual(records);
    expect((await put(ADMIN, lease, records)).status).toBe(200);
    expect(await follow(ADMIN, id)).toMatchObject({ status: "completed" });
    expect(await readLabels(ADMIN, id)).toBe(await readLabels(ADMIN, edge.id));
  });

  it("gives a chunk back, which the edge then scores; renews another", async () => {
    const { id } = await submitJob(ADMIN, { limits: { chunkSize: 3 } });
    const token = await passCanary(ADMIN, id);
    const given = await takeLease(ADMIN, id, token);
    const kept = await takeLease(ADMIN, id, token);
    const path = (lease: ClientLease) => `/v1/jobs/${id}/chunks/${lease.chunkId}`;
    expect((await ask(ADMIN, "DELETE", path(given), { nonce: given.nonce })).status).toBe(204);
    expect((await ask(ADMIN, "DELETE", path(given), { nonce: given.nonce })).status).toBe(409);
    expect((await ask(ADMIN, "POST", `${path(given)}/renew`, { nonce: given.nonce })).status).toBe(409);
    const renewed = await ask<{ leaseMs: number }>(ADMIN, "POST", `${path(kept)}/renew`, { nonce: kept.nonce });
    expect(renewed.body.leaseMs).toBeGreaterThan(0);
    // Late records are refused and lose nothing: the edge has the chunk.
    expect((await put(ADMIN, given, await scoreHonestly(ADMIN, given))).status).toBe(409);
    expect((await put(ADMIN, kept, await scoreHonestly(ADMIN, kept))).status).toBe(200);
    expect((await follow(ADMIN, id)).status).toBe("completed");
    expect(await readLabels(ADMIN, id)).toBe(expected["aligned"]);
  });

  it("says of an object that changed what the edge says", async () => {
    await bucket.put("client-changed/a.png", readPicture("grey-48x48.png"));
    await bucket.put("client-changed/b.png", readPicture("rgb-128x128.png"));
    const { id } = await submitJob(ADMIN, { input: { store: "faces", prefix: "client-changed/" } });
    const lease = await takeLease(ADMIN, id, await passCanary(ADMIN, id));
    await bucket.put("client-changed/a.png", readPicture("palette.png"));
    await bucket.delete(["client-changed/b.png"]);
    const records = await scoreHonestly(ADMIN, lease);
    expect(records.map(({ status, error }) => [status, error?.code])).toEqual([
      ["skipped", "object_changed"],
      ["failed", "object_missing"],
    ]);
    expect((await put(ADMIN, lease, records)).status).toBe(200);
    expect((await follow(ADMIN, id)).status).toBe("completed_with_errors");
  });
});

const askLease = (job: string, token: string) => ask(ADMIN, "POST", `/v1/jobs/${job}/leases`, { token });

describe("what is refused", () => {
  it("a lease without the canary, with a wrong answer, or with another job's or key's pass", async () => {
    const { id } = await submitJob(ADMIN);
    const other = await submitJob(ADMIN);
    expect((await askLease(id, "")).status).toBe(403);
    const { body: canary } = await ask<Canary>(ADMIN, "POST", `/v1/jobs/${id}/canary`, {});
    const honest = await withScorer(canary.task, (scorer) => scoreCanary(canary, scorer));
    const answer = { challenge: canary.challenge, backend: "wasm", ...honest };
    const bent = [...honest.probabilities];
    bent[0] = bent[0]! + 0.001;
    const wrong: [Record<string, unknown>, string, number][] = [
      [{ ...answer, probabilities: bent }, id, 422],
      [{ ...answer, probabilities: bent.slice(1) }, id, 422],
      [{ ...answer, pictureSha256: "0".repeat(64) }, id, 422],
      [answer, other.id, 403],
      [{ ...answer, challenge: `${canary.challenge.slice(0, -1)}0` }, id, 403],
    ];
    // The last digit may have been 0 already.
    if (canary.challenge.endsWith("0")) wrong.pop();
    for (const [body, job, status] of wrong) {
      expect((await ask(ADMIN, "PUT", `/v1/jobs/${job}/canary`, body)).status).toBe(status);
    }
    const { body } = await ask<CanaryPass>(ADMIN, "PUT", `/v1/jobs/${id}/canary`, answer);
    expect((await askLease(other.id, body.token)).status).toBe(403);
    expect((await askLease(id, `${body.token}0`)).status).toBe(403);
    // A challenge or an address is signed too, but is no pass.
    expect((await askLease(id, canary.challenge)).status).toBe(403);
    const { key } = await makeKey();
    expect((await ask(key, "POST", `/v1/jobs/${id}/leases`, { token: body.token })).status).toBe(404);
    const mine = await submitJob(key);
    const pass = await passCanary(key, mine.id);
    expect((await ask(ADMIN, "POST", `/v1/jobs/${mine.id}/leases`, { token: pass })).status).toBe(403);
    for (const job of [id, other.id, mine.id]) await ask(ADMIN, "POST", `/v1/jobs/${job}/cancel`);
  });

  it("leases of a job of the edge, and any of an unknown one", async () => {
    const { id } = await submitJob(ADMIN, { execution: "edge" });
    expect((await ask(ADMIN, "POST", `/v1/jobs/${id}/canary`, {})).status).toBe(409);
    const nobody = "00000000-0000-7000-8000-000000000000";
    expect((await ask(ADMIN, "POST", `/v1/jobs/${nobody}/canary`, {})).status).toBe(404);
    await follow(ADMIN, id);
  });

  it("addresses that were changed, that belong to another job, or that come without a key", async () => {
    const { key } = await makeKey();
    const { id } = await submitJob(key);
    const lease = await takeLease(key, id, await passCanary(key, id));
    const { url } = lease.items[0]!;
    const honest = await call(key, url);
    expect([honest.status, (await honest.arrayBuffer()).byteLength]).toEqual([200, lease.items[0]!.item.size]);
    const [body = "", signature = ""] = url.slice(url.lastIndexOf("/") + 1).split(".");
    const claim = JSON.parse(atob(body.replaceAll("-", "+").replaceAll("_", "/"))) as { item: Record<string, unknown> };
    const forge = (item: Record<string, unknown>) => {
      const text = btoa(JSON.stringify({ ...claim, item: { ...claim.item, ...item } }));
      return `/v1/jobs/${id}/reads/${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}.${signature}`;
    };
    const forgeries = [
      forge({ key: "secret.png" }),
      forge({ etag: null }),
      url.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
      `${url}/../../../../stores/faces`,
      `/v1/jobs/${id}/reads/..%2F..%2Fx.${signature}`,
      `/v1/jobs/${id}/reads/${lease.nonce}`,
    ];
    for (const forged of forgeries) expect([403, 404]).toContain((await call(key, forged)).status);
    expect((await call(ADMIN, url)).status).toBe(403);
    const other = await submitJob(key);
    expect((await call(key, url.replace(id, other.id))).status).toBe(403);
    expect((await call("ctn_nobody", url)).status).toBe(401);
    for (const job of [id, other.id]) await ask(ADMIN, "POST", `/v1/jobs/${job}/cancel`);
  });

  it("records with another nonce, for another chunk, by another key, or of no form", async () => {
    const { key } = await makeKey();
    const { id } = await submitJob(key, { limits: { chunkSize: 3 } });
    const token = await passCanary(key, id);
    const first = await takeLease(key, id, token);
    const second = await takeLease(key, id, token);
    const records = await scoreHonestly(key, first);
    expect((await put(key, first, records, "0".repeat(32))).status).toBe(409);
    expect((await put(key, first, records, second.nonce)).status).toBe(409);
    expect((await put(key, first, records, first.nonce, second.chunkId)).status).toBe(409);
    expect((await put(key, first, records, first.nonce, "000000999")).status).toBe(404);
    expect((await put(key, first, records, first.nonce, "..%2Fx")).status).toBe(404);
    expect((await put(ADMIN, first, records)).status).toBe(409);
    expect((await put(key, first, "none")).status).toBe(422);
    expect((await put(key, first, [{ ...records[0], probabilities: "high" }])).status).toBe(422);
    // None of it cost the lease.
    expect((await put(key, first, records)).status).toBe(200);
    expect((await put(key, second, await scoreHonestly(key, second))).status).toBe(200);
    expect((await follow(key, id)).status).toBe("completed");
    expect(await readLabels(key, id)).toBe(expected["aligned"]);
  });
});

type Lie = (records: readonly ScoreRecord[]) => readonly ScoreRecord[];
const change =
  (edit: (record: ScoreRecord) => Partial<ScoreRecord>): Lie =>
  ([first, ...rest]) => [{ ...first!, ...edit(first!) }, ...rest];
const none = { label: null, probabilities: null, margin: null, entropy: null, face: null, quality: null } as const;

const LIES: Record<string, Lie> = {
  "two records swapped": ([a, b, ...rest]) => [
    { ...a!, label: b!.label, probabilities: b!.probabilities, margin: b!.margin, entropy: b!.entropy, face: b!.face },
    b!,
    ...rest,
  ],
  "a label that is not the most probable": change(({ label }) => ({ label: label === "Happy" ? "Sad" : "Happy" })),
  "probabilities moved a little": change(({ probabilities }) => {
    const [p = 0, q = 0, ...rest] = Object.values(probabilities!);
    const moved = p > q ? [p - 0.0005, q + 0.0005, ...rest] : [p + 0.0005, q - 0.0005, ...rest];
    return { probabilities: nameProbabilities(LABELS, moved) };
  }),
  "no face where there is one": change(() => ({ ...none, status: "no_face" })),
  "an input that is said to have changed": change(() => ({
    ...none,
    status: "skipped",
    error: { code: "object_changed", message: "the object is not the one that was listed" },
  })),
  "another box": change(({ face }) => ({ face: { ...face!, box: { ...face!.box, x: face!.box.x + 1 } } })),
  "another θ": change(({ face }) => ({ face: { ...face!, theta: face!.theta!.map((value) => value + 0.01) } })),
  "a decoder that the server does not have": change(() => ({ decoder: "sharp@0.35.5" })),
  "another etag": change(() => ({ etag: "0123456789abcdef" })),
  "a record too few": (records) => records.slice(1),
  "a record twice": ([first, ...rest]) => [first!, first!, ...rest],
  "another model": change(() => ({ model: "deep-emotion@0" })),
};

describe("a lying client", () => {
  for (const [name, lie] of Object.entries(LIES)) {
    it(`is caught with ${name}: the edge scores the chunk, the key is blocked`, async () => {
      const { id } = await submitJob(ADMIN);
      const token = await passCanary(ADMIN, id);
      const lease = await takeLease(ADMIN, id, token);
      const { status, body } = await put(ADMIN, lease, lie(await scoreHonestly(ADMIN, lease)));
      expect([status, body["code"]]).toEqual([422, "client_rejected"]);
      expect((await ask(ADMIN, "POST", `/v1/jobs/${id}/leases`, { token })).status).toBe(403);
      const job = await follow(ADMIN, id);
      expect(job).toMatchObject({ status: "completed", issues: [{ code: "client_rejected" }] });
      expect(await readLabels(ADMIN, id)).toBe(expected["aligned"]);
      const lock = await (await call(ADMIN, `/v1/jobs/${id}/outputs/run.lock.json`)).json();
      expect(lock).toMatchObject({ receipt: { chunks: { edge: 1, client: 0, rejected: 1 } } });
    });
  }

  it("is caught with an invented face", async () => {
    const { id } = await submitJob(ADMIN, { faces: "all" });
    const lease = await takeLease(ADMIN, id, await passCanary(ADMIN, id));
    const records = await scoreHonestly(ADMIN, lease);
    const at = records.findIndex(({ face }) => face === null);
    const { label, probabilities, margin, entropy, quality } = {
      label: "Happy" as const,
      probabilities: nameProbabilities(LABELS, [0, 0, 0, 1, 0, 0, 0]),
      margin: 1,
      entropy: 0,
      quality: { brightness: 100, contrast: 10, side: 48 },
    };
    const face = { box: { x: 0, y: 0, width: 48, height: 48 }, score: 0.9, theta: null };
    const old = records[at]!;
    const invented: ScoreRecord = {
      ...old,
      id: `${old.id}#0`,
      status: "scored",
      label,
      probabilities,
      margin,
      entropy,
      quality,
      face,
    };
    const { body } = await put(ADMIN, lease, records.with(at, invented));
    expect(body["code"]).toBe("client_rejected");
    expect((await follow(ADMIN, id)).status).toBe("completed");
    expect(await readLabels(ADMIN, id)).toBe(expected["all"]);
  });
});
