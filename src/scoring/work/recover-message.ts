/** What becomes of a message whose consumer is known to have died: the same as after an expired lease, but at once. */

import type { JobFailure } from "../job/job-task.ts";
import type { WorkMessage } from "../job/messages.ts";
import type { WorkDeps } from "./work-deps.ts";

/**
 * Takes back what the dead consumer held: its chunk is halved, its step is started again.
 * @returns false if it held nothing yet: then only its message was lost, and is delivered again
 */
export async function recoverMessage(
  { openJob, openEraser }: Pick<WorkDeps, "openJob" | "openEraser">,
  message: WorkMessage,
): Promise<boolean> {
  const job = openJob(message.jobId);
  const makeFailure = (step: number): JobFailure => ({
    code: "internal",
    message: `the consumer of the ${message.kind} step ${step} died`,
  });
  switch (message.kind) {
    case "score": {
      const chunk = await job.readChunk(message.chunkId);
      return chunk?.status === "leased" && (await job.loseChunk(message.chunkId));
    }
    case "plan":
    case "finalize": {
      const attempt = (await job.read())?.state[message.kind].attempt ?? 0;
      return job.retryTask(message.kind, message.step, attempt, makeFailure(message.step), null);
    }
    case "scan":
    case "merge": {
      const { kind: phase, range, step } = message;
      const attempt = (await job.readRange(phase, range))?.task.attempt ?? 0;
      return job.retryRange({ phase, range, step, attempt }, makeFailure(step), null);
    }
    case "erase": {
      const attempt = (await job.read())?.state.erasure?.task.attempt ?? 0;
      const eraser = openEraser?.(message.jobId);
      return (await eraser?.retryErase(message.step, attempt, makeFailure(message.step), false)) ?? false;
    }
    case "notify":
  }
  return false;
}
