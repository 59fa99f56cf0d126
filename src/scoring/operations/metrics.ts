/**
 * What is counted while jobs run, and its form for the platform's store. Labels come from closed sets (kinds, statuses, codes, models):
 * never from keys, objects, jobs or persons. docs/operations.md lists every metric.
 */

import { DISPOSITIONS, ERROR_CODES } from "../../errors.ts";
import { OUTCOMES } from "../records/records.ts";
import type { JobSpec } from "../job/job-spec.ts";
import type { JobState } from "../job/job-state.ts";
import { isEnded, type JobStatus } from "../job/job-status.ts";
import type { WorkMessage } from "../job/messages.ts";

/** One observation. */
export type MetricPoint =
  | {
      /** One delivery of a queue message; a `score` message is one attempt at a chunk. */
      readonly kind: "message";
      readonly work: WorkMessage["kind"];
      readonly result: "done" | "redelivered" | "dead";
      /** From sending to delivery, ms; includes asked-for delays. */
      readonly lagMs: number;
      /** From delivery to the end, ms. */
      readonly wallMs: number;
      /** Deliveries of this message, from 1. */
      readonly attempts: number;
    }
  | {
      /** One ended job. */
      readonly kind: "job";
      readonly status: JobStatus;
      readonly model: string;
      readonly execution: "edge" | "client" | "auto";
      /** From submission to the end. */
      readonly seconds: number;
      readonly inputs: number;
      readonly records: number;
      readonly bytes: number;
      readonly chunks: number;
    }
  /** An alarm that did not fire and was set again; how long it was overdue. */
  | { readonly kind: "alarm_lost"; readonly seconds: number }
  /** Inputs of an ended job by outcome. */
  | { readonly kind: "outcome"; readonly outcome: string; readonly model: string; readonly count: number }
  /** Inputs of an ended job by error code. */
  | { readonly kind: "error"; readonly code: string; readonly disposition: string; readonly count: number };

/** The port to wherever metrics go. Must not throw: no work may fail for a metric. */
export interface Metrics {
  write(points: readonly MetricPoint[]): void;
}

/** One row of the platform's store (Workers Analytics Engine, `writeDataPoint`). */
export interface DataPoint {
  readonly indexes: readonly [string];
  readonly blobs: readonly string[];
  readonly doubles: readonly number[];
}

/** All metrics of an ended job; none for a job that has not ended. */
export function describeEndedJob(state: JobState, spec: JobSpec): readonly MetricPoint[] {
  if (!isEnded(state.status)) return [];
  const { model, manifest } = spec;
  const endedMs = state.times[state.status] ?? state.createdMs;
  const job: MetricPoint = {
    kind: "job",
    status: state.status,
    model,
    execution: manifest.execution,
    seconds: (endedMs - state.createdMs) / 1000,
    inputs: state.listed,
    records: state.records,
    bytes: state.listedBytes,
    chunks: state.chunks.done,
  };
  const outcomes = OUTCOMES.filter((outcome) => state.outcomes[outcome] > 0).map(
    (outcome) => ({ kind: "outcome", outcome, model, count: state.outcomes[outcome] }) as const,
  );
  const errors = ERROR_CODES.flatMap((code): MetricPoint[] => {
    const count = state.errors[code] ?? 0;
    return count === 0 ? [] : [{ kind: "error", code, disposition: DISPOSITIONS[code], count }];
  });
  return [job, ...outcomes, ...errors];
}

/** The row of a point: the kind is index and first label; numbers stand in the order of docs/operations.md. */
export function encodePoint(point: MetricPoint): DataPoint {
  const [labels, doubles] = listFields(point);
  return { indexes: [point.kind], blobs: [point.kind, ...labels], doubles };
}

function listFields(point: MetricPoint): readonly [readonly string[], readonly number[]] {
  switch (point.kind) {
    case "message":
      return [
        [point.work, point.result],
        [point.lagMs, point.wallMs, point.attempts],
      ];
    case "job":
      return [
        [point.status, point.model, point.execution],
        [point.seconds, point.inputs, point.records, point.bytes, point.chunks],
      ];
    case "outcome":
      return [[point.outcome, point.model], [point.count]];
    case "alarm_lost":
      return [[], [point.seconds]];
    case "error":
  }
  return [[point.code, point.disposition], [point.count]];
}
