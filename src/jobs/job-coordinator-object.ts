/** The Durable Object of one job: its shell, reached over RPC. */

import { DurableObject } from "cloudflare:workers";
import type { Eraser, EraseReport } from "../scoring/erase/eraser-port.ts";
import type { EraseTarget } from "../scoring/job/erasure-state.ts";
import type {
  FinalizeReport,
  FinishedPart,
  JobCommand,
  JobCoordinator,
  PlanReport,
  RangeReport,
} from "../scoring/job/coordinator-port.ts";
import type { StoreFailure } from "../scoring/job/store-failure.ts";
import type { JobSpec } from "../scoring/job/job-spec.ts";
import type { ChunkResult, ClientHold } from "../scoring/job/chunk-row.ts";
import type { JobFailure } from "../scoring/job/job-task.ts";
import type { ArrivedInput } from "../scoring/manifest/input-spec.ts";
import type { Issue } from "../errors.ts";
import { createJobShell, type JobShell, type JobShellDeps } from "./job-shell.ts";

/** One instance per job, addressed by the job's id; worker.ts provides its surroundings from the environment. */
export class JobCoordinatorBase extends DurableObject implements JobCoordinator, Eraser {
  readonly #shell: JobShell;

  constructor(ctx: DurableObjectState, env: unknown, deps: JobShellDeps) {
    super(ctx, env);
    this.#shell = createJobShell(ctx.storage, deps);
  }

  override alarm(): Promise<void> {
    return this.#shell.alarm();
  }

  // Calls over RPC reach methods of the class only, so each is spelled out.
  waitEvents(afterId: number, limit: number, waitMs: number) {
    return this.#shell.waitEvents(afterId, limit, waitMs);
  }
  view() {
    return this.#shell.view();
  }
  owner() {
    return this.#shell.owner();
  }
  erase() {
    return this.#shell.erase();
  }
  create(spec: JobSpec) {
    return this.#shell.create(spec);
  }
  read() {
    return this.#shell.read();
  }
  command(command: JobCommand, budget?: number) {
    return this.#shell.command(command, budget);
  }
  addInputs(inputs: readonly ArrivedInput[]) {
    return this.#shell.addInputs(inputs);
  }
  seal() {
    return this.#shell.seal();
  }
  beginPlan(step: number) {
    return this.#shell.beginPlan(step);
  }
  commitPlan(report: PlanReport) {
    return this.#shell.commitPlan(report);
  }
  lease(chunkId: string) {
    return this.#shell.lease(chunkId);
  }
  finish(chunkId: string, result: ChunkResult) {
    return this.#shell.finish(chunkId, result);
  }
  finishPart(chunkId: string, attempt: number, part: FinishedPart) {
    return this.#shell.finishPart(chunkId, attempt, part);
  }
  release(chunkId: string, attempt: number, failure: StoreFailure | null) {
    return this.#shell.release(chunkId, attempt, failure);
  }
  renew(chunkId: string, attempt: number, computing: boolean | null) {
    return this.#shell.renew(chunkId, attempt, computing);
  }
  loseChunk(chunkId: string) {
    return this.#shell.loseChunk(chunkId);
  }
  retryTask(...args: Parameters<JobCoordinator["retryTask"]>) {
    return this.#shell.retryTask(...args);
  }
  renewTask(task: "plan" | "finalize", step: number, attempt: number) {
    return this.#shell.renewTask(task, step, attempt);
  }
  fail(failure: JobFailure) {
    return this.#shell.fail(failure);
  }
  beginFinalize(step: number) {
    return this.#shell.beginFinalize(step);
  }
  commitFinalize(report: FinalizeReport) {
    return this.#shell.commitFinalize(report);
  }
  beginRange(...args: Parameters<JobCoordinator["beginRange"]>) {
    return this.#shell.beginRange(...args);
  }
  commitRange(report: RangeReport) {
    return this.#shell.commitRange(report);
  }
  retryRange(...args: Parameters<JobCoordinator["retryRange"]>) {
    return this.#shell.retryRange(...args);
  }
  readRange(...args: Parameters<JobCoordinator["readRange"]>) {
    return this.#shell.readRange(...args);
  }
  renewRange(...args: Parameters<JobCoordinator["renewRange"]>) {
    return this.#shell.renewRange(...args);
  }
  leaseToClient(hold: ClientHold) {
    return this.#shell.leaseToClient(hold);
  }
  renewClient(chunkId: string, hold: ClientHold) {
    return this.#shell.renewClient(chunkId, hold);
  }
  returnFromClient(chunkId: string, hold: ClientHold, issue: Issue | null) {
    return this.#shell.returnFromClient(chunkId, hold, issue);
  }
  readChunk(chunkId: string) {
    return this.#shell.readChunk(chunkId);
  }
  shareClientSecret(candidate: string) {
    return this.#shell.shareClientSecret(candidate);
  }
  listChunks(fromIndex: number, limit: number) {
    return this.#shell.listChunks(fromIndex, limit);
  }
  listPages(skip: number, limit: number) {
    return this.#shell.listPages(skip, limit);
  }
  listOrphans(ids: readonly string[]) {
    return this.#shell.listOrphans(ids);
  }
  listEvents(afterId: number, limit: number) {
    return this.#shell.listEvents(afterId, limit);
  }
  readNotice(eventId: number) {
    return this.#shell.readNotice(eventId);
  }
  finishNotice(eventId: number) {
    return this.#shell.finishNotice(eventId);
  }
  askErase(store: string, target: EraseTarget) {
    return this.#shell.askErase(store, target);
  }
  beginErase(step: number) {
    return this.#shell.beginErase(step);
  }
  commitErase(report: EraseReport) {
    return this.#shell.commitErase(report);
  }
  retryErase(step: number, attempt: number, failure: JobFailure, isFatal: boolean) {
    return this.#shell.retryErase(step, attempt, failure, isFatal);
  }
  sweep() {
    return this.#shell.sweep();
  }
}
