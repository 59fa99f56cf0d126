/**
 * The shell of the job machine: what is asked of a coordinator, as events of its job. Shared by the Durable Object, the command
 * line and the fault simulation.
 */

import type { Issue } from "../../errors.ts";
import { LIMITS } from "../limits.ts";
import {
  applyCharge,
  applyCreation,
  applyEvent,
  applyRank,
  applyToChunk,
  applyToRange,
  type CoordinatorDeps,
  type EventBody,
  sendNotice,
} from "./apply-event.ts";
import type { ChunkResult, ClientHold } from "./chunk-row.ts";
import type {
  ChunkLease,
  FinalizeReport,
  FinishedPart,
  FinalizeTicket,
  JobCommand,
  JobCoordinator,
  PlanReport,
  PlanTicket,
  RangeReport,
  RangeTicket,
} from "./coordinator-port.ts";
import type { StoreFailure } from "./store-failure.ts";
import type { JobSpec } from "./job-spec.ts";
import type { JobState } from "./job-state.ts";
import { isEnded } from "./job-status.ts";
import type { JobFailure } from "./job-task.ts";
import { findBatch, openCalls } from "./open-calls.ts";
import { isIdle } from "./job-progress.ts";
import type { RangePhase } from "./range-row.ts";

/** A coordinator over one job's rows. */
export function createCoordinator(deps: CoordinatorDeps): JobCoordinator {
  return {
    ...lifeCalls(deps),
    ...openCalls(deps),
    ...taskCalls(deps),
    ...rangeCalls(deps),
    ...chunkCalls(deps),
    ...clientCalls(deps),
    ...noticeCalls(deps),
  };
}

type Calls<K extends keyof JobCoordinator> = Pick<JobCoordinator, K>;

/** The job as a whole. */
function lifeCalls(deps: CoordinatorDeps): Calls<"create" | "read" | "command" | "fail" | "sweep"> {
  const { rows, clock, limits = LIMITS } = deps;
  return {
    async create(spec: JobSpec): Promise<JobState> {
      if (await applyCreation(deps, spec)) await applyRank(deps);
      return rows.readState()!;
    },
    async read() {
      const state = rows.readState();
      const spec = rows.readSpec();
      return state === null || spec === null ? null : { state, spec };
    },
    command: async (command: JobCommand, budget?: number) => {
      const body: EventBody =
        command === "resume" && budget !== undefined ? { kind: command, budget } : { kind: command };
      return (await applyEvent(deps, () => body)) !== null;
    },
    fail: async (failure: JobFailure) => (await applyEvent(deps, () => ({ kind: "fail", failure }))) !== null,
    async sweep(): Promise<number | null> {
      await applyRank(deps);
      await applyCharge(deps);
      await applyEvent(deps, () => ({ kind: "tick" }));
      for (const { id } of rows.listDue(clock(), limits.maxSweepRows)) {
        await applyToChunk(deps, id, (chunk) => ({ kind: "chunk-due", chunk }));
      }
      for (const phase of ["scan", "merge"] as const) {
        const begun = rows.readState()?.[phase] !== undefined;
        for (const { number } of begun ? rows.listDueRanges(phase, clock(), limits.maxSweepRows) : []) {
          await applyToRange(deps, phase, number, (range) => ({ kind: "range-due", phase, range }));
        }
      }
      const state = rows.readState();
      if (state === null) return null;
      if (!isEnded(state.status)) return clock() + (isIdle(state) ? limits.open.idleSweepMs : limits.sweepMs);
      await sendNotice(deps, state.id);
      return rows.readNotice()?.dueMs ?? null;
    },
  };
}

/** Planning and finalizing, one step at a time. */
function taskCalls(
  deps: CoordinatorDeps,
): Calls<"beginPlan" | "commitPlan" | "retryTask" | "renewTask" | "beginFinalize" | "commitFinalize" | "listPages"> {
  const { rows, limits = LIMITS } = deps;
  return {
    async beginPlan(step: number): Promise<PlanTicket | null> {
      const granted = await applyEvent(deps, ({ open }) => ({ kind: "plan-begin", step, ...findBatch(deps, open) }));
      if (granted === null) return null;
      const { plan, planCursor, listed, pages, scan, open } = granted.state;
      const at = { cursor: planCursor, firstIndex: listed, firstPage: pages };
      const arrived = open && { arrived: rows.readArrivals(open.planned, open.batchEnd) };
      const ticket = { spec: granted.spec, step, attempt: plan.attempt, ...at, ...arrived };
      if (scan === undefined) return ticket;
      const { key, total, taken } = scan;
      const count = Math.min(scan.ready - taken, limits.scan.rangesPerStep);
      const ready = Array.from({ length: count }, (_, at) => rows.readRange("scan", taken + at)!);
      return { ...ticket, scan: { key, total, taken, ready } };
    },
    commitPlan: async (report: PlanReport) => {
      const { pageKeys, ...rest } = report;
      const event: EventBody = { kind: "plan-commit", ...rest, pages: pageKeys.length };
      return (
        (await applyEvent(
          deps,
          () => event,
          () => rows.addPages(pageKeys),
        )) !== null
      );
    },
    retryTask: async (
      task: "plan" | "finalize",
      step: number,
      attempt: number,
      failure: JobFailure,
      outage: StoreFailure | null,
    ) => (await applyEvent(deps, () => ({ kind: "task-retry", task, step, attempt, failure, outage }))) !== null,
    renewTask: async (task: "plan" | "finalize", step: number, attempt: number) =>
      (await applyEvent(deps, () => ({ kind: "task-renew", task, step, attempt }))) !== null,
    async beginFinalize(step: number): Promise<FinalizeTicket | null> {
      const granted = await applyEvent(deps, () => ({ kind: "finalize-begin", step }));
      if (granted === null) return null;
      const { state, spec } = granted;
      return { spec, state, step, attempt: state.finalize.attempt, checkpoint: rows.readCheckpoint() };
    },
    commitFinalize: async (report: FinalizeReport) => {
      const { checkpoint, ...rest } = report;
      const event: EventBody = { kind: "finalize-commit", ...rest };
      return (
        (await applyEvent(
          deps,
          () => event,
          () => rows.writeCheckpoint(checkpoint),
        )) !== null
      );
    },
    listPages: async (skip: number, limit: number) => rows.listPages(skip, limit),
  };
}

/** Ranges, many at once. */
function rangeCalls(
  deps: CoordinatorDeps,
): Calls<"beginRange" | "commitRange" | "retryRange" | "readRange" | "renewRange"> {
  const { rows } = deps;
  return {
    async beginRange(phase: RangePhase, number: number, step: number): Promise<RangeTicket | null> {
      const granted = await applyToRange(deps, phase, number, (range) => ({ kind: "range-begin", phase, range, step }));
      const range = granted === null ? null : rows.readRange(phase, number);
      if (granted === null || range === null) return null;
      return { spec: granted.spec, state: granted.state, range, step, attempt: range.task.attempt };
    },
    commitRange: async ({ range: number, ...report }: RangeReport) =>
      (await applyToRange(deps, report.phase, number, (range) => ({ kind: "range-commit", range, ...report }))) !==
      null,
    retryRange: async (
      { range: number, ...at }: Pick<RangeReport, "phase" | "range" | "step" | "attempt">,
      failure: JobFailure,
      outage: StoreFailure | null,
    ) =>
      (await applyToRange(deps, at.phase, number, (range) => ({
        kind: "range-retry",
        range,
        ...at,
        failure,
        outage,
      }))) !== null,
    readRange: async (phase: RangePhase, number: number) => rows.readRange(phase, number),
    renewRange: async (phase: RangePhase, number: number, step: number, attempt: number) =>
      (await applyToRange(deps, phase, number, (range) => ({ kind: "range-renew", phase, range, step, attempt }))) !==
      null,
  };
}

/** Chunks in the hands of the edge. */
function chunkCalls(
  deps: CoordinatorDeps,
): Calls<
  "lease" | "finish" | "finishPart" | "release" | "renew" | "loseChunk" | "readChunk" | "listChunks" | "listOrphans"
> {
  const { rows } = deps;
  return {
    async lease(chunkId: string): Promise<ChunkLease | null> {
      const granted = await applyToChunk(deps, chunkId, (chunk) => ({ kind: "lease", chunk }));
      const chunk = granted === null ? null : rows.readChunk(chunkId);
      return granted === null || chunk?.status !== "leased" ? null : { spec: granted.spec, chunk };
    },
    finish: async (chunkId: string, result: ChunkResult) =>
      (await applyToChunk(deps, chunkId, (chunk) => ({ kind: "finish", chunk, result }))) !== null,
    finishPart: async (chunkId: string, attempt: number, part: FinishedPart) =>
      (await applyToChunk(deps, chunkId, (chunk) => ({ kind: "finish-part", chunk, attempt, ...part }))) !== null,
    release: async (chunkId: string, attempt: number, failure: StoreFailure | null) =>
      (await applyToChunk(deps, chunkId, (chunk) => ({ kind: "release", chunk, attempt, failure }))) !== null,
    renew: async (chunkId: string, attempt: number, computing: boolean | null) =>
      (await applyToChunk(deps, chunkId, (chunk) => ({ kind: "renew", chunk, attempt, computing }))) !== null,
    loseChunk: async (chunkId: string) =>
      (await applyToChunk(deps, chunkId, (chunk) => ({ kind: "chunk-lost", chunk }))) !== null,
    readChunk: async (chunkId: string) => rows.readChunk(chunkId),
    listChunks: async (fromIndex: number, limit: number) => rows.listChunks(fromIndex, limit),
    listOrphans: async (ids: readonly string[]) => ids.filter((id) => rows.readChunk(id)?.status !== "done"),
  };
}

/** Chunks in the hands of clients. */
function clientCalls(
  deps: CoordinatorDeps,
): Calls<"leaseToClient" | "renewClient" | "returnFromClient" | "shareClientSecret"> {
  const { rows } = deps;
  return {
    async leaseToClient(hold: ClientHold): Promise<ChunkLease | null> {
      let chunkId = "";
      const granted = await applyEvent(deps, (state) => {
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
      const renewed = await applyToChunk(deps, chunkId, (chunk) => ({ kind: "client-renew", chunk, hold }));
      return renewed === null ? null : (rows.readChunk(chunkId)?.dueMs ?? null);
    },
    returnFromClient: async (chunkId: string, hold: ClientHold, issue: Issue | null) =>
      (await applyToChunk(deps, chunkId, (chunk) =>
        issue === null ? { kind: "client-return", chunk, hold } : { kind: "client-reject", chunk, hold, issue },
      )) !== null,
    async shareClientSecret(candidate: string): Promise<string> {
      const secret = rows.readClientSecret() ?? candidate;
      rows.writeClientSecret(secret);
      return secret;
    },
  };
}

/** What is told of the job. */
function noticeCalls(deps: CoordinatorDeps): Calls<"listEvents" | "readNotice" | "finishNotice"> {
  const { rows } = deps;
  return {
    listEvents: async (afterId: number, limit: number) => rows.listEvents(afterId, limit),
    async readNotice(eventId: number) {
      const notice = rows.readNotice();
      const spec = rows.readSpec();
      const url = spec?.manifest.notify?.url;
      if (notice === null || notice.eventId !== eventId || url === undefined) return null;
      return { url, keyId: spec?.owner?.keyId ?? null, notice };
    },
    async finishNotice(eventId: number): Promise<void> {
      if (rows.readNotice()?.eventId === eventId) rows.writeNotice(null);
    },
  };
}
