/**
 * One job as its edge holds it: the coordinator and the eraser over its rows, those who wait for its events, and the alarm that
 * looks for lost work. The same in a Durable Object and in `src/serve/`.
 */

import { createEraser } from "../scoring/erase/eraser.ts";
import type { Eraser } from "../scoring/erase/eraser-port.ts";
import { createCoordinator } from "../scoring/job/coordinator.ts";
import type { JobCoordinator } from "../scoring/job/coordinator-port.ts";
import type { Directory } from "../scoring/job/job-directory.ts";
import type { JobSpec } from "../scoring/job/job-spec.ts";
import type { JobState } from "../scoring/job/job-state.ts";
import { isEnded } from "../scoring/job/job-status.ts";
import { type JobView, viewJob } from "../scoring/job/job-view.ts";
import type { WorkQueue } from "../scoring/job/messages.ts";
import type { Limits } from "../scoring/limits.ts";
import { describeEndedJob, type Metrics } from "../scoring/operations/metrics.ts";
import type { Logger } from "../log.ts";
import type { JobStorage } from "./sql-port.ts";
import { createSqliteRows } from "./sqlite-rows.ts";
import { createWaiters } from "./waiters.ts";

/** What a job needs of its surroundings. */
export interface JobShellDeps {
  readonly queue: WorkQueue;
  readonly directory: Directory;
  readonly clock: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly limits: Limits;
}

/** A job's coordinator and eraser with what only the API and the alarm ask. */
export interface JobShell extends JobCoordinator, Eraser {
  /** New events after `afterId`, waiting up to `waitMs` for one; empty on timeout. */
  waitEvents(afterId: number, limit: number, waitMs: number): ReturnType<JobCoordinator["listEvents"]>;
  /** The job as the API shows it; `null` if there is none. */
  view(): Promise<JobView | null>;
  /** Id of the key that made the job; `null` if there is no job. */
  owner(): Promise<string | null>;
  /** Forgets the job; its outputs stay. */
  erase(): Promise<void>;
  /** Looks for lost work, and sets the next alarm. */
  alarm(): Promise<void>;
}

/** The job that one storage holds. */
export function createJobShell(storage: JobStorage, deps: JobShellDeps): JobShell {
  const { queue, directory, clock, logger, metrics, limits } = deps;
  const rows = createSqliteRows(storage);
  const waiters = createWaiters();
  /** Asks to be called by `atMs`. An earlier alarm stays, or a busy job would never be swept. */
  async function wake(atMs: number): Promise<void> {
    const set = await storage.getAlarm();
    // Its time came two sweeps ago and it did not fire: the scheduler has lost it.
    const isLost = set !== null && set < clock() - 2 * limits.sweepMs;
    if (set !== null && set <= atMs && !isLost) return;
    await storage.setAlarm(atMs);
    if (!isLost) return;
    logger.log("warn", "alarm_lost", { job: rows.readState()?.id ?? null, lateMs: clock() - set });
    metrics.write([{ kind: "alarm_lost", seconds: (clock() - set) / 1000 }]);
  }

  /** The same, for calls that look at a job that has not ended. */
  async function wakeIfOpen(): Promise<void> {
    const state = rows.readState();
    if (state !== null && !isEnded(state.status)) await wake(clock() + limits.sweepMs);
  }

  const shared = {
    rows,
    queue,
    clock,
    limits,
    wake,
    sendFailed: (error: unknown) => logger.log("warn", "queue_send_failed", { error }),
  };
  // The list may lag behind a job, never block it.
  const updateList = (state: JobState, spec: JobSpec): Promise<void> =>
    directory.update(viewJob(state, spec, clock())).catch((error: unknown) => {
      logger.log("warn", "directory_update_failed", { job: state.id, error });
    });
  const eraser = createEraser({
    ...shared,
    announced: async (state, spec) => {
      const { erasure } = viewJob(state, spec, clock());
      logger.log("info", "job_erasure", { job: state.id, generation: state.generation ?? 0, ...erasure });
      await updateList(state, spec);
    },
  });
  const coordinator = createCoordinator({
    ...shared,
    announced: async (state: JobState, spec: JobSpec, type) => {
      waiters.wake();
      if (type === "status") {
        logger.log("info", "job_status", {
          job: state.id,
          status: state.status,
          failure: state.failure,
          waiting: state.waiting ?? null,
        });
        metrics.write(describeEndedJob(state, spec));
        await updateList(state, spec);
      }
    },
    compareRank: async ({ id, manifest }, wantsEdge) => {
      const standing = { jobId: id, priority: manifest.priority, wantsEdge, nowMs: clock(), rankMs: limits.rankMs };
      const answer = await directory.rank(standing).catch((error: unknown) => {
        logger.log("warn", "rank_unknown", { job: id, error });
        return null;
      });
      return answer?.outranked ?? null;
    },
    charge: async ({ id, owner }, dollars) => {
      // Whose rights come from elsewhere has no budget here.
      if (owner === null) return null;
      return directory.charge({ jobId: id, dollars, nowMs: clock() }).catch((error: unknown) => {
        logger.log("warn", "charge_failed", { job: id, error });
        return null;
      });
    },
  });

  async function sweepBoth(): Promise<number | null> {
    const times = [await coordinator.sweep(), await eraser.sweep()].filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  return {
    ...coordinator,
    ...eraser,
    async waitEvents(afterId, limit, waitMs) {
      await wakeIfOpen();
      const ready = await coordinator.listEvents(afterId, limit);
      if (ready.length > 0) return ready;
      await waiters.wait(waitMs);
      return coordinator.listEvents(afterId, limit);
    },
    async view() {
      await wakeIfOpen();
      const job = await coordinator.read();
      return job === null ? null : viewJob(job.state, job.spec, clock());
    },
    owner: async () => (await coordinator.read())?.spec.owner?.keyId ?? null,
    async erase() {
      await storage.deleteAlarm();
      await rows.clear();
    },
    async alarm() {
      try {
        const nextMs = await sweepBoth();
        if (nextMs !== null) await storage.setAlarm(nextMs);
      } catch (error) {
        // The scheduler tries a handler that failed a few times only; a job that goes on wants to be called again whatever happens.
        await wakeIfOpen();
        throw error;
      }
    },
    async sweep() {
      const nextMs = await sweepBoth();
      // Called from outside, in case an alarm was lost.
      if (nextMs !== null) await wake(nextMs);
      return nextMs;
    },
  };
}
