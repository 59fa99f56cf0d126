/** The Durable Object of one job: a shell around the coordinator, with an alarm that looks for lost work. */

import { DurableObject } from "cloudflare:workers";
import type { Directory } from "../scoring/job/job-directory.ts";
import { createCoordinator } from "../scoring/job/coordinator.ts";
import { createEraser } from "../scoring/erase/eraser.ts";
import type { Eraser, EraseReport } from "../scoring/erase/eraser-port.ts";
import type { EraseTarget } from "../scoring/job/erasure.ts";
import type { FinalizeReport, JobCommand, JobCoordinator, PlanReport } from "../scoring/job/coordinator-port.ts";
import type { JobSpec } from "../scoring/job/job-spec.ts";
import type { ChunkResult, ClientHold, JobFailure, JobState } from "../scoring/job/job-state.ts";
import { viewJob } from "../scoring/job/job-view.ts";
import type { Limits } from "../scoring/limits.ts";
import { describeEndedJob, type Metrics } from "../scoring/operations/metrics.ts";
import type { WorkQueue } from "../scoring/job/messages.ts";
import type { Issue } from "../errors.ts";
import type { Logger } from "../log.ts";
import { createSqliteRows, type SqliteRows } from "./sqlite-rows.ts";
import { createWaiters } from "./waiters.ts";

/** What the object needs of its surroundings; worker.ts provides it from the environment. */
export interface JobObjectDeps {
  readonly queue: WorkQueue;
  readonly directory: Directory;
  readonly clock: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly limits: Limits;
}

/** One instance a job, addressed by the job's id. */
export class JobCoordinatorBase extends DurableObject implements JobCoordinator, Eraser {
  readonly #coordinator: JobCoordinator;
  readonly #eraser: ReturnType<typeof createEraser>;
  readonly #clock: () => number;
  readonly #rows: SqliteRows;
  readonly #waiters = createWaiters();

  constructor(ctx: DurableObjectState, env: unknown, deps: JobObjectDeps) {
    super(ctx, env);
    const { queue, directory, clock, logger, metrics, limits } = deps;
    this.#clock = clock;
    this.#rows = createSqliteRows(ctx.storage);
    const shared = {
      rows: this.#rows,
      queue,
      clock,
      limits,
      wake: async (atMs: number) => {
        // Never push a nearer alarm away: a busy job would then never be swept.
        const set = await ctx.storage.getAlarm();
        if (set === null || set > atMs) await ctx.storage.setAlarm(atMs);
      },
      sendFailed: (error: unknown) => logger.log("warn", "queue_send_failed", { error }),
    };
    // The list may lag behind a job, never block it.
    const updateList = (state: JobState, spec: JobSpec): Promise<void> =>
      directory.update(viewJob(state, spec, clock())).catch((error: unknown) => {
        logger.log("warn", "directory_update_failed", { job: state.id, error });
      });
    this.#eraser = createEraser({
      ...shared,
      announced: async (state, spec) => {
        const { erasure } = viewJob(state, spec, clock());
        logger.log("info", "job_erasure", { job: state.id, generation: state.generation ?? 0, ...erasure });
        await updateList(state, spec);
      },
    });
    this.#coordinator = createCoordinator({
      ...shared,
      announced: async (state: JobState, spec: JobSpec, type) => {
        this.#waiters.wake();
        if (type === "status") {
          logger.log("info", "job_status", { job: state.id, status: state.status, failure: state.failure });
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
    });
  }

  override async alarm(): Promise<void> {
    const nextMs = await this.#sweepBoth();
    if (nextMs !== null) await this.ctx.storage.setAlarm(nextMs);
  }

  async #sweepBoth(): Promise<number | null> {
    const times = [await this.#coordinator.sweep(), await this.#eraser.sweep()].filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** New events after `afterId`, waiting up to `waitMs` for one; empty on timeout. */
  async waitEvents(afterId: number, limit: number, waitMs: number): ReturnType<JobCoordinator["listEvents"]> {
    const ready = await this.#coordinator.listEvents(afterId, limit);
    if (ready.length > 0) return ready;
    await this.#waiters.wait(waitMs);
    return this.#coordinator.listEvents(afterId, limit);
  }

  /** The job as the API shows it; `null` if there is none. */
  async view() {
    const job = await this.#coordinator.read();
    return job === null ? null : viewJob(job.state, job.spec, this.#clock());
  }

  /** Id of the key that made the job; `null` if there is no job. */
  async owner() {
    return (await this.#coordinator.read())?.spec.owner?.keyId ?? null;
  }

  /** Forgets the job; its outputs stay. */
  async erase(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.#rows.clear();
  }

  // Calls over RPC reach methods of the class only, so each is spelled out.
  create(spec: JobSpec) {
    return this.#coordinator.create(spec);
  }
  read() {
    return this.#coordinator.read();
  }
  command(command: JobCommand) {
    return this.#coordinator.command(command);
  }
  beginPlan(step: number) {
    return this.#coordinator.beginPlan(step);
  }
  commitPlan(report: PlanReport) {
    return this.#coordinator.commitPlan(report);
  }
  lease(chunkId: string) {
    return this.#coordinator.lease(chunkId);
  }
  finish(chunkId: string, result: ChunkResult) {
    return this.#coordinator.finish(chunkId, result);
  }
  release(chunkId: string, attempt: number) {
    return this.#coordinator.release(chunkId, attempt);
  }
  loseChunk(chunkId: string) {
    return this.#coordinator.loseChunk(chunkId);
  }
  retryTask(task: "plan" | "finalize", step: number, attempt: number, failure: JobFailure) {
    return this.#coordinator.retryTask(task, step, attempt, failure);
  }
  fail(failure: JobFailure) {
    return this.#coordinator.fail(failure);
  }
  beginFinalize(step: number) {
    return this.#coordinator.beginFinalize(step);
  }
  commitFinalize(report: FinalizeReport) {
    return this.#coordinator.commitFinalize(report);
  }
  leaseToClient(hold: ClientHold) {
    return this.#coordinator.leaseToClient(hold);
  }
  renewClient(chunkId: string, hold: ClientHold) {
    return this.#coordinator.renewClient(chunkId, hold);
  }
  returnFromClient(chunkId: string, hold: ClientHold, issue: Issue | null) {
    return this.#coordinator.returnFromClient(chunkId, hold, issue);
  }
  readChunk(chunkId: string) {
    return this.#coordinator.readChunk(chunkId);
  }
  shareClientSecret(candidate: string) {
    return this.#coordinator.shareClientSecret(candidate);
  }
  listChunks(fromIndex: number, limit: number) {
    return this.#coordinator.listChunks(fromIndex, limit);
  }
  listPages(skip: number, limit: number) {
    return this.#coordinator.listPages(skip, limit);
  }
  listOrphans(ids: readonly string[]) {
    return this.#coordinator.listOrphans(ids);
  }
  listEvents(afterId: number, limit: number) {
    return this.#coordinator.listEvents(afterId, limit);
  }
  readNotice(eventId: number) {
    return this.#coordinator.readNotice(eventId);
  }
  finishNotice(eventId: number) {
    return this.#coordinator.finishNotice(eventId);
  }
  askErase(store: string, target: EraseTarget) {
    return this.#eraser.askErase(store, target);
  }
  beginErase(step: number) {
    return this.#eraser.beginErase(step);
  }
  commitErase(report: EraseReport) {
    return this.#eraser.commitErase(report);
  }
  retryErase(step: number, attempt: number, failure: JobFailure, isFatal: boolean) {
    return this.#eraser.retryErase(step, attempt, failure, isFatal);
  }
  async sweep() {
    const nextMs = await this.#sweepBoth();
    // Called from outside when an alarm may have been lost: set it again.
    if (nextMs !== null && (await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(nextMs);
    return nextMs;
  }
}
