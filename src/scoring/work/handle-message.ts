/**
 * What a consumer does with one message. Every step asks the coordinator for the right to work, works, and reports;
 * a step that is refused needs nothing more. The same code runs under the queue and under the fault simulation.
 */

import { type ScoringError, toScoringError } from "../../errors.ts";
import { runEraseStep } from "../erase/erase-step.ts";
import { runFinalizeStep } from "../finalize/finalize.ts";
import { runRangeStep } from "../finalize/finalize-range.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import type { JobSpec } from "../job/job-spec.ts";
import type { WorkMessage } from "../job/messages.ts";
import { planPages } from "./plan-step.ts";
import { runScanStep } from "./scan-step.ts";
import { untraced } from "./spans.ts";
import { scoreChunkMessage } from "./score-step.ts";
import { limitAccess, type WorkDeps } from "./work-deps.ts";

/** Handles one message. Resolves when it may be acknowledged; throws only if even the coordinator is out of reach. */
export async function handleMessage(deps: WorkDeps, message: WorkMessage): Promise<void> {
  switch (message.kind) {
    case "plan":
      return planInput(deps, message);
    case "score":
      return scoreChunkMessage(deps, message);
    case "finalize":
      return finalize(deps, message);
    case "scan":
    case "merge":
      return workOnRange(deps, message);
    case "erase":
      return erase(deps, message);
    case "notify":
      return notify(deps, message);
  }
}

/** A failure is only reported: the coordinator tries again on its own schedule. */
async function notify(deps: WorkDeps, message: Extract<WorkMessage, { kind: "notify" }>): Promise<void> {
  const job = deps.openJob(message.jobId);
  const due = await job.readNotice(message.eventId);
  if (due === null || deps.sendWebhook === undefined) return;
  try {
    await deps.sendWebhook(due.url, `${message.jobId}.${message.eventId}`, due.notice.payload, due.keyId);
    await job.finishNotice(message.eventId);
  } catch (error) {
    deps.failed?.(message, toScoringError(error));
  }
}

/** A message that the queue gave up on: its chunk is split or sealed; a lost step is found by the sweep. */
export async function handleDeadLetter(deps: WorkDeps, message: WorkMessage): Promise<void> {
  if (message.kind === "score") await deps.openJob(message.jobId).loseChunk(message.chunkId);
}

async function planInput(deps: WorkDeps, message: Extract<WorkMessage, { kind: "plan" }>): Promise<void> {
  const job = deps.openJob(message.jobId);
  const ticket = await job.beginPlan(message.step);
  if (ticket === null) return;
  const stop = deps.startHeart?.(() => job.renewTask("plan", ticket.step, ticket.attempt));
  try {
    await (deps.trace ?? untraced)("plan", () => planPages(limitAccess(deps, ticket.spec), job, ticket));
  } catch (error) {
    await reportTaskFailure(deps, job, message, ticket, toScoringError(error));
  } finally {
    stop?.();
  }
}

async function finalize(deps: WorkDeps, message: Extract<WorkMessage, { kind: "finalize" }>): Promise<void> {
  const job = deps.openJob(message.jobId);
  const ticket = await job.beginFinalize(message.step);
  if (ticket === null) return;
  const stop = deps.startHeart?.(() => job.renewTask("finalize", ticket.step, ticket.attempt));
  try {
    const access = limitAccess(deps, ticket.spec);
    const report = await (deps.trace ?? untraced)("merge", () => runFinalizeStep(access, job, ticket));
    await job.commitFinalize(report);
  } catch (error) {
    await reportTaskFailure(deps, job, message, ticket, toScoringError(error));
  } finally {
    stop?.();
  }
}

async function workOnRange(deps: WorkDeps, message: Extract<WorkMessage, { kind: "scan" | "merge" }>): Promise<void> {
  const job = deps.openJob(message.jobId);
  const { kind: phase, range } = message;
  const ticket = await job.beginRange(phase, range, message.step);
  if (ticket === null) return;
  const { step, attempt } = ticket;
  const stop = deps.startHeart?.(() => job.renewRange(phase, range, step, attempt));
  try {
    const access = limitAccess(deps, ticket.spec);
    const trace = deps.trace ?? untraced;
    const report =
      phase === "scan"
        ? await trace("plan", () => runScanStep(access, ticket))
        : await trace("merge", () => runRangeStep(access, job, ticket));
    await job.commitRange(report);
  } catch (error) {
    const { failure, outage, passes } = judge(deps, message, ticket.spec, toScoringError(error));
    if (passes) await job.retryRange({ phase, range, step, attempt }, failure, outage);
    else await job.fail(failure);
  } finally {
    stop?.();
  }
}

async function erase(deps: WorkDeps, message: Extract<WorkMessage, { kind: "erase" }>): Promise<void> {
  const job = deps.openEraser?.(message.jobId);
  const ticket = (await job?.beginErase(message.step)) ?? null;
  if (job === undefined || ticket === null) return;
  try {
    await job.commitErase(await runEraseStep(limitAccess(deps, ticket.spec), job, ticket));
  } catch (error) {
    const failure = toScoringError(error);
    deps.failed?.(message, failure);
    const { code, detail, disposition } = failure;
    const isFatal = disposition !== "transient" && code !== "internal";
    await job.retryErase(ticket.step, ticket.attempt, { code, message: detail }, isFatal);
  }
}

async function reportTaskFailure(
  deps: WorkDeps,
  job: JobCoordinator,
  message: Extract<WorkMessage, { kind: "plan" | "finalize" }>,
  ticket: { readonly spec: JobSpec; readonly step: number; readonly attempt: number },
  error: ScoringError,
): Promise<void> {
  const { failure, outage, passes } = judge(deps, message, ticket.spec, error);
  if (passes) await job.retryTask(message.kind, ticket.step, ticket.attempt, failure, outage);
  else await job.fail(failure);
}

/** What a failed step tells its coordinator, and whether trying it again can help. */
function judge(deps: WorkDeps, message: WorkMessage, spec: JobSpec, error: ScoringError) {
  deps.failed?.(message, error);
  const failure = { code: error.code, message: error.detail };
  const passes = error.disposition === "transient" || error.code === "internal";
  const isOutage = error.disposition === "transient" && error.code !== "queue_unavailable";
  const outage = isOutage ? { store: findStore(message, spec, error), code: error.code, served: false } : null;
  return { failure, outage, passes };
}

/** The store whose call failed. A body that broke off does not name it: then the store that the step reads or writes most. */
function findStore({ kind }: WorkMessage, { manifest }: JobSpec, { store }: ScoringError): string {
  return store ?? (kind === "plan" || kind === "scan" ? manifest.input.store : manifest.output.store);
}
