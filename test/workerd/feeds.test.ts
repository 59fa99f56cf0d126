/* oxlint-disable typescript/no-unsafe-type-assertion -- answers and bindings as the tests expect them */
import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import type { ScheduleView } from "../../src/scoring/schedules/schedule.ts";
import worker from "../../src/worker.ts";
import { ADMIN, ask, bucket, call, follow, makeKey, readPicture } from "./api-client.ts";

/** Uploads that R2 tells of, as its queue delivers them to the Worker, and the runs that they end in. */

const PICTURES = ["grey-48x48.png", "rgb-128x128.png", "lossy.webp", "palette.png"];
const known = new Map<string, { readonly etag: string; readonly size: number }>();

/** The bucket of wrangler.toml. */
const BUCKET = "faces";

let sent = 0;

/** One batch, as the queue hands it over. */
async function deliver(bodies: readonly unknown[]) {
  const messages = bodies.map((body) => ({ id: `upload-${(sent += 1)}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch("uploads", messages);
  const context = createExecutionContext();
  await worker.queue(batch, env as Record<string, unknown>);
  return getQueueResult(batch, context);
}

const told = (key: string, more: object = {}) => ({
  account: "0123456789abcdef0123456789abcdef",
  action: "PutObject",
  bucket: BUCKET,
  object: { key, size: known.get(key)?.size ?? 1000, eTag: known.get(key)?.etag ?? "0".repeat(32) },
  eventTime: "2026-11-24T15:27:00.000Z",
  ...more,
});

async function fire(atMs: number): Promise<void> {
  const cron = exports.default as unknown as { scheduled(event: ScheduledEvent): Promise<void> };
  await cron.scheduled({ scheduledTime: atMs, cron: "*/5 * * * *" });
}

const made: string[] = [];

async function makeFeed(prefix: string, key = ADMIN, more: object = {}): Promise<ScheduleView> {
  const { status, body } = await ask<ScheduleView>(key, "POST", "/v1/schedules", {
    name: "uploads",
    cron: "0 0 * * *",
    manifest: {
      input: { store: "faces", prefix, open: true },
      faces: "aligned",
      output: { store: "faces", prefix: "out/{yyyy}/{mm}/{dd}/", layout: "dataset", formats: ["jsonl"] },
    },
    ...more,
  });
  if (status !== 201) throw new Error(JSON.stringify(body));
  made.push(body.id);
  return body;
}

/** Another manifest of a feed. */
const manifest = (limits: object, prefix = "feed/a/") => ({
  manifest: { input: { store: "faces", prefix, open: true }, output: { store: "faces", prefix: "out/" }, limits },
});

const readFeed = async (id: string): Promise<ScheduleView> =>
  (await ask<ScheduleView>(ADMIN, "GET", `/v1/schedules/${id}`)).body;

const add = (id: string, key: string, lines: string) =>
  call(key, `/v1/schedules/${id}/inputs`, { method: "POST", body: lines });

const readJob = async (id: string): Promise<JobView> => (await ask<JobView>(ADMIN, "GET", `/v1/jobs/${id}`)).body;

beforeAll(async () => {
  for (const prefix of ["feed/a/", "feed/b/"]) {
    for (const name of PICTURES) {
      await bucket.put(prefix + name, readPicture(name));
      known.set(prefix + name, (await bucket.head(prefix + name))!);
    }
  }
});

afterEach(async () => {
  for (const id of made.splice(0)) await ask(ADMIN, "DELETE", `/v1/schedules/${id}`);
});

describe("a feed", () => {
  it("opens a run with the first upload, takes each once, and ends as one data set when the next run begins", async () => {
    const feed = await makeFeed("feed/a/");
    const keys = PICTURES.map((name) => `feed/a/${name}`);
    const first = await deliver(keys.slice(0, 2).map((key) => told(key)));
    expect([first.outcome, first.retryMessages]).toEqual(["ok", []]);
    // Delivered again, with another; and what is not of interest.
    await deliver([
      ...keys.slice(1, 3).map((key) => told(key)),
      told(keys[3]!, { action: "DeleteObject" }),
      told("elsewhere/a.png"),
      told(keys[3]!, { bucket: "another" }),
      told("feed/a/folder/"),
      "no event of R2",
    ]);
    const { lastRuns, nextRuns } = await readFeed(feed.id);
    expect(lastRuns).toHaveLength(1);
    const day = lastRuns[0]!.jobId!;
    expect((await readJob(day)).open).toMatchObject({ received: 3, sealedAt: null });

    await fire(Date.parse(nextRuns[0]!));
    const ended = await follow(ADMIN, day);
    expect(ended).toMatchObject({ status: "completed", counts: { listed: 3, outcomes: { scored: 3 } } });
    expect(ended.output.layout).toBe("dataset");
    await deliver([told(keys[3]!)]);
    const next = (await readFeed(feed.id)).lastRuns[0]!;
    expect([next.dueAt, next.trigger]).toEqual([nextRuns[0], "cron"]);
    expect(await readJob(next.jobId!)).toMatchObject({ open: { received: 1, sealedAt: null } });
    // The cron that fires twice changes nothing.
    await fire(Date.parse(nextRuns[0]!));
    expect((await readFeed(feed.id)).lastRuns).toHaveLength(2);
    await ask(ADMIN, "POST", `/v1/jobs/${next.jobId}/cancel`);
  });

  it("opens another run where the newest takes no more, and keeps what a feed may not take from no other upload", async () => {
    const grants = [
      { store: "faces", prefix: "feed/b/" },
      { store: "faces", prefix: "out/" },
    ];
    const owner = await makeKey({ scopes: ["jobs:read", "jobs:write"], grants });
    const feed = await makeFeed("feed/b/", owner.key);
    const keys = PICTURES.map((name) => `feed/b/${name}`);
    const tooLong = `feed/b/${"x".repeat(1100)}`;
    const batch = await deliver([told(tooLong), ...keys.slice(0, 2).map((key) => told(key))]);
    expect([batch.outcome, batch.retryMessages]).toEqual(["ok", []]);
    const [run] = (await readFeed(feed.id)).lastRuns;
    expect((await readJob(run!.jobId!)).open?.received).toBe(2);
    await ask(ADMIN, "POST", `/v1/jobs/${run!.jobId}/cancel`);
    await deliver([told(keys[2]!)]);
    const [later, earlier] = (await readFeed(feed.id)).lastRuns;
    expect(earlier!.jobId).toBe(run!.jobId);
    expect((await readJob(later!.jobId!)).open?.received).toBe(1);

    // Nobody makes runs for a key that is gone: the uploads wait in the queue.
    await ask(ADMIN, "POST", `/v1/jobs/${later!.jobId}/cancel`);
    await ask(ADMIN, "DELETE", `/v1/keys/${owner.id}`);
    const left = await deliver([told(keys[3]!)]);
    expect(left.retryMessages).toHaveLength(1);
    const failed = (await readFeed(feed.id)).lastRuns[0]!;
    expect(failed.failure?.code).toBe("unauthorized");
    await deliver([told(keys[3]!)]);
    expect((await readFeed(feed.id)).lastRuns[0]).toEqual(failed);
  });

  it("takes inputs over HTTP, by the key that owns it", async () => {
    const feed = await makeFeed("feed/a/");
    const line = JSON.stringify({ key: "feed/a/palette.png", etag: known.get("feed/a/palette.png")?.etag });
    const answer = await add(feed.id, ADMIN, line);
    const fed = (await answer.json()) as { jobId: string };
    expect([answer.status, fed]).toMatchObject([200, { added: 1, known: 0, received: 1 }]);
    expect(await (await add(feed.id, ADMIN, line)).json()).toMatchObject({ jobId: fed.jobId, added: 0, known: 1 });
    const stranger = await makeKey({ scopes: ["jobs:write"] });
    expect((await add(feed.id, stranger.key, line)).status).toBe(404);
    expect((await add(feed.id, ADMIN, `{"key":"elsewhere/a.png"}`)).status).toBe(422);
    // A person may begin a new run, and with it seal the one before.
    const rerun = await ask<{ jobId: string }>(ADMIN, "POST", `/v1/schedules/${feed.id}/run`);
    expect((await follow(ADMIN, fed.jobId)).counts.listed).toBe(1);
    await ask(ADMIN, "POST", `/v1/jobs/${rerun.body.jobId}/cancel`);

    const nightly = await makeFeed("feed/a/", ADMIN, {
      manifest: { input: { store: "faces", prefix: "feed/a/" }, output: { store: "faces", prefix: "out/" } },
    });
    expect((await add(nightly.id, ADMIN, line)).status).toBe(409);
  });

  it("has no window in its prefix, and runs that outlive the time until the next", async () => {
    await expect(makeFeed("", ADMIN, manifest({}, "feed/{yyyy}/"))).rejects.toThrow("manifest.input.prefix");
    await expect(makeFeed("", ADMIN, manifest({ openSeconds: 3600 }))).rejects.toThrow("too_far_apart");
    await expect(makeFeed("", ADMIN, { ...manifest({}), cron: "0 0 * * SUN" })).rejects.toThrow("too_far_apart");
    expect((await makeFeed("", ADMIN, { ...manifest({ openSeconds: 7200 }), cron: "0 * * * *" })).enabled).toBe(true);
  });
});
