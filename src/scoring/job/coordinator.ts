/**
 * The shell of the job machine: applies an event in one transaction, then performs the effects. Shared by the Durable
 * Object and by the fault simulation. A kill between commit and send loses messages only; the sweep sends them again.
 */

import { type Issue, ScoringError } from "../../errors.ts";
import type {
  ChunkLease,
  FinalizeReport,
  FinalizeTicket,
  JobCommand,
  JobCoordinator,
  PlanReport,
  PlanTicket,
} from "./coordinator-port.ts";
import type { JobEffect, JobEvent, Transition } from "./job-event.ts";
import { advanceJob, createJob } from "./job-machine.ts";
import { wantsEdge } from "./job-priority.ts";
import type { JobEventRow, JobRows } from "./job-rows.ts";
import type { JobSpec } from "./job-spec.ts";
import { makeRules } from "./job-rules.ts";
import { isEnded, type JobState } from "./job-state.ts";
import type { JobFailure } from "./job-task.ts";
import type { ChunkResult, ChunkRow, ClientHold } from "./chunk-row.ts";
import { viewJob } from "./job-view.ts";
import { LIMITS, type Limits } from "../limits.ts";
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
  /** Told of a failed send; the sweep repairs it. */
  readonly sendFailed?: (error: unknown) => void;
  /** Says whether the job wants the edge; whether a job of a higher priority does, `null` where nobody knows. Must not throw. */
  readonly compareRank?: (spec: JobSpec, wantsEdge: boolean) => Promise<boolean | null>;
  /** Asked to be called back: keeps the alarm alive. */
  readonly wake?: (atMs: number) => Promise<void>;
}

type Outgoing = { message: WorkMessage; delaySeconds: number };
type EventBody = JobEvent extends infer E ? (E extends JobEvent ? Omit<E, "nowMs"> : never) : never;

/** A coordinator over one job's rows. */
export function createCoordinator(deps: CoordinatorDeps): JobCoordinator {
  const limits = deps.limits ?? LIMITS;
  const { rows, clock } = deps;

  /** Everything of one event in one transaction; what must leave the house comes back. */
  function commit(jobId: string, transition: Transition, nowMs: number, more: () => void = () => {}): Committed {
    const outgoing: Outgoing[] = [];
    const announcements: JobEventRow["type"][] = [];
    rows.writeState(transition.state);
    for (const effect of transition.effects) perform(effect, jobId, outgoing, announcements);
    more();
    const spec = requireSpec();
    const events = announcements.map((type) => {
      const data = JSON.stringify(viewJob(transition.state, spec, nowMs));
      const id = rows.appendEvent(type, nowMs, data, limits.maxEvents);
      if (type === "status" && isEnded(transition.state.status) && spec.manifest.notify !== undefined) {
        const payload = makePayload(transition.state.status, nowMs, data);
        rows.writeNotice({ eventId: id, payload, attempt: 0, dueMs: nowMs });
      }
      return { type, id };
    });
    return { state: transition.state, spec, outgoing, events, accepted: true };
  }

  function perform(effect: JobEffect, jobId: string, outgoing: Outgoing[], announcements: JobEventRow["type"][]): void {
    switch (effect.kind) {
      case "put-chunk":
        rows.writeChunk(effect.chunk);
        return;
      case "dispatch":
        for (const chunkId of rows.takePending(effect.count, effect.dueMs)) {
          outgoing.push({ message: { kind: "score", jobId, chunkId }, delaySeconds: 0 });
        }
        return;
      case "send-chunk":
        outgoing.push({
          message: { kind: "score", jobId, chunkId: effect.chunkId },
          delaySeconds: effect.delaySeconds,
        });
        return;
      case "send-task":
        outgoing.push({
          message: { kind: effect.task, jobId, step: effect.step },
          delaySeconds: effect.delaySeconds,
        });
        return;
      case "announce":
        announcements.push(effect.event);
    }
  }

  function requireSpec(): JobSpec {
    const spec = rows.readSpec();
    if (spec === null) throw new ScoringError("not_found", "the job does not exist");
    return spec;
  }

  /** Reads, advances, writes; then sends. `null` if the job is unknown or the event does not fit. */
  async function apply(
    make: (state: JobState) => EventBody | null,
    more: () => void = () => {},
  ): Promise<Committed | null> {
    const nowMs = clock();
    const committed = rows.transaction(() => {
      const state = rows.readState();
      const body = state === null ? null : make(state);
      if (state === null || body === null) return null;
      const transition = advanceJob(state, { ...body, nowMs });
      return transition.accepted ? commit(state.id, transition, nowMs, more) : null;
    });
    if (committed !== null) await deliver(committed);
    return committed;
  }

  async function deliver(committed: Committed): Promise<void> {
    if (isEnded(committed.state.status)) await sendNotice(committed.state.id);
    if (!isEnded(committed.state.status) || rows.readNotice() !== null) await deps.wake?.(clock() + limits.sweepMs);
    if (committed.outgoing.length > 0) {
      try {
        await deps.queue.send(committed.outgoing);
      } catch (error) {
        deps.sendFailed?.(error);
      }
    }
    for (const { type, id } of committed.events) await deps.announced?.(committed.state, committed.spec, type, id);
  }

  /** Puts a due notice on its way; what is lost on it is due again later, until the attempts are spent. */
  async function sendNotice(jobId: string): Promise<void> {
    const nowMs = clock();
    const notice = rows.readNotice();
    if (notice === null || nowMs < notice.dueMs) return;
    const delaySeconds = NOTICE_DELAYS_SECONDS[notice.attempt];
    if (delaySeconds === undefined) {
      rows.writeNotice(null);
      return;
    }
    rows.writeNotice({ ...notice, attempt: notice.attempt + 1, dueMs: nowMs + delaySeconds * 1000 });
    try {
      await deps.queue.send([{ message: { kind: "notify", jobId, eventId: notice.eventId }, delaySeconds: 0 }]);
    } catch (error) {
      deps.sendFailed?.(error);
    }
  }

  /** Finds out whether this job has to step back, or may go on. */
  async function compareRank(): Promise<void> {
    const state = rows.readState();
    if (state === null || deps.compareRank === undefined) return;
    const outranked = await deps.compareRank(requireSpec(), wantsEdge(state, clock()));
    if (outranked !== null) await apply(() => ({ kind: "rank", outranked }));
  }

  const applyToChunk = (chunkId: string, make: (chunk: ChunkRow) => EventBody): Promise<Committed | null> =>
    apply(() => {
      const chunk = rows.readChunk(chunkId);
      return chunk === null ? null : make(chunk);
    });

  return {
    async create(spec: JobSpec): Promise<JobState> {
      const nowMs = clock();
      const committed = rows.transaction(() => {
        if (rows.readState() !== null) return null;
        rows.writeSpec(spec);
        return commit(spec.id, createJob(spec.id, makeRules(spec, limits), nowMs), nowMs);
      });
      if (committed !== null) {
        await deliver(committed);
        await compareRank();
      }
      return rows.readState()!;
    },
    async read() {
      const state = rows.readState();
      const spec = rows.readSpec();
      return state === null || spec === null ? null : { state, spec };
    },
    command: async (command: JobCommand) => (await apply(() => ({ kind: command }))) !== null,
    async beginPlan(step: number): Promise<PlanTicket | null> {
      const granted = await apply(() => ({ kind: "plan-begin", step }));
      if (granted === null) return null;
      const { plan, planCursor, listed, pages } = granted.state;
      const at = { cursor: planCursor, firstIndex: listed, firstPage: pages };
      return { spec: granted.spec, step, attempt: plan.attempt, ...at };
    },
    commitPlan: async (report: PlanReport) => {
      const { pageKeys, ...rest } = report;
      const event: EventBody = { kind: "plan-commit", ...rest, pages: pageKeys.length };
      return (
        (await apply(
          () => event,
          () => rows.addPages(pageKeys),
        )) !== null
      );
    },
    async lease(chunkId: string): Promise<ChunkLease | null> {
      const granted = await applyToChunk(chunkId, (chunk) => ({ kind: "lease", chunk }));
      const chunk = granted === null ? null : rows.readChunk(chunkId);
      return granted === null || chunk?.status !== "leased" ? null : { spec: granted.spec, chunk };
    },
    finish: async (chunkId: string, result: ChunkResult) =>
      (await applyToChunk(chunkId, (chunk) => ({ kind: "finish", chunk, result }))) !== null,
    release: async (chunkId: string, attempt: number) =>
      (await applyToChunk(chunkId, (chunk) => ({ kind: "release", chunk, attempt }))) !== null,
    loseChunk: async (chunkId: string) =>
      (await applyToChunk(chunkId, (chunk) => ({ kind: "chunk-lost", chunk }))) !== null,
    retryTask: async (task: "plan" | "finalize", step: number, attempt: number, failure: JobFailure) =>
      (await apply(() => ({ kind: "task-retry", task, step, attempt, failure }))) !== null,
    fail: async (failure: JobFailure) => (await apply(() => ({ kind: "fail", failure }))) !== null,
    async beginFinalize(step: number): Promise<FinalizeTicket | null> {
      const granted = await apply(() => ({ kind: "finalize-begin", step }));
      if (granted === null) return null;
      const { state, spec } = granted;
      return { spec, state, step, attempt: state.finalize.attempt, checkpoint: rows.readCheckpoint() };
    },
    commitFinalize: async (report: FinalizeReport) => {
      const { checkpoint, ...rest } = report;
      const event: EventBody = { kind: "finalize-commit", ...rest };
      return (
        (await apply(
          () => event,
          () => rows.writeCheckpoint(checkpoint),
        )) !== null
      );
    },
    async leaseToClient(hold: ClientHold): Promise<ChunkLease | null> {
      let chunkId = "";
      const granted = await apply((state) => {
        const { queued, leased } = state.chunks;
        // Where all places are taken, a client can only take over what still waits in the queue.
        const full = queued + leased >= state.rules.maxConcurrency;
        const chunk = (full ? null : rows.findOffer("pending")) ?? rows.findOffer("queued");
        chunkId = chunk?.id ?? "";
        return chunk === null ? null : { kind: "client-lease", chunk, hold };
      });
      const chunk = granted === null ? null : rows.readChunk(chunkId);
      return granted === null || chunk === null ? null : { spec: granted.spec, chunk };
    },
    async renewClient(chunkId: string, hold: ClientHold): Promise<number | null> {
      const renewed = await applyToChunk(chunkId, (chunk) => ({ kind: "client-renew", chunk, hold }));
      return renewed === null ? null : (rows.readChunk(chunkId)?.dueMs ?? null);
    },
    returnFromClient: async (chunkId: string, hold: ClientHold, issue: Issue | null) =>
      (await applyToChunk(chunkId, (chunk) =>
        issue === null ? { kind: "client-return", chunk, hold } : { kind: "client-reject", chunk, hold, issue },
      )) !== null,
    readChunk: async (chunkId: string) => rows.readChunk(chunkId),
    async shareClientSecret(candidate: string): Promise<string> {
      const secret = rows.readClientSecret() ?? candidate;
      rows.writeClientSecret(secret);
      return secret;
    },
    listChunks: async (fromIndex: number, limit: number) => rows.listChunks(fromIndex, limit),
    listPages: async (skip: number, limit: number) => rows.listPages(skip, limit),
    listOrphans: async (ids: readonly string[]) => ids.filter((id) => rows.readChunk(id)?.status !== "done"),
    listEvents: async (afterId: number, limit: number) => rows.listEvents(afterId, limit),
    async readNotice(eventId: number) {
      const notice = rows.readNotice();
      const url = rows.readSpec()?.manifest.notify?.url;
      return notice === null || notice.eventId !== eventId || url === undefined ? null : { url, notice };
    },
    async finishNotice(eventId: number): Promise<void> {
      if (rows.readNotice()?.eventId === eventId) rows.writeNotice(null);
    },
    async sweep(): Promise<number | null> {
      await compareRank();
      await apply(() => ({ kind: "tick" }));
      for (const { id } of rows.listDue(clock(), limits.maxSweepRows)) {
        await applyToChunk(id, (chunk) => ({ kind: "chunk-due", chunk }));
      }
      const state = rows.readState();
      if (state === null) return null;
      if (!isEnded(state.status)) return clock() + limits.sweepMs;
      await sendNotice(state.id);
      return rows.readNotice()?.dueMs ?? null;
    },
  };
}

interface Committed {
  readonly state: JobState;
  readonly spec: JobSpec;
  readonly outgoing: readonly Outgoing[];
  readonly events: readonly { readonly type: JobEventRow["type"]; readonly id: number }[];
  readonly accepted: true;
}
