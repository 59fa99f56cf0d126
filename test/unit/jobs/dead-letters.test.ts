import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { ScoringError } from "../../../src/errors.ts";
import { createDirectoryRows, type WholeDirectory } from "../../../src/jobs/directory-rows.ts";
import { loadSqlite } from "../../../src/serve/sqlite-file.ts";
import type { Caller } from "../../../src/scoring/access/access.ts";
import { type DeadLetter, nameDeadLetter } from "../../../src/scoring/job/dead-letter.ts";
import { createJob } from "../../../src/scoring/job/job-machine.ts";
import { makeRules } from "../../../src/scoring/job/job-rules.ts";
import type { JobStatus } from "../../../src/scoring/job/job-status.ts";
import { viewJob } from "../../../src/scoring/job/job-view.ts";
import type { WorkMessage } from "../../../src/scoring/job/messages.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { type DeadLetterDeps, listDeadLetters, sendDeadLetter } from "../../../src/scoring/requests/dead-letters.ts";
import { makeSpec } from "../../fault/scene.ts";

/** Dead letters over the directory's real rows: what is remembered, for whom, and until when. */

const openSqlite = await loadSqlite();
const folder = await mkdtemp(join(tmpdir(), "countenance-letters-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
let databases = 0;
const createDirectory = (): WholeDirectory =>
  createDirectoryRows(openSqlite(join(folder, `${(databases += 1)}.sqlite`), "system").sql);

const score = (jobId: string, chunkId: string): WorkMessage => ({ kind: "score", jobId, chunkId });
const caller = (keyId: string, isAdmin = false): Caller => ({
  keyId,
  scopes: isAdmin ? ["admin"] : ["jobs:write"],
  grants: null,
  purposes: null,
  maxJobs: null,
  maxImagesPerDay: null,
});

async function addJob(directory: WholeDirectory, jobId: string, keyId: string): Promise<void> {
  const owner = { keyId, maxJobs: null, maxImagesPerDay: null };
  await directory.reserve({ jobId, idempotencyKey: null, bodySha256: "", nowMs: 1, owner });
  await directory.confirm(jobId);
  await changeJob(directory, jobId, "queued", 1);
}

async function changeJob(directory: WholeDirectory, id: string, status: JobStatus, atMs: number): Promise<void> {
  const spec = { ...makeSpec(), id };
  const { state } = createJob(id, makeRules(spec, LIMITS), 1);
  await directory.update(viewJob({ ...state, status, times: { validating: 1, [status]: atMs } }, spec, atMs));
}

interface World extends DeadLetterDeps {
  readonly directory: WholeDirectory;
  readonly sent: WorkMessage[];
  nowMs: number;
  queueFails: boolean;
}

function createWorld(): World {
  const directory = createDirectory();
  const world: World = {
    directory,
    deadLetters: directory,
    sent: [],
    nowMs: 10,
    queueFails: false,
    clock: () => world.nowMs,
    queue: {
      async send(messages) {
        if (world.queueFails) throw new ScoringError("queue_unavailable", "full");
        world.sent.push(...messages.map(({ message }) => message));
      },
    },
  };
  return world;
}

type Step =
  | { readonly kind: "die"; readonly job: number; readonly chunk: number }
  | { readonly kind: "send"; readonly job: number; readonly chunk: number; readonly fails: boolean }
  | { readonly kind: "end"; readonly job: number }
  | { readonly kind: "remove"; readonly job: number };

const JOBS = 3;
const place = { job: fc.nat(JOBS - 1), chunk: fc.nat(2) };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("die" as const), ...place }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("send" as const), ...place, fails: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.record({ kind: fc.constant("end" as const), job: place.job }),
      fc.record({ kind: fc.constant("remove" as const), job: place.job }),
    ),
  },
);

describe("dead letters", () => {
  it("whatever dies, is sent again, ends or goes, each piece of work has one letter with its story", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const world = createWorld();
        const { directory } = world;
        const ids = Array.from({ length: JOBS }, (_, at) => `job-${at}`);
        for (const id of ids) await addJob(directory, id, "key");
        const model = new Map<string, DeadLetter>();
        const gone = new Set<string>();
        for (const one of steps) {
          world.nowMs += 10;
          const { nowMs } = world;
          const jobId = ids[one.job]!;
          if (gone.has(jobId)) continue;
          if (one.kind === "end" || one.kind === "remove") {
            if (one.kind === "end") await changeJob(directory, jobId, "completed", nowMs);
            else await directory.remove(jobId);
            gone.add(jobId);
            for (const [id, { message }] of model) if (message.jobId === jobId) model.delete(id);
            continue;
          }
          const message = score(jobId, `c${one.chunk}`);
          const id = nameDeadLetter(message);
          const known = model.get(id);
          if (one.kind === "die") {
            await directory.noteDeadLetter(message, nowMs);
            const { firstMs = nowMs, deaths = 0 } = known ?? {};
            model.set(id, { id, message, firstMs, lastMs: nowMs, deaths: deaths + 1, sentMs: null });
            continue;
          }
          world.queueFails = one.fails;
          const before = world.sent.length;
          const answer = await sendDeadLetter(world, caller("key"), id).catch((error: ScoringError) => error.code);
          world.queueFails = false;
          const sent = known !== undefined && !one.fails;
          if (sent) model.set(id, { ...known, sentMs: nowMs });
          const told = typeof answer === "string" ? answer : `${answer.status} ${answer.deaths}`;
          const refusal = known === undefined ? "not_found" : "queue_unavailable";
          expect(told).toBe(sent ? `sent ${known.deaths}` : refusal);
          expect(world.sent.slice(before)).toEqual(sent ? [message] : []);
        }
        const { letters, total } = await directory.listDeadLetters(null, 100);
        const expected = [...model.values()].toSorted((a, b) => b.lastMs - a.lastMs);
        expect(letters).toEqual(expected);
        expect(total).toBe(expected.length);
        const dead = expected.filter(({ sentMs }) => sentMs === null).length;
        expect((await directory.readTotals()).deadLetters).toBe(dead);
      }),
      { numRuns: 100 },
    );
  });

  it("are those of the key's own jobs; an admin sees and sends all", async () => {
    const world = createWorld();
    await addJob(world.directory, "mine", "a");
    await addJob(world.directory, "other", "b");
    await world.directory.noteDeadLetter(score("mine", "c"), 10);
    await world.directory.noteDeadLetter(score("other", "c"), 11);
    expect(await listDeadLetters(world, caller("a"), 10)).toMatchObject({ total: 1, deadLetters: [{ jobId: "mine" }] });
    expect(await listDeadLetters(world, caller("c"), 10)).toMatchObject({ total: 0 });
    expect(await listDeadLetters(world, caller("x", true), 1)).toMatchObject({
      total: 2,
      deadLetters: [{ jobId: "other" }],
    });
    await expect(sendDeadLetter(world, caller("a"), "other.score.c")).rejects.toMatchObject({ code: "not_found" });
    expect(world.sent).toEqual([]);
    await sendDeadLetter(world, caller("x", true), "other.score.c");
    expect(world.sent).toEqual([score("other", "c")]);
  });

  it("are one for each range of a data set, whose steps have the same numbers", () => {
    const names = [0, 1].map((range) => nameDeadLetter({ kind: "merge", jobId: "job", range, step: 3 }));
    expect(names).toEqual(["job.merge.0-3", "job.merge.1-3"]);
  });

  it("one that died again while it was being sent is dead", async () => {
    const { directory } = createWorld();
    await directory.noteDeadLetter(score("job", "c"), 20);
    await directory.markDeadLetterSent("job.score.c", 15);
    expect((await directory.readTotals()).deadLetters).toBe(1);
  });

  it("are bounded: the oldest go first", async () => {
    const { directory } = createWorld();
    for (let at = 0; at <= LIMITS.maxDeadLetters; at++) await directory.noteDeadLetter(score("job", String(at)), at);
    const { letters, total } = await directory.listDeadLetters(null, LIMITS.maxDeadLetters + 10);
    expect([total, letters[0]?.lastMs, letters.at(-1)?.lastMs]).toEqual([
      LIMITS.maxDeadLetters,
      LIMITS.maxDeadLetters,
      1,
    ]);
  });

  it("totals count open jobs by status", async () => {
    const { directory } = createWorld();
    for (const id of ["a", "b", "c"]) await addJob(directory, id, "key");
    await changeJob(directory, "b", "running", 5);
    await changeJob(directory, "c", "completed", 5);
    expect((await directory.readTotals()).openJobs).toEqual({ queued: 1, running: 1 });
  });
});
