/**
 * One event of a job: read, advance and write in one transaction, then perform what the machine asked for. A kill between commit
 * and send loses only messages; the sweep sends them again.
 */

import { ScoringError } from "../../errors.ts";
import { LIMITS, type Limits } from "../limits.ts";
import type { ChunkRow } from "./chunk-row.ts";
import type { JobEffect, JobEvent, Transition } from "./job-event.ts";
import { advanceJob, createJob } from "./job-machine.ts";
import { sumDollars } from "./job-budget.ts";
import { wantsEdge } from "./job-priority.ts";
import type { JobEventRow, JobRows } from "./job-rows.ts";
import { makeRules } from "./job-rules.ts";
import type { JobSpec } from "./job-spec.ts";
import type { JobState } from "./job-state.ts";
import { isEnded } from "./job-status.ts";
import type { RangePhase, RangeRow } from "./range-row.ts";
import { viewJob } from "./job-view.ts";
import { readWorkload } from "./job-workload.ts";
import type { Clock, WorkMessage, WorkQueue } from "./messages.ts";
import { makePayload, NOTICE_DELAYS_SECONDS } from "./notice.ts";

/** What the shell of the job machine works with. */
export interface CoordinatorDeps {
  readonly rows: JobRows;
  readonly queue: WorkQueue;
  readonly clock: Clock;
  readonly limits?: Limits;
  /** Called after a commit that announced something, with the event's id. Must not throw. */
  readonly announced?: (state: JobState, spec: JobSpec, type: JobEventRow["type"], eventId: number) => Promise<void>;
  /** Called with a failed send; the sweep repairs it. */
  readonly sendFailed?: (error: unknown) => void;
  /** Reports whether the job wants the edge; returns whether a job of a higher priority does, `null` if unknown. Must not throw. */
  readonly compareRank?: (spec: JobSpec, wantsEdge: boolean) => Promise<boolean | null>;
  /** Reports what the job has cost so far, dollars; returns what its key's jobs may still cost this month, `null`: anything, or unknown. Must not throw. */
  readonly charge?: (spec: JobSpec, dollars: number) => Promise<number | null>;
  /** Asks for a later call: keeps the alarm alive. */
  readonly wake?: (atMs: number) => Promise<void>;
}

/** An event without its time, which is added when it is applied. */
export type EventBody = JobEvent extends infer E ? (E extends JobEvent ? Omit<E, "nowMs"> : never) : never;

/** What an accepted event left: the job as it is now, and what has to be sent. */
export interface Committed {
  readonly state: JobState;
  readonly spec: JobSpec;
  readonly outgoing: readonly Outgoing[];
  readonly events: readonly { readonly type: JobEventRow["type"]; readonly id: number }[];
}

type Outgoing = { message: WorkMessage; delaySeconds: number };

/** Writes a job's first rows unless it exists. @returns whether it was created now */
export async function applyCreation(deps: CoordinatorDeps, spec: JobSpec): Promise<boolean> {
  const { rows, clock, limits = LIMITS } = deps;
  const nowMs = clock();
  const committed = rows.transaction(() => {
    if (rows.readState() !== null) return null;
    rows.writeSpec(spec);
    return commit(deps, createJob(spec.id, makeRules(spec, limits), nowMs), nowMs);
  });
  if (committed !== null) await deliver(deps, committed);
  return committed !== null;
}

/**
 * Reads, advances, writes; then sends. `null` if the job is unknown or the event does not fit.
 * @param makes the event for the current state; `null` if there is none
 * @param more rows to write in the same transaction, if the event is accepted
 */
export async function applyEvent(
  deps: CoordinatorDeps,
  make: (state: JobState) => EventBody | null,
  more: () => void = () => {},
): Promise<Committed | null> {
  const { rows, clock } = deps;
  const nowMs = clock();
  const committed = rows.transaction(() => {
    const state = rows.readState();
    const body = state === null ? null : make(state);
    if (state === null || body === null) return null;
    const transition = advanceJob(state, { ...body, nowMs });
    return transition.accepted ? commit(deps, transition, nowMs, more) : null;
  });
  if (committed !== null) await deliver(deps, committed);
  return committed;
}

/** The same for an event that touches one chunk; `null` if there is no such chunk too. */
export function applyToChunk(
  deps: CoordinatorDeps,
  chunkId: string,
  make: (chunk: ChunkRow) => EventBody,
): Promise<Committed | null> {
  return applyEvent(deps, () => {
    const chunk = deps.rows.readChunk(chunkId);
    return chunk === null ? null : make(chunk);
  });
}

/** The same for an event that touches one range. */
export function applyToRange(
  deps: CoordinatorDeps,
  phase: RangePhase,
  number: number,
  make: (range: RangeRow) => EventBody,
): Promise<Committed | null> {
  return applyEvent(deps, () => {
    const range = deps.rows.readRange(phase, number);
    return range === null ? null : make(range);
  });
}

/** Finds out whether this job has to step back or may continue. */
export async function applyRank(deps: CoordinatorDeps): Promise<void> {
  const { rows, clock } = deps;
  const state = rows.readState();
  if (state === null || deps.compareRank === undefined) return;
  const outranked = await deps.compareRank(requireSpec(rows), wantsEdge(state, clock()));
  if (outranked !== null) await applyEvent(deps, () => ({ kind: "rank", outranked }));
}

/** Finds out whether the job's key has used up its budget of the month. */
export async function applyCharge(deps: CoordinatorDeps): Promise<void> {
  const { rows } = deps;
  const state = rows.readState();
  if (state === null || isEnded(state.status) || deps.charge === undefined) return;
  const spec = requireSpec(rows);
  const left = await deps.charge(spec, sumDollars(state, readWorkload(spec)));
  await applyEvent(deps, () => ({ kind: "key-budget", left }));
}

/** Sends a due notice on its way; if it is lost, it is due again later, until the attempts are spent. */
export async function sendNotice(deps: CoordinatorDeps, jobId: string): Promise<void> {
  const { rows, clock } = deps;
  const nowMs = clock();
  const notice = rows.readNotice();
  if (notice === null || nowMs < notice.dueMs) return;
  const delaySeconds = NOTICE_DELAYS_SECONDS[notice.attempt];
  if (delaySeconds === undefined) {
    rows.writeNotice(null);
    return;
  }
  rows.writeNotice({ ...notice, attempt: notice.attempt + 1, dueMs: nowMs + delaySeconds * 1000 });
  await send(deps, [{ message: { kind: "notify", jobId, eventId: notice.eventId }, delaySeconds: 0 }]);
}

/** Everything about one event, inside a transaction; returns what has to be sent. */
function commit(deps: CoordinatorDeps, transition: Transition, nowMs: number, more: () => void = () => {}): Committed {
  const { rows, limits = LIMITS } = deps;
  const { state, effects } = transition;
  rows.writeState(state);
  const outgoing = effects.flatMap((effect) => perform(rows, effect, state));
  more();
  const spec = requireSpec(rows);
  const events = effects.flatMap((effect) => {
    if (effect.kind !== "announce") return [];
    const data = JSON.stringify(viewJob(state, spec, nowMs));
    const id = rows.appendEvent(effect.event, nowMs, data, limits.maxEvents);
    if (effect.event === "status" && isEnded(state.status) && spec.manifest.notify !== undefined) {
      rows.writeNotice({ eventId: id, payload: makePayload(state.status, nowMs, data), attempt: 0, dueMs: nowMs });
    }
    return [{ type: effect.event, id }];
  });
  return { state, spec, outgoing, events };
}

/** Writes the rows of one effect; the messages that it asks for. */
function perform(rows: JobRows, effect: JobEffect, { id: jobId, waiting = null }: JobState): Outgoing[] {
  const probe = waiting === null ? {} : ({ probe: true } as const);
  switch (effect.kind) {
    case "put-chunk":
      rows.writeChunk(effect.chunk);
      return [];
    case "dispatch":
      return rows.takePending(effect.count, effect.dueMs).map((chunkId) => ({
        message: { kind: "score", jobId, chunkId, ...probe },
        delaySeconds: effect.delaySeconds,
      }));
    case "send-chunk":
      return [
        { message: { kind: "score", jobId, chunkId: effect.chunkId, ...probe }, delaySeconds: effect.delaySeconds },
      ];
    case "drop-arrivals":
      rows.dropArrivals(effect.before);
      return [];
    case "put-range":
      rows.writeRange(effect.phase, effect.range);
      return [];
    case "send-range": {
      const { phase, range, step, delaySeconds } = effect;
      return [{ message: { kind: phase, jobId, range, step }, delaySeconds }];
    }
    case "send-task":
      return [{ message: { kind: effect.task, jobId, step: effect.step }, delaySeconds: effect.delaySeconds }];
    // The remaining kind is announce. It is not a message: `commit` writes it as an event.
    default:
      return [];
  }
}

async function deliver(deps: CoordinatorDeps, { state, spec, outgoing, events }: Committed): Promise<void> {
  const { rows, clock, limits = LIMITS } = deps;
  if (isEnded(state.status)) await sendNotice(deps, state.id);
  if (!isEnded(state.status) || rows.readNotice() !== null) await deps.wake?.(clock() + limits.sweepMs);
  if (outgoing.length > 0) await send(deps, outgoing);
  for (const { type, id } of events) await deps.announced?.(state, spec, type, id);
}

async function send(deps: CoordinatorDeps, outgoing: readonly Outgoing[]): Promise<void> {
  try {
    await deps.queue.send(outgoing);
  } catch (error) {
    deps.sendFailed?.(error);
  }
}

function requireSpec(rows: JobRows): JobSpec {
  const spec = rows.readSpec();
  if (spec === null) throw new ScoringError("not_found", "the job does not exist");
  return spec;
}
