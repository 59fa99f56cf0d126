/* oxlint-disable typescript/no-unsafe-type-assertion -- answers and bindings as the tests expect them */
import { env, exports } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { ScoringError } from "../../src/errors.ts";
import type { DirectoryBase } from "../../src/jobs/directory-object.ts";
import { runDueSchedules } from "../../src/jobs/run-due-schedules.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import type { Report } from "../../src/scoring/report/report.ts";
import type { ScheduleOutlookView } from "../../src/scoring/schedules/judge-runs.ts";
import { LIMITS, type Limits } from "../../src/scoring/limits.ts";
import type { ScheduleDeps } from "../../src/scoring/schedules/run-schedule.ts";
import type { ScheduleRecord, ScheduleRunView, ScheduleView } from "../../src/scoring/schedules/schedule.ts";
import { ADMIN, ask, bucket, call, follow, makeKey, type MadeKey, readPicture } from "./api-client.ts";

/** Schedules over HTTP and by the Worker's cron, in the real runtime. */

interface Problem {
  readonly code: string;
  readonly issues: readonly { path: string; code: string }[];
}

const DAY_MS = 86_400_000;
const SCHEDULE_CRON = "*/5 * * * *";

/** The cron fires at another moment than now. */
async function fire(atMs: number, cron = SCHEDULE_CRON): Promise<void> {
  const worker = exports.default as unknown as { scheduled(event: ScheduledEvent): Promise<void> };
  await worker.scheduled({ scheduledTime: atMs, cron });
}

function makeBody(prefix: string, more: Record<string, unknown> = {}) {
  return {
    name: "nightly",
    cron: "30 2 * * *",
    manifest: {
      input: { store: "faces", prefix: `${prefix}in/` },
      output: { store: "faces", prefix: `${prefix}out/` },
    },
    ...more,
  };
}

async function makeSchedule(key: string, prefix: string, more: Record<string, unknown> = {}): Promise<ScheduleView> {
  const { status, body } = await ask<ScheduleView>(key, "POST", "/v1/schedules", makeBody(prefix, more));
  if (status !== 201) throw new Error(`no schedule: ${JSON.stringify(body)}`);
  return body;
}

const readSchedule = async (key: string, id: string): Promise<ScheduleView> =>
  (await ask<ScheduleView>(key, "GET", `/v1/schedules/${id}`)).body;

const list = (key: string) => ask<{ schedules: ScheduleView[] }>(key, "GET", "/v1/schedules");

/** The tests fire days ahead: what one leaves would be due in the next. */
const remove = async (id: string): Promise<void> => void (await ask(ADMIN, "DELETE", `/v1/schedules/${id}`));

const countJobs = async (key: string): Promise<number> =>
  (await ask<{ jobs: JobView[] }>(key, "GET", "/v1/jobs")).body.jobs.length;

const nextOf = (schedule: ScheduleView): number => Date.parse(schedule.nextRuns[0]!);

describe("schedules", () => {
  it("are made, listed, read, changed and removed, by the key that owns them", async () => {
    const [owner, other] = [await makeKey(), await makeKey()];
    const made = await makeSchedule(owner.key, "crud/");
    expect(made).toMatchObject({ name: "nightly", enabled: true, owner: owner.id, baselineJobId: null, lastRuns: [] });
    expect(made.nextRuns).toHaveLength(5);
    expect(nextOf(made) % DAY_MS).toBe(2.5 * 3_600_000);
    const path = `/v1/schedules/${made.id}`;
    for (const method of ["GET", "PATCH", "DELETE"]) {
      expect((await ask(other.key, method, path, method === "PATCH" ? {} : undefined)).status).toBe(404);
    }
    expect((await ask(other.key, "POST", `${path}/run`)).status).toBe(404);
    expect((await list(owner.key)).body.schedules.map(({ id }) => id)).toEqual([made.id]);
    expect((await list(other.key)).body.schedules).toEqual([]);
    expect((await list(ADMIN)).body.schedules.map(({ id }) => id)).toContain(made.id);
    const changed = await ask<ScheduleView>(owner.key, "PATCH", path, { name: "weekly", cron: "0 4 * * SUN" });
    expect(changed.body).toMatchObject({ name: "weekly", cron: "0 4 * * SUN", manifest: made.manifest });
    expect(new Date(nextOf(changed.body)).getUTCDay()).toBe(0);
    const disabled = await ask<ScheduleView>(owner.key, "PATCH", path, { enabled: false });
    expect(disabled.body.nextRuns).toEqual([]);
    expect((await ask(owner.key, "DELETE", path)).status).toBe(204);
    expect((await ask(owner.key, "GET", path)).status).toBe(404);
  });

  it("are listed in pages, oldest first", async () => {
    const { key } = await makeKey();
    const made = [await makeSchedule(key, "a/"), await makeSchedule(key, "b/"), await makeSchedule(key, "c/")];
    const listed: string[] = [];
    const sizes: number[] = [];
    let cursor: string | null = null;
    do {
      const path: string = `/v1/schedules?limit=2${cursor === null ? "" : `&cursor=${cursor}`}`;
      const { body } = await ask<{ schedules: ScheduleView[]; cursor: string | null }>(key, "GET", path);
      listed.push(...body.schedules.map(({ id }) => id));
      sizes.push(body.schedules.length);
      cursor = body.cursor;
    } while (cursor !== null);
    expect(sizes).toEqual([2, 1]);
    expect(listed).toEqual(made.map(({ id }) => id));
    for (const { id } of made) await remove(id);
  });

  it("are checked whole before they are kept", async () => {
    const { key } = await makeKey({ grants: [{ store: "faces", prefix: "mine/" }] });
    const attempts: readonly (readonly [Record<string, unknown>, string, string])[] = [
      [{ cron: "* * * * *" }, "validation_failed", "cron"],
      [{ cron: "never" }, "validation_failed", "cron"],
      [{ manifest: {} }, "validation_failed", "manifest.input"],
      [{ manifest: { ...makeBody("mine/").manifest, dryRun: true } }, "validation_failed", "manifest.dryRun"],
      [{ manifest: { ...makeBody("mine/").manifest, name: "{day}" } }, "validation_failed", "manifest.name"],
      [{ manifest: makeBody("theirs/").manifest }, "forbidden", "manifest.input.prefix"],
      [{ surplus: 1 }, "validation_failed", "surplus"],
    ];
    for (const [more, code, path] of attempts) {
      const { body } = await ask<Problem>(key, "POST", "/v1/schedules", makeBody("mine/", more));
      expect(body.code).toBe(code);
      expect(body.issues.map((issue) => issue.path)).toContain(path);
    }
    expect((await ask<{ schedules: unknown[] }>(key, "GET", "/v1/schedules")).body.schedules).toEqual([]);
    const reader = await makeKey({ scopes: ["jobs:read"] });
    expect((await ask(reader.key, "POST", "/v1/schedules", makeBody("mine/"))).status).toBe(403);
    expect((await ask(reader.key, "GET", "/v1/schedules")).status).toBe(200);
    const made = await makeSchedule(key, "mine/");
    // The runs are the owner's: an admin cannot make them read what the owner may not.
    const widened = await ask<Problem>(ADMIN, "PATCH", `/v1/schedules/${made.id}`, {
      manifest: makeBody("theirs/").manifest,
    });
    expect(widened.body.code).toBe("forbidden");
    const baseline = await ask<Problem>(key, "PATCH", `/v1/schedules/${made.id}`, { baselineJobId: made.id });
    expect(baseline.body.issues).toMatchObject([{ path: "baselineJobId" }]);
    await remove(made.id);
  });

  it("run when they are due, once, however often the cron fires", async () => {
    const { key } = await makeKey();
    await bucket.put("due/in/a.png", readPicture("grey-48x48.png"));
    const made = await makeSchedule(key, "due/");
    const dueMs = nextOf(made);
    await fire(dueMs - 1000);
    expect(await countJobs(key)).toBe(0);
    await fire(dueMs, "0 * * * *");
    expect(await countJobs(key)).toBe(0);
    await Promise.all([fire(dueMs + 1000), fire(dueMs + 1000)]);
    await fire(dueMs + 2000);
    expect(await countJobs(key)).toBe(1);
    const { lastRuns, nextRuns } = await readSchedule(key, made.id);
    expect(lastRuns).toMatchObject([{ dueAt: new Date(dueMs).toISOString(), trigger: "cron", failure: null }]);
    expect(Date.parse(nextRuns[0]!)).toBe(dueMs + DAY_MS);
    const job = await follow(key, lastRuns[0]!.jobId!);
    expect(job).toMatchObject({ status: "completed", counts: { outcomes: { scored: 1 } } });
    const after = await readSchedule(key, made.id);
    expect(after.lastRuns[0]!.job).toMatchObject({ status: "completed", listed: 1, scored: 1, failed: 0 });
    await remove(made.id);
  });

  it("catch up missed windows, each with its own input, and say what is skipped", async () => {
    const { key } = await makeKey();
    const made = await makeSchedule(key, "missed/", {
      windowOffsetHours: -24,
      manifest: {
        input: { store: "faces", prefix: "missed/{yyyy}-{mm}-{dd}/" },
        output: { store: "faces", prefix: "missed-out/" },
        name: "of {dd}",
      },
    });
    const dueMs = nextOf(made);
    await fire(dueMs + 9 * DAY_MS + 1000);
    const { lastRuns } = await readSchedule(key, made.id);
    expect(lastRuns).toHaveLength(8);
    expect(lastRuns.slice(0, 7).every(({ failure, jobId }) => failure === null && jobId !== null)).toBe(true);
    expect(lastRuns[7]).toMatchObject({
      dueAt: new Date(dueMs + 2 * DAY_MS).toISOString(),
      jobId: null,
      failure: { code: "missed" },
    });
    const newest = await ask<JobView>(key, "GET", `/v1/jobs/${lastRuns[0]!.jobId}`);
    const day = new Date(dueMs + 8 * DAY_MS).toISOString().slice(8, 10);
    expect(newest.body.name).toBe(`of ${day}`);
    for (const { jobId } of lastRuns.slice(0, 7)) await follow(key, jobId!);
    await remove(made.id);
  });

  it("run once for all that was missed where every run reads the same input", async () => {
    const { key } = await makeKey();
    const made = await makeSchedule(key, "same/");
    const dueMs = nextOf(made);
    await fire(dueMs + 3 * DAY_MS);
    const { lastRuns } = await readSchedule(key, made.id);
    expect(lastRuns.map(({ dueAt }) => Date.parse(dueAt))).toEqual([dueMs + 3 * DAY_MS]);
    await follow(key, lastRuns[0]!.jobId!);
    await remove(made.id);
  });

  it("run at once by hand; the same window gives the same job", async () => {
    const { key } = await makeKey();
    await bucket.put("hand/in/a.png", readPicture("grey-48x48.png"));
    const made = await makeSchedule(key, "hand/", { enabled: false });
    const run = (body: unknown) => ask<ScheduleRunView>(key, "POST", `/v1/schedules/${made.id}/run`, body);
    const dueAt = "2026-11-22T02:30:00.000Z";
    const first = await run({ dueAt });
    expect(first).toMatchObject({ status: 201, body: { dueAt, trigger: "manual", failure: null } });
    const again = await run({ dueAt });
    expect(again.body.jobId).toBe(first.body.jobId);
    const now = await run({});
    expect(now.body.jobId).not.toBe(first.body.jobId);
    for (const { body } of [first, now]) await follow(key, body.jobId!);
    const baseline = { baselineJobId: first.body.jobId };
    expect((await ask<ScheduleView>(key, "PATCH", `/v1/schedules/${made.id}`, baseline)).body).toMatchObject(baseline);
  });

  it("note why a run made no job, and go on", async () => {
    const { key, id }: MadeKey = await makeKey();
    const made = await makeSchedule(key, "gone/");
    const dueMs = nextOf(made);
    await ask(ADMIN, "DELETE", `/v1/keys/${id}`);
    await fire(dueMs + 1000);
    const { lastRuns, nextRuns } = await readSchedule(ADMIN, made.id);
    expect(lastRuns).toMatchObject([{ jobId: null, failure: { code: "unauthorized" } }]);
    expect(Date.parse(nextRuns[0]!)).toBe(dueMs + DAY_MS);
    await remove(made.id);
  });
});

/** What the schedule's page shows. */
const readAlerts = async (key: string, id: string): Promise<ScheduleOutlookView> =>
  (await ask<ScheduleOutlookView>(key, "GET", `/v1/schedules/${id}/alerts`)).body;

describe("what follows a run", () => {
  it("is a review of its new pictures, whose accuracy later runs show, and alerts", async () => {
    const [{ key }, anna] = [await makeKey(), await makeKey({ scopes: ["reviews:write"] })];
    const pictures = ["420-351x203.jpg", "grey-48x48.png", "rgb-128x128.png", "lossy.webp", "palette.png"];
    for (const name of pictures) await bucket.put(`looked/in/${name}`, readPicture(name));
    const made = await makeSchedule(key, "looked/", {
      manifest: { ...makeBody("looked/").manifest, faces: "aligned" },
      review: { perRun: 20, readers: [anna.id] },
    });
    expect(made).toMatchObject({ review: { perRun: 20, by: null }, alerts: { enabled: true, noFace: 0.1 } });
    const runOn = async (dueMs: number): Promise<string> => {
      await fire(dueMs);
      const { jobId } = (await readSchedule(key, made.id)).lastRuns[0]!;
      await follow(key, jobId!);
      // The directory hears of the end a little later.
      await vi.waitUntil(async () =>
        (await readSchedule(key, made.id)).lastRuns[0]!.job?.status.startsWith("completed"),
      );
      await fire(dueMs + 1000);
      return jobId!;
    };
    const dueMs = nextOf(made);
    const first = await runOn(dueMs);
    expect((await readAlerts(key, made.id)).reviews).toMatchObject([{ jobId: first, drawn: 5, seen: 0, result: null }]);
    const answers = Array.from({ length: 5 }, (_, at) => ({ at, label: "Happy", seconds: 2 }));
    const answered = await ask(anna.key, "POST", `/v1/jobs/${first}/reviews/answers`, { answers: answers.slice(1) });
    expect(answered.status).toBe(204);

    // By day a picture comes, and one that is none.
    await bucket.put("looked/in/z.jpg", readPicture("q90-47x49.jpg"));
    for (const name of ["zz-1.png", "zz-2.png", "zz-3.png"]) await bucket.put(`looked/in/${name}`, "no picture");
    const second = await runOn(dueMs + DAY_MS);
    const { alerts, reviews, told } = await readAlerts(key, made.id);
    expect(reviews).toMatchObject([
      { jobId: first, drawn: 5, seen: 4 },
      { jobId: second, drawn: 1, seen: 0 },
    ]);
    expect(alerts.map(({ subject, jobId }) => [subject, jobId])).toEqual(
      expect.arrayContaining([
        ["Not scored", second],
        ["Review", first],
      ]),
    );
    expect(told.map(({ text }) => text)).toEqual(expect.arrayContaining(alerts.map(({ text }) => text)));
    // The answers give figures by the next run, whose report shows them.
    await ask(anna.key, "POST", `/v1/jobs/${first}/reviews/answers`, { answers });
    await fire(dueMs + DAY_MS + 3_600_000);
    const third = await runOn(dueMs + 2 * DAY_MS);
    const accuracy = (await readAlerts(key, made.id)).reviews[0]!.result!.accuracy;
    const report = await ask<Report>(key, "GET", `/v1/jobs/${third}/report`, undefined, { accept: "application/json" });
    expect(report.body.reviewed).toMatchObject([{ jobId: first, answered: 5, accuracy }]);
    const page = await (await call(key, `/v1/jobs/${third}/report`, { headers: { accept: "text/html" } })).text();
    expect(page).toContain("Is the model as right as it was?");
    expect((await ask(anna.key, "GET", `/v1/schedules/${made.id}/alerts`)).status).toBe(403);
    const wrong = await ask<Problem>(key, "PATCH", `/v1/schedules/${made.id}`, { review: { perRun: 20, by: "shop" } });
    expect(wrong.body.issues).toMatchObject([{ path: "review.by", code: "unknown_group" }]);
    const silent = await ask<Problem & { detail: string }>(key, "PATCH", `/v1/schedules/${made.id}`, {
      alerts: { url: "https://receiver.example/" },
    });
    expect(silent.body.detail).toContain("WEBHOOK_SECRET is not configured");
    await remove(made.id);
  });
});

describe("one look at what is due", () => {
  const HOUR_MS = 3_600_000;
  const dueMs = Date.parse("2026-11-25T02:30:00.000Z");
  const failing = new ScoringError("store_unavailable", "out of reach");

  /** Looks once over schedules of these owners, all due; every run of "broken" fails and may succeed later. */
  function createLook(name: string, more: Partial<Limits>, catchUp: boolean) {
    const directory = (env as { DIRECTORY: DurableObjectNamespace<DirectoryBase> }).DIRECTORY.getByName(name);
    const asked: string[] = [];
    const manifest = makeBody(catchUp ? "{dd}/" : "").manifest;
    const deps = {
      schedules: directory,
      clock: () => dueMs,
      limits: { ...LIMITS, ...more },
      readCaller: async (keyId: string) => {
        asked.push(keyId);
        if (keyId.startsWith("broken")) throw failing;
        return null;
      },
    } as unknown as ScheduleDeps;
    return {
      add: async (owner: string, overdueHours: number) => {
        const settledMs = dueMs - overdueHours * HOUR_MS - DAY_MS;
        const record: ScheduleRecord = {
          id: owner,
          name: owner,
          cron: "30 2 * * *",
          windowOffsetHours: 0,
          enabled: true,
          manifest,
          baselineJobId: null,
          owner,
          createdMs: settledMs,
          updatedMs: settledMs,
          revision: 1,
          settledMs,
        };
        await directory.addSchedule(record, dueMs - overdueHours * HOUR_MS, 100);
      },
      /** The owners whose runs were tried. */
      look: async (atMs: number): Promise<string[]> => {
        asked.length = 0;
        await runDueSchedules(deps, atMs, { log: () => undefined });
        return [...asked];
      },
    };
  }

  it("takes so many, the most overdue first; what fails waits behind the others", async () => {
    const { add, look } = createLook("due-order", { maxSchedulesPerTick: 2 }, false);
    await add("c", 1);
    await add("broken-a", 3);
    await add("broken-b", 2);
    await add("d", 0);
    expect(await look(dueMs)).toEqual(["broken-a", "broken-b"]);
    expect(await look(dueMs + 1000)).toEqual(["c", "d"]);
    expect(await look(dueMs + 2000)).toEqual(["broken-a", "broken-b"]);
    expect(await look(dueMs + 3000)).toEqual(["broken-a", "broken-b"]);
  });

  it("takes no more once it has made so many runs, those of what failed counted as the most that there can be", async () => {
    const { add, look } = createLook("due-runs", { maxRunsPerTick: 8 }, true);
    await add("a", 30 * 24);
    await add("b", 29 * 24);
    // Seven runs and the note of what was missed, each.
    expect(await look(dueMs)).toEqual(Array.from({ length: 7 }, () => "a"));
    expect(await look(dueMs)).toEqual(Array.from({ length: 7 }, () => "b"));
    await add("broken", 2);
    await add("broken-too", 1);
    await add("c", 0);
    expect(await look(dueMs)).toEqual(["broken", "broken-too"]);
    expect(await look(dueMs + 1000)).toEqual(["c", "broken"]);
  });
});
