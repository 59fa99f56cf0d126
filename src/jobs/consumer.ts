/** The queue's consumer: hands each message to the core, and returns it to the queue if even that failed. */

import type { Logger } from "../log.ts";
import type { DeadLetterDirectory } from "../scoring/job/dead-letter.ts";
import type { Clock, WorkMessage } from "../scoring/job/messages.ts";
import type { Metrics } from "../scoring/operations/metrics.ts";
import { handleDeadLetter, handleMessage } from "../scoring/work/handle-message.ts";
import type { WorkDeps } from "../scoring/work/work-deps.ts";

/** What a consumer reports about its work. */
export interface ConsumerDeps {
  readonly work: WorkDeps;
  readonly deadLetters: Pick<DeadLetterDirectory, "noteDeadLetter">;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/**
 * Handles one batch. Every message is settled separately: a failure redelivers only that message.
 * @param handle does the work where another thread does it
 */
export async function consumeBatch(
  batch: QueueBatch<WorkMessage>,
  deps: ConsumerDeps,
  handle = (body: WorkMessage): Promise<void> => handleMessage(deps.work, body),
): Promise<void> {
  for (const message of batch.messages) {
    await consumeMessage(message, "done", deps, () => handle(message.body));
  }
}

/** The same for dead letters. */
export async function consumeDeadLetters(batch: QueueBatch<WorkMessage>, deps: ConsumerDeps): Promise<void> {
  for (const message of batch.messages) {
    deps.logger.log("warn", "dead_letter", { ...nameWork(message.body), message: message.body });
    await consumeMessage(message, "dead", deps, async () => {
      // First: what follows may end the job, and with it what is remembered of it.
      if (message.attempts === 1) await deps.deadLetters.noteDeadLetter(message.body, deps.clock());
      await handleDeadLetter(deps.work, message.body);
    });
  }
}

async function consumeMessage(
  message: QueueMessage<WorkMessage>,
  settled: "done" | "dead",
  deps: ConsumerDeps,
  handle: () => Promise<void>,
): Promise<void> {
  const { logger, metrics, clock } = deps;
  const { body, attempts } = message;
  const startedMs = clock();
  const tell = (result: "done" | "dead" | "redelivered"): void => {
    const lagMs = Math.max(0, startedMs - message.timestamp.getTime());
    metrics.write([{ kind: "message", work: body.kind, result, lagMs, wallMs: clock() - startedMs, attempts }]);
  };
  try {
    await handle();
    message.ack();
    logger.log("info", "message_settled", { ...nameWork(body), work: body.kind, attempts });
    tell(settled);
  } catch (error) {
    logger.log("error", "message_failed", { ...nameWork(body), message: body, attempts, error });
    message.retry({ delaySeconds: Math.min(60, 2 ** attempts) });
    tell("redelivered");
  }
}

/** Job and chunk of a message, and the trace that it was sent in, as every log line names them. */
export function nameWork(message: WorkMessage): {
  readonly job: string;
  readonly chunk?: string;
  readonly trace?: string;
} {
  const { jobId: job, trace } = message;
  const sender = trace === undefined ? {} : { trace };
  return message.kind === "score" ? { job, chunk: message.chunkId, ...sender } : { job, ...sender };
}
