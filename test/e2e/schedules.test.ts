import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, createApi } from "../../src/client/api.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import type { RunLock } from "../../src/scoring/finalize/run-lock.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import { ADMIN, type Deployment, startPlatform } from "./platform.ts";

/** Schedules over a real `wrangler dev`: the command line, and the cron fired by hand as docs/schedules.md says. */

const root = join(import.meta.dirname, "../..");
let worker: Deployment;
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

async function upload(key: string, picture: string): Promise<void> {
  await api.upload("faces", key, new Uint8Array(await readFile(join(root, "test/golden/images", picture))));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-schedules-"));
  worker = await startPlatform({ persistTo: join(folder, "state") });
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
    // Nothing stands out; then a mark is set that any cost passes.
    expect(await run("schedule", "check", "nightly")).toEqual({ code: 0, out: "", err: "" });
    const marks = join(folder, "marks.json");
    await writeFile(marks, JSON.stringify({ dollars: 1e-12, noFace: 0.5 }));
    const options = ["--alerts", marks, "--review-per-run", "20", "--readers", "anna, ben", "--json"];
    expect(JSON.parse((await run("schedule", "update", id, ...options)).out)).toMatchObject({
      alerts: { enabled: true, dollars: 1e-12, noFace: 0.5, failed: 0.02 },
      review: { perRun: 20, by: null, readers: ["anna", "ben"] },
    });
    const check = await run("schedule", "check", id);
    expect([check.code, check.out]).toEqual([6, expect.stringMatching(/^2026-11-22 02:30 {2}Cost: Scoring cost \$/)]);
    const off = JSON.parse((await run("schedule", "update", id, "--review-per-run", "0", "--json")).out) as object;
    expect(off).toMatchObject({ review: null, alerts: { dollars: 1e-12 } });
    const lonely = await run("schedule", "update", id, "--readers", "anna");
    expect([lonely.code, lonely.err.includes("--readers needs --review-per-run")]).toEqual([2, true]);
    const wrong = await run("schedule", "update", id, "--cron", "often");
    expect([wrong.code, wrong.err.includes("must have five fields")]).toEqual([2, true]);
    expect((await run("schedule", "delete", id)).code).toBe(0);
    expect((await run("schedule", "get", id)).code).toBe(2);
    expect((await run("get", job)).out).toContain("completed");
  });
});

/** Portraits by key, as they lie in the bucket. */
const portraits = join(root, "node_modules/tabler-ui/dist/demo/faces/female");

async function uploadPortrait(key: string, name: string): Promise<void> {
  await api.upload("faces", key, new Uint8Array(await readFile(join(portraits, name))));
}

async function readLabels(job: string): Promise<readonly ScoreRecord[]> {
  const { out } = await run("get", job, "labels");
  return out
    .trimEnd()
    .split("\n")
    .map((line) => parseStored<ScoreRecord>(line));
}

describe("two nights", () => {
  it("run when the cron is fired by hand; the second scores only what changed, and tells flips and drift", async () => {
    const names = (await readdir(portraits)).sort().slice(0, 12);
    for (const name of names) await uploadPortrait(`nights/${name}`, name);
    const manifest = {
      input: { store: "faces", prefix: "nights/" },
      faces: "aligned" as const,
      output: { store: "faces" },
    };
    const schedule = await api.makeSchedule({ name: "nights", cron: "30 2 * * *", manifest });
    const dueMs = Date.parse(schedule.nextRuns[0]!);
    await worker.fireSchedules(dueMs);
    await worker.fireSchedules(dueMs + 1000);
    const first = await api.readSchedule(schedule.id);
    expect(first.lastRuns).toMatchObject([{ dueAt: new Date(dueMs).toISOString(), trigger: "cron", failure: null }]);
    const one = first.lastRuns[0]!.jobId!;
    expect((await run("watch", one)).code).toBe(0);
    expect((await api.readReport(one)).drift).toBeNull();

    // By day: two faces change places with one of another label, one goes, one comes.
    const before = await readLabels(one);
    const [changed, gone] = before;
    const other = before.find(({ label }) => label !== changed!.label)!;
    await uploadPortrait(changed!.key, other.key.slice("nights/".length));
    await uploadPortrait("nights/zz.jpg", names[0]!);
    await worker.bucket.delete([gone!.key]);

    await worker.fireSchedules(dueMs + 86_400_000);
    const second = await api.readSchedule(schedule.id);
    const two = second.lastRuns[0]!.jobId!;
    expect(two).not.toBe(one);
    expect((await run("watch", two)).code).toBe(0);
    const after = await readLabels(two);
    expect(after).toHaveLength(12);
    const kept = after.filter(({ key }) => key !== changed!.key && key !== "nights/zz.jpg");
    expect(kept).toEqual(before.filter(({ key }) => key !== changed!.key && key !== gone!.key));
    // The pictures that stayed were not read at all.
    const lock = parseStored<RunLock>((await run("get", two, "run.lock.json")).out);
    expect(lock.receipt.reads).toBe(2);
    expect(lock.schedule).toMatchObject({ id: schedule.id, carriedFrom: one, baseline: null });
    expect((await api.readJob(two)).schedule).toMatchObject({ id: schedule.id });
    const { drift } = await api.readReport(two);
    expect(drift).toMatchObject({
      against: { jobId: one },
      comparable: true,
      inputs: { carried: 10, scoredAgain: 1, appeared: 1, vanished: 1 },
      flips: { compared: 11, flipped: 1, unchangedFlips: 0, samples: [{ id: changed!.id, from: changed!.label }] },
    });
    expect(drift!.labels).toMatchObject({ cramersV: expect.any(Number) as number, p: expect.any(Number) as number });
    expect(drift!.quality).toHaveLength(3);
    expect((await run("get", two, "report.html")).out).toContain("Compared with the last run");
  });
});
