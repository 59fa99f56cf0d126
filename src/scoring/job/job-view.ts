/** A job as the API, the event stream and webhooks show it. */

import type { ErrorCode, Issue } from "../../errors.ts";
import { describeEmptyInput } from "../manifest/empty-input.ts";
import { isErasing } from "./erasure.ts";
import { priceSoFar } from "./job-cost.ts";
import { type JobSpec, labelsOf } from "./job-spec.ts";
import { LIMITS } from "../limits.ts";
import { describeLargeCrops } from "../manifest/large-crops.ts";
import { describeNoFace } from "../records/no-face.ts";
import { describeOmission } from "../manifest/output-formats.ts";
import type { JobState } from "./job-state.ts";
import { sumDollars } from "./job-budget.ts";
import { describeLeftOut } from "./open-input.ts";
import { estimateSeconds } from "./time-left.ts";
import { readWorkload } from "./job-workload.ts";
import { isEnded, type JobStatus, type Spent } from "./job-status.ts";
import type { JobFailure } from "./job-task.ts";
import { addLabels, countFinished, type ErrorCounts, type OutcomeCounts } from "./outcome-counts.ts";
import { dataFolder, jobFolder } from "../keys.ts";

/** A job for its readers. */
export interface JobView {
  readonly id: string;
  readonly name: string | null;
  /** Absent: none. */
  readonly tags?: readonly string[];
  readonly status: JobStatus;
  readonly model: string;
  readonly priority: number;
  /** Who scores: the server's consumers, or clients, or both. See docs/client-compute.md. */
  readonly execution: "edge" | "client" | "auto";
  /** True while it has at most one chunk out, because a job of a higher priority has chunks to give. */
  readonly outranked: boolean;
  /** The store that the job waits for since its last call failed, and when it is tried again; absent: none. */
  readonly waiting?: {
    readonly store: string;
    readonly code: ErrorCode;
    readonly since: string;
    readonly retryAt: string;
  };
  /** Why it is paused, if nobody wanted it: its budget is used up, or its key's of the month. */
  readonly pausedFor?: Spent;
  /** What the job may cost, and what it has cost with the merging that its end takes, dollars; absent: it may cost anything. */
  readonly budget?: { readonly dollars: number; readonly spent: number };
  readonly createdAt: string;
  /** When each status was last entered, ISO 8601. */
  readonly times: Readonly<Partial<Record<JobStatus, string>>>;
  readonly counts: {
    /** Inputs known so far; final once `planned`. */
    readonly listed: number;
    readonly planned: boolean;
    readonly finished: number;
    readonly outcomes: OutcomeCounts;
    readonly errors: ErrorCounts;
    /** Records by label so far, in label order. */
    readonly labels: readonly number[];
    /** The model's labels, in the order of the counts. */
    readonly labelNames: readonly string[];
    readonly records: number;
    readonly bytes: number;
  };
  readonly chunks: JobState["chunks"];
  /** Of an open job: inputs that came in, until when it waits for its seal, and when it was sealed (`null`: not yet). */
  readonly open?: { readonly received: number; readonly sealBy: string; readonly sealedAt: string | null };
  /** What computed finished chunks; those of clients stand as `client:<name>`. */
  readonly engines: readonly string[];
  /** Inputs a second, averaged; `null` before two reports. */
  readonly rate: number | null;
  /** Seconds until the job has ended at that rate, the merging of a data set included; `null` if unknown. */
  readonly etaSeconds: number | null;
  /** What scoring has cost so far at Cloudflare's prices, whoever runs it; its run lock has the whole receipt. */
  readonly dollars: number;
  readonly failure: JobFailure | null;
  readonly issues: readonly Issue[];
  /** What the job asks for and will not get, or that its input is empty, in sentences. */
  readonly warnings: readonly string[];
  /** Absent `layout`: the outputs are single files. A data set keeps its parts in `data`, whatever was erased since. */
  readonly output: {
    readonly store: string;
    readonly prefix: string;
    readonly layout?: "dataset";
    readonly data?: string;
  };
  /** Parts of a data set so far; absent before it is merged, and of single files. */
  readonly parts?: { readonly total: number; readonly done: number };
  readonly retryOf: string | null;
  /** The run of a schedule that the job is; absent for other jobs. */
  readonly schedule?: { readonly id: string; readonly dueAt: string };
  /** When the job and its outputs are deleted, ISO 8601; absent before the end, and without `output.retentionDays`. */
  readonly retainUntil?: string;
  /** Absent if nothing was to be erased. `inputs`: how many were removed so far. */
  readonly erasure?: {
    readonly status: "running" | "done" | "failed";
    readonly inputs: number;
    readonly failure: JobFailure | null;
  };
}

/** @param nowMs not used for ended jobs, so that their view never changes again */
export function viewJob(state: JobState, spec: JobSpec, nowMs: number): JobView {
  const finished = countFinished(state.outcomes);
  const { output, name } = spec.manifest;
  const times = Object.fromEntries(Object.entries(state.times).map(([status, ms]) => [status, formatTime(ms)]));
  return {
    id: state.id,
    name: name ?? null,
    ...(spec.manifest.tags === undefined ? {} : { tags: spec.manifest.tags }),
    status: state.status,
    model: spec.model,
    priority: spec.manifest.priority,
    execution: spec.manifest.execution,
    outranked: state.outranked === true && !isEnded(state.status),
    ...describeWait(state),
    ...(state.pausedFor === undefined ? {} : { pausedFor: state.pausedFor }),
    ...describeBudget(state, spec),
    createdAt: formatTime(state.createdMs),
    times,
    counts: {
      listed: state.listed,
      planned: state.plan.status === "done",
      finished,
      outcomes: state.outcomes,
      errors: state.errors,
      labels: addLabels(
        state.labels,
        labelsOf(spec).map(() => 0),
      ),
      labelNames: labelsOf(spec),
      records: state.records,
      bytes: state.listedBytes,
    },
    chunks: state.chunks,
    ...describeOpen(state, spec),
    engines: state.engines,
    rate: state.rate.perSecond === null ? null : Math.round(state.rate.perSecond * 100) / 100,
    etaSeconds: estimateSeconds(state, nowMs),
    dollars: priceSoFar(state, spec).dollars,
    failure: state.failure,
    issues: state.issues,
    warnings: [
      state.plan.status === "done" ? describeEmptyInput(spec.manifest, state.listed) : null,
      state.plan.status === "done" ? describeLargeCrops(spec.manifest, state.listed, state.listedBytes) : null,
      describeLeftOut(state),
      isEnded(state.status) ? describeNoFace(state.outcomes.no_face, finished) : null,
      // With several faces per picture there are more records than inputs; without a face, one record.
      describeOmission(output, Math.max(state.listed, state.records), LIMITS),
    ].filter((one) => one !== null),
    output: {
      store: output.store,
      prefix: jobFolder(output.prefix, state.id, state.generation),
      ...(output.layout === "dataset" && { layout: "dataset", data: dataFolder(output, state.id) }),
    },
    ...(state.merge && { parts: { total: state.merge.total, done: state.merge.done } }),
    retryOf: spec.retryOf,
    ...(spec.schedule === undefined
      ? {}
      : { schedule: { id: spec.schedule.scheduleId, dueAt: formatTime(spec.schedule.dueMs) } }),
    ...findRetention(state, output.retentionDays),
    ...describeErasure(state),
  };
}

function describeBudget(state: JobState, spec: JobSpec): Pick<JobView, "budget"> {
  if (state.budget === undefined) return {};
  return { budget: { dollars: state.budget, spent: sumDollars(state, readWorkload(spec)) } };
}

function describeOpen({ open, createdMs }: JobState, { manifest }: JobSpec): Pick<JobView, "open"> {
  if (open === undefined) return {};
  const { received, sealedMs } = open;
  const sealByMs = createdMs + (manifest.limits.openSeconds ?? LIMITS.open.maxSeconds) * 1000;
  return {
    open: { received, sealBy: formatTime(sealByMs), sealedAt: sealedMs === null ? null : formatTime(sealedMs) },
  };
}

function describeWait({ waiting = null, status }: JobState): Pick<JobView, "waiting"> {
  if (waiting === null || isEnded(status)) return {};
  const { store, code, sinceMs, retryMs } = waiting;
  return { waiting: { store, code, since: formatTime(sinceMs), retryAt: formatTime(retryMs) } };
}

function describeErasure(state: JobState): Pick<JobView, "erasure"> {
  if (state.erasure === undefined) return {};
  const { inputs, failure } = state.erasure;
  const status = isErasing(state) ? "running" : failure === null ? "done" : "failed";
  return { erasure: { status, inputs, failure } };
}

function findRetention(state: JobState, retentionDays: number | undefined): Pick<JobView, "retainUntil"> {
  const endedMs = isEnded(state.status) ? state.times[state.status] : undefined;
  if (endedMs === undefined || retentionDays === undefined) return {};
  return { retainUntil: formatTime(endedMs + retentionDays * 86_400_000) };
}

function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}
