/* oxlint-disable typescript/no-unsafe-type-assertion -- bindings as wrangler.toml makes them */
import { env, exports } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DirectoryBase } from "../../src/jobs/directory-object.ts";
import type { JobCoordinatorBase } from "../../src/jobs/job-coordinator-object.ts";
import { type SweptJob, sweepOpenJobs } from "../../src/jobs/sweep-open-jobs.ts";
import { createUpkeepRows } from "../../src/jobs/upkeep-rows.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { CALLS_PER_JOB, listTurns, makeView, type Phase, round, Row, silent } from "./sweep-scene.ts";
import { ADMIN, ask, bucket, follow, readPicture } from "./api-client.ts";

/** The hourly sweep over the real directory: whose turn it is, and what one invocation may use. */

interface Bindings {
  readonly JOBS: DurableObjectNamespace<JobCoordinatorBase>;
  readonly DIRECTORY: DurableObjectNamespace<DirectoryBase>;
}
const { JOBS, DIRECTORY } = env as Bindings;

/** A job that waits for clients, which never come. */
async function makeWaitingJob(): Promise<string> {
  const { body } = await ask<JobView>(ADMIN, "POST", "/v1/jobs", {
    input: { store: "faces", prefix: "lost/in/" },
    output: { store: "faces", prefix: "lost/out/" },
    execution: "client",
  });
  return body.id;
}

/** The row of all open jobs. */
const readTurns = (): Promise<string[]> =>
  runInDurableObject(DIRECTORY.getByName("all"), (_, { storage }) => listTurns(storage.sql));

describe("the sweep of open jobs", () => {
  it("looks at each job within as many sweeps as the row is long, whatever starts, ends, fails or dies meanwhile", async () => {
    await runInDurableObject(DIRECTORY.getByName("rows"), async (directory, state) => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 9 }),
          fc.nat(40),
          fc.array(round, { maxLength: 12 }),
          async (maxJobs, open, rounds) => {
            const row = new Row(directory as DirectoryBase, state.storage.sql);
            for (let n = 0; n < open; n++) await row.start();
            for (const { started, ended, failing, killedAt } of rounds) {
              for (let n = 0; n < started; n++) await row.start();
              for (const { at, phase, told } of ended) await row.end(row.pick(at) ?? "", phase, told);
              await row.sweep(maxJobs, new Set(failing.map((at) => row.pick(at) ?? "")), killedAt);
            }
            await row.settleAll(maxJobs);
            expect(row.findings).toEqual([]);
          },
        ),
        { numRuns: 150 },
      );
    });
  });

  it("goes on where the one before stopped, over real jobs, and sets an alarm that was lost", async () => {
    await bucket.put("lost/in/a.png", readPicture("grey-48x48.png"));
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await makeWaitingJob());
    const swept: string[] = [];
    const openJob = (id: string): SweptJob => {
      const job = JOBS.getByName(id);
      swept.push(id);
      return { sweep: () => job.sweep(), view: () => job.view() };
    };
    // Jobs of other tests may stand before these.
    const turns = await readTurns();
    expect(turns.slice(-ids.length)).toEqual(ids);
    while (swept.length <= turns.length) await sweepOpenJobs(DIRECTORY.getByName("all"), openJob, 2, silent);
    expect(swept.slice(0, turns.length)).toEqual(turns);
    expect(turns).toContain(swept[turns.length]);
    for (const id of ids) await runInDurableObject(JOBS.getByName(id), (_, state) => state.storage.deleteAlarm());
    const worker = exports.default as unknown as { scheduled(event: ScheduledEvent): Promise<void> };
    await worker.scheduled({ scheduledTime: Date.now(), cron: "0 * * * *" });
    for (const id of ids) {
      expect(await runInDurableObject(JOBS.getByName(id), (_, state) => state.storage.getAlarm())).not.toBeNull();
      await ask(ADMIN, "POST", `/v1/jobs/${id}/cancel`);
      await follow(ADMIN, id);
    }
    const left = new Set(await readTurns());
    expect(ids.filter((id) => left.has(id))).toEqual([]);
  });

  it("knows the jobs of a directory that is older than its rows", async () => {
    const turns = await runInDurableObject(DIRECTORY.getByName("older"), async (directory, { storage: { sql } }) => {
      const phases: readonly Phase[] = ["open", "ended", "erasing", "retained", "open"];
      for (const [at, phase] of phases.entries()) {
        await (directory as DirectoryBase).update(makeView(`${at}-${phase}`, phase));
      }
      sql.exec("DROP TABLE turns");
      sql.exec("DROP TABLE retained");
      const rows = createUpkeepRows(sql);
      expect(rows.takeRetainedJob(Date.parse("2026-11-26T10:00:00.000Z"))).toBe("3-retained");
      return listTurns(sql);
    });
    expect(turns).toEqual(["0-open", "2-erasing", "4-open"]);
  });

  it("stays, as does each other work of the crons, below the subrequests of one invocation", () => {
    const { maxJobsPerSweep, maxRetainedPerSweep, maxDeletePages } = LIMITS;
    // A fifth and fifty of the store's calls may be repeated (retryPolicy in worker.ts).
    const storeCalls = 2 * maxDeletePages * 1.2 + 50;
    expect(CALLS_PER_JOB * (maxJobsPerSweep + maxRetainedPerSweep) + storeCalls).toBeLessThan(10_000 * 0.75);
    const { maxSchedulesPerTick, maxRunsPerTick, maxCatchUpRuns, maxOpenJobsAsked } = LIMITS;
    // Rights, runs, two lookups, reservations, the probe's three calls four times over, the job, the note: run-schedule.ts and submit.ts.
    const run = maxOpenJobsAsked + 25;
    expect(2 * maxSchedulesPerTick + run * (maxRunsPerTick + maxCatchUpRuns)).toBeLessThan(10_000 * 0.75);
  });
});
