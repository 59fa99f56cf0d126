import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { type Api, createApi } from "../../src/client/api.ts";
import type { ScheduleRunView, ScheduleView } from "../../src/scoring/schedules/schedule.ts";

/** Schedules over a real `wrangler dev`: the command line, and the cron fired by hand as docs/schedules.md says. */

const root = join(import.meta.dirname, "../..");
const ADMIN = "local-development-key";
let worker: LocalWorker;
let api: Api;
let folder = "";

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(...args: readonly string[]): Promise<Ended> {
  const variables = { ...process.env, COUNTENANCE_URL: worker.origin, COUNTENANCE_KEY: ADMIN };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, "cli/countenance.ts"), ...args], { env: variables }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

/** The cron fires at that moment. */
async function fire(atMs: number): Promise<void> {
  const response = await fetch(`${worker.origin}/cdn-cgi/handler/scheduled?cron=*/5+*+*+*+*&time=${atMs}`);
  expect(await response.text()).toBe("ok");
}

async function upload(key: string, picture: string): Promise<void> {
  await api.upload("faces", key, new Uint8Array(await readFile(join(root, "test/golden/images", picture))));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-schedules-"));
  worker = await startLocalWorker({ persistTo: join(folder, "state") });
  api = createApi({ baseUrl: worker.origin, key: ADMIN });
});

afterAll(async () => {
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("countenance schedule", () => {
  it("makes, lists, shows, changes, runs and deletes", async () => {
    await upload("cli/2026-11-21/a.png", "grey-48x48.png");
    const template = ["--store", "faces", "--prefix", "cli/{yyyy}-{mm}-{dd}/", "--window-offset-hours", "-24"];
    const made = await run("schedule", "create", "nightly", "--cron", "30 2 * * *", ...template);
    expect([made.code, made.err.startsWith("next run ")]).toEqual([0, true]);
    const id = made.out.trim();
    expect((await run("schedule", "list")).out).toContain(id);
    const job = (await run("schedule", "run", id, "--due-at", "2026-11-22T02:30:00Z")).out.trim();
    expect((await run("watch", job)).code).toBe(0);
    const shown = await run("schedule", "get", id);
    expect(shown.out).toContain(`2026-11-22 02:30  manual  ${job}  completed, 1 of 1 scored`);
    const changed = await run(
      "schedule",
      "update",
      id,
      "--disable",
      "--cron",
      "0 4 * * SUN",
      "--baseline",
      job,
      "--json",
    );
    expect(JSON.parse(changed.out)).toMatchObject({ enabled: false, cron: "0 4 * * SUN", baselineJobId: job });
    const wrong = await run("schedule", "update", id, "--cron", "often");
    expect([wrong.code, wrong.err.includes("cron: five fields")]).toEqual([2, true]);
    expect((await run("schedule", "delete", id)).code).toBe(0);
    expect((await run("schedule", "get", id)).code).toBe(2);
    expect((await run("get", job)).out).toContain("completed");
  });
});

describe("a night", () => {
  it("runs when the cron is fired by hand, and only once", async () => {
    await upload("nights/a.png", "grey-48x48.png");
    const manifest = { input: { store: "faces", prefix: "nights/" }, output: { store: "faces" } };
    const schedule = await api.makeSchedule({ name: "nights", cron: "30 2 * * *", manifest });
    const dueMs = Date.parse(schedule.nextRuns[0]!);
    await fire(dueMs);
    await fire(dueMs + 1000);
    const { lastRuns }: ScheduleView = await api.readSchedule(schedule.id);
    const dueAt = new Date(dueMs).toISOString();
    expect(lastRuns).toMatchObject([{ dueAt, trigger: "cron", failure: null }] satisfies Partial<ScheduleRunView>[]);
    expect((await run("watch", lastRuns[0]!.jobId!)).code).toBe(0);
  });
});
