/** The queue's consumer: hands each message to the core, and gives it back to the queue if even that failed. */

import type { Logger } from "../log.ts";
import type { WorkMessage } from "../scoring/messages.ts";
import { handleDeadLetter, handleMessage, type WorkDeps } from "../scoring/work.ts";

/** Handles one batch. Every message is settled by itself: a failure redelivers that message only. */
export async function consumeBatch(batch: QueueBatch<WorkMessage>, deps: WorkDeps, logger: Logger): Promise<void> {
  for (const message of batch.messages) await consumeMessage(message, logger, () => handleMessage(deps, message.body));
}

/** The same for dead letters. */
export async function consumeDeadLetters(
  batch: QueueBatch<WorkMessage>,
  deps: WorkDeps,
  logger: Logger,
): Promise<void> {
  for (const message of batch.messages) {
    logger.log("warn", "dead_letter", { message: message.body });
    await consumeMessage(message, logger, () => handleDeadLetter(deps, message.body));
  }
}

async function consumeMessage(
  message: QueueMessage<WorkMessage>,
  logger: Logger,
  handle: () => Promise<void>,
): Promise<void> {
  try {
    await handle();
    message.ack();
  } catch (error) {
    logger.log("error", "message_failed", { message: message.body, attempts: message.attempts, error });
    message.retry({ delaySeconds: Math.min(60, 2 ** message.attempts) });
  }
}
