/** What a job will take, before it runs and before its outputs are merged. */

import type { StoreOperations } from "../../storage/metered-store.ts";
import {
  estimateCpuMs,
  estimateMerge,
  estimateRows,
  type JobEstimate,
  type JobWork,
  OPERATIONS_PER_MESSAGE,
  priceJob,
} from "../job/job-cost.ts";
import { LIMITS } from "../limits.ts";

/** The numbers that a job's cost follows from. */
export interface EstimateInput extends JobWork {
  /** Frozen pages of the input. */
  readonly pages: number;
  /** Whether the inputs lie in tar shards or tables, which planning reads window by window. */
  readonly packed: boolean;
  /** Reads of inputs: fewer than inputs where shards hold many. */
  readonly reads: number;
}

/** What planning asks of the stores: a listing and a frozen page per page; for packed inputs, their windows. */
function estimatePlanning({ pages, packed, bytes }: EstimateInput): StoreOperations {
  return { writes: 2 * pages, reads: packed ? pages + Math.ceil(bytes / LIMITS.plan.windowBytes) : 0 };
}

/** Operations follow from the protocol: docs/architecture.md, "One job, step by step". */
export function estimateJob(input: EstimateInput): JobEstimate {
  const { chunks, reads } = input;
  const planSteps = Math.ceil(input.pages / LIMITS.maxPagesPerPlanStep);
  const planning = estimatePlanning(input);
  const merge = estimateMerge(input.inputs, chunks);
  const messages = planSteps + chunks + merge.steps;
  return priceJob(estimateCpuMs(input), messages, {
    // One part per chunk.
    classA: planning.writes + chunks + merge.operations.writes,
    // The inputs, and each chunk's lines.
    classB: planning.reads + reads + chunks + merge.operations.reads,
    queue: OPERATIONS_PER_MESSAGE * messages,
    // Lease and report.
    durableObject: 2 * messages,
    rowsWritten: estimateRows(chunks, input.pages),
  });
}
