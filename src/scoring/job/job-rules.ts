/** The constants of the job machine, and how a job's own follow from its manifest. */

import type { Limits } from "../limits.ts";
import { countMaxRecords } from "../manifest/output-formats.ts";
import type { PartitionLimits } from "../manifest/partition-by.ts";
import { readWorkload, type Workload } from "./job-workload.ts";
import type { JobSpec } from "./job-spec.ts";
import type { OpenRules } from "./open-progress.ts";

/** A job's constants, as far as the machine needs them. */
export interface JobRules {
  readonly maxConcurrency: number;
  /** Share of failed inputs, 0…1, above which the job fails, after `errorMinimumSample` outcomes. */
  readonly errorThreshold: number;
  readonly errorMinimumSample: number;
  readonly expiresMs: number;
  /** Dispatch while planning goes on (listings), or only after every line was validated (manifest objects). */
  readonly eager: boolean;
  readonly leaseMs: number;
  /** For those who send no heartbeats; absent in jobs of before there were any: `leaseMs`. */
  readonly unwatchedLeaseMs?: number;
  readonly resendMs: number;
  readonly maxChunkAttempts: number;
  readonly maxSingleExpiries: number;
  readonly maxSingleFailures: number;
  readonly maxTaskAttempts: number;
  readonly maxTaskDeaths: number;
  readonly maxBackoffSeconds: number;
  readonly maxIssues: number;
  readonly progressMs: number;
  /** Who scores; absent: the edge. */
  readonly execution?: "edge" | "client" | "auto";
  /** Records that the outputs can hold; absent in jobs of before it was looked at: their finalization refuses. */
  readonly maxRecords?: number;
  /** Records of one part of a data set; absent: the outputs are single files. */
  readonly partRows?: number;
  /** Bounds of the folders of a data set; absent: it has none by group. */
  readonly partitions?: PartitionLimits;
  /** What the job may cost at first, dollars; absent: anything. */
  readonly budget?: number;
  /** For the costs of the job; absent in jobs of before they were looked at. */
  readonly workload?: Workload;
  /** With `client`, the edge takes over when no client asked for so long. */
  readonly clientWaitMs?: number;
  /** Of an open job; absent: the input was named when it was submitted. */
  readonly open?: OpenRules;
}

/** The machine's constants for a job. */
export function makeRules(spec: JobSpec, limits: Limits): JobRules {
  const { manifest } = spec;
  const { maxPartitions, maxPartitionBytes } = limits.dataset;
  const { chunkSize, expiresInSeconds, openSeconds = limits.open.maxSeconds } = manifest.limits;
  const isOpen = manifest.input.open !== undefined;
  return {
    maxConcurrency: manifest.limits.maxConcurrency,
    errorThreshold: manifest.limits.errorThreshold,
    errorMinimumSample: manifest.limits.errorMinimumSample,
    // An open job has the time of any other from its seal on.
    expiresMs: spec.createdMs + (isOpen ? openSeconds : expiresInSeconds) * 1000,
    // A manifest object can be wrong at its last line, so nothing is scored before all of it was read.
    eager: manifest.input.manifest === undefined,
    leaseMs: limits.leaseMs,
    unwatchedLeaseMs: limits.unwatchedLeaseMs,
    resendMs: limits.resendMs,
    maxChunkAttempts: limits.maxChunkAttempts,
    maxSingleExpiries: limits.maxSingleExpiries,
    maxSingleFailures: limits.maxSingleFailures,
    maxTaskAttempts: limits.maxTaskAttempts,
    maxTaskDeaths: limits.maxTaskDeaths,
    maxBackoffSeconds: limits.maxBackoffSeconds,
    maxIssues: limits.maxIssues,
    // A data set has as many parts as it takes.
    ...(manifest.output.layout === "dataset"
      ? { partRows: limits.dataset.partRows }
      : { maxRecords: countMaxRecords(limits) }),
    ...(manifest.output.partitionBy !== undefined && { partitions: { maxPartitions, maxPartitionBytes } }),
    progressMs: limits.progressMs,
    execution: manifest.execution,
    workload: readWorkload(spec),
    ...(manifest.budget === undefined ? {} : { budget: manifest.budget.dollars }),
    clientWaitMs: limits.clientWaitMs,
    ...(isOpen && {
      open: { gatherInputs: chunkSize, gatherMs: limits.open.gatherMs, sealedLifeMs: expiresInSeconds * 1000 },
    }),
  };
}
