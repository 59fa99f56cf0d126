/** Listing the input range by range, beside the planning steps that take what is listed. */

import type { JobState } from "./job-state.ts";
import { sendTask } from "./job-tasks.ts";
import { isBatchDue } from "./open-input.ts";
import { type Draft, isWorking } from "./job-transition.ts";
import { sendFirst } from "./range-steps.ts";
import type { ScanProgress, ScanReport } from "./scan-progress.ts";

/** How far the ranges may run ahead of the first that is not listed, in places: one slow range must not hold up the others. */
const AHEAD = 4;

/** The state's part after a planning step. */
export function noteScan(scan: ScanProgress | undefined, report: ScanReport | undefined): { scan?: ScanProgress } {
  if (report?.kind === "begun") {
    const { key, total } = report;
    return { scan: { key, total, begun: 0, ready: 0, ahead: [], taken: 0, rest: false } };
  }
  if (scan === undefined || report === undefined) return {};
  return { scan: { ...scan, taken: scan.taken + report.count, rest: report.rest } };
}

/** Whether a planning step has something to do. */
export function canPlan(state: JobState, nowMs: number): boolean {
  const { scan, open } = state;
  if (open !== undefined) return isBatchDue(state, nowMs);
  return scan === undefined || scan.rest || scan.taken < scan.ready;
}

/** Sends as many ranges as may be listed at once. At most `maxConcurrency` in one event. */
export function goOnScanning({ state, effects }: Draft, nowMs: number): Draft {
  const { scan } = state;
  if (scan === undefined || !isWorking(state)) return { state, effects };
  const places = Math.min(state.rules.maxConcurrency, state.window ?? Number.POSITIVE_INFINITY);
  const free = places - (scan.begun - scan.ready - scan.ahead.length);
  const count = Math.max(0, Math.min(scan.total - scan.begun, free, scan.ready + AHEAD * places - scan.begun));
  return {
    state: { ...state, scan: { ...scan, begun: scan.begun + count } },
    effects: [...effects, ...sendFirst(state, "scan", scan.begun, count, nowMs)],
  };
}

/** A range is listed: more may begin, and planning takes it once all before it are listed. */
export function noteListed({ state, effects }: Draft, range: number, nowMs: number): Draft {
  const { scan } = state;
  if (scan === undefined) return { state, effects };
  const listed = [...scan.ahead, range].toSorted((a, b) => a - b);
  let { ready } = scan;
  while (listed[0] === ready) {
    listed.shift();
    ready += 1;
  }
  const next = goOnScanning({ state: { ...state, scan: { ...scan, ready, ahead: listed } }, effects }, nowMs);
  if (!isWorking(state) || state.plan.status !== "waiting" || !canPlan(next.state, nowMs)) return next;
  return sendTask(next.state, "plan", nowMs, next.effects);
}
