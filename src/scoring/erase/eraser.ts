/** The shell of the erasure machine: applies an event in one transaction, then sends. Shared by the Durable Object and by tests. */

import type { CoordinatorDeps } from "../job/apply-event.ts";
import type { JobSpec } from "../job/job-spec.ts";
import type { JobState } from "../job/job-state.ts";
import { isEnded } from "../job/job-status.ts";
import { viewJob } from "../job/job-view.ts";
import { LIMITS } from "../limits.ts";
import type { Eraser, EraseReport, EraseTicket } from "./eraser-port.ts";
import {
  askErasure,
  beginErasure,
  commitErasure,
  type EraseMove,
  isErasing,
  retryErasure,
  tickErasure,
} from "../job/erasure.ts";
import type { EraseTarget } from "../job/erasure-state.ts";
import { namesTarget, scrubSpec } from "../job/scrub.ts";

/** What the shell works with. */
export interface EraserDeps extends Pick<
  CoordinatorDeps,
  "rows" | "queue" | "clock" | "limits" | "sendFailed" | "wake"
> {
  /** Called when an erasure has started, taken over its new generation, ended or failed. Must not throw. */
  readonly announced?: (state: JobState, spec: JobSpec) => Promise<void>;
}

/** The eraser over one job's rows, with its part of the sweep. */
export function createEraser(deps: EraserDeps): Eraser & { sweep(): Promise<number | null> } {
  const { rows, clock } = deps;
  const limits = deps.limits ?? LIMITS;

  async function apply(move: (state: JobState) => EraseMove | null, more = () => {}): Promise<JobState | null> {
    const before = rows.readState();
    const moved = rows.transaction(() => {
      const state = rows.readState();
      const next = state === null ? null : move(state);
      if (next === null) return null;
      rows.writeState(next.state);
      more();
      return next;
    });
    if (moved === null) return null;
    const { state, send } = moved;
    if (isErasing(state)) await deps.wake?.(clock() + limits.sweepMs);
    if (send !== null) {
      try {
        const message = { kind: "erase", jobId: state.id, step: send.step } as const;
        await deps.queue.send([{ message, delaySeconds: send.delaySeconds }]);
      } catch (error) {
        deps.sendFailed?.(error);
      }
    }
    const spec = rows.readSpec();
    const isNews =
      before?.generation !== state.generation || (before !== null && isErasing(before)) !== isErasing(state);
    if (spec !== null && isNews) await deps.announced?.(state, spec);
    return state;
  }

  /** The new generation is whole: from here on the old one is waste, and no row names the image. */
  function takeOver(targets: readonly EraseTarget[]): void {
    // Of a data set, only the chunks that changed were staged.
    if (rows.readState()?.merge === undefined) rows.adoptStagedChunks();
    else rows.mergeStagedChunks();
    const spec = scrubSpec(rows.readSpec()!, targets);
    rows.writeSpec(spec);
    const nowMs = clock();
    // Only the new event is kept.
    rows.appendEvent("status", nowMs, JSON.stringify(viewJob(rows.readState()!, spec, nowMs)), 1);
    const notice = rows.readNotice();
    if (notice !== null && namesTarget(notice.payload, targets)) rows.writeNotice(null);
  }

  return {
    async askErase(store, target) {
      const state = rows.readState();
      const spec = rows.readSpec();
      if (state === null || spec === null || !canHold(spec, store, target.key)) return "elsewhere";
      if (!isEnded(state.status)) return "unfinished";
      const { targets = [], waiting = [] } = state.erasure ?? {};
      const isTaken = [...targets, ...waiting].some(({ key, id }) => key === target.key && id === target.id);
      const asked = await apply((current) => askErasure(current, target, clock(), limits.maxEraseTargets));
      return asked !== null || isTaken ? "erasing" : "full";
    },
    async beginErase(step): Promise<EraseTicket | null> {
      const state = await apply((current) => beginErasure(current, step, clock()));
      const spec = rows.readSpec();
      if (state?.erasure === undefined || spec === null) return null;
      return { spec, state, erasure: state.erasure, step, attempt: state.erasure.task.attempt };
    },
    async commitErase(report: EraseReport) {
      const targets = rows.readState()?.erasure?.targets ?? [];
      const committed = await apply(
        (current) => commitErasure(current, report, clock()),
        () => {
          if (report.restaged) rows.clearStagedChunks();
          rows.stageChunks(report.staged);
          if (report.outcome.kind === "rebuilt") takeOver(targets);
        },
      );
      return committed !== null;
    },
    retryErase: async (step, attempt, failure, isFatal) =>
      (await apply((current) => retryErasure(current, { step, attempt, failure, isFatal }, clock()))) !== null,
    listChunks: async (fromIndex, limit) => rows.listChunks(fromIndex, limit),
    listOrphans: async (ids) => ids.filter((id) => rows.readChunk(id)?.status !== "done"),
    async sweep() {
      await apply((current) => tickErasure(current, clock()));
      const state = rows.readState();
      return state !== null && isErasing(state) ? clock() + limits.sweepMs : null;
    },
  };
}

/** Whether the job's input can have named the object; for a list in an object, only the outputs can tell. */
function canHold({ manifest }: JobSpec, store: string, key: string): boolean {
  const { input } = manifest;
  if (input.store !== store) return false;
  if (input.objects !== undefined) return input.objects.some((object) => object.key === key);
  return input.prefix === undefined || key.startsWith(input.prefix);
}
