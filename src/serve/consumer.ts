/** One delivery's consumer: the platform's own (`src/jobs/consumer.ts`), with the work in a thread. */

import { consumeBatch, consumeDeadLetters, type ConsumerDeps } from "../jobs/consumer.ts";
import type { Logger } from "../log.ts";
import type { WorkMessage } from "../scoring/job/messages.ts";
import type { Metrics } from "../scoring/operations/metrics.ts";
import { handleMessage } from "../scoring/work/handle-message.ts";
import { recoverMessage } from "../scoring/work/recover-message.ts";
import type { WorkDeps } from "../scoring/work/work-deps.ts";
import type { Delivery, QueueRows } from "./queue-rows.ts";
import { isThreadDeath, type Threads } from "./threads.ts";

/** What a consumer works with. */
export interface ConsumerParts {
  readonly queue: QueueRows;
  readonly pool: Pick<Threads, "handle">;
  readonly work: WorkDeps;
  readonly deadLetters: ConsumerDeps["deadLetters"];
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: () => number;
}

/** Consumes deliveries of both lanes. */
export interface Consumer {
  /** Handles a delivery and settles it. Never throws. */
  consume(delivery: Delivery): Promise<void>;
  /** From now on threads die because the server is stopping: what they held is given back as it was. */
  giveBack(): void;
}

/** A consumer over the threads. */
export function createConsumer({ queue, pool, work, deadLetters, logger, metrics, clock }: ConsumerParts): Consumer {
  let isStopping = false;

  async function handle(message: WorkMessage): Promise<void> {
    // Sending a notice takes no computing, and its receiver may be slow.
    if (message.kind === "notify") return handleMessage(work, message);
    try {
      await pool.handle(message);
    } catch (error) {
      if (!isStopping && !isThreadDeath(error)) throw error;
      // If nothing was held yet, the message is delivered again.
      if (!(await (isStopping ? release(message) : recoverMessage(work, message)))) throw error;
    }
  }

  /** The chunk is not at fault: it keeps its size, and waits as after a transient failure. */
  async function release(message: WorkMessage): Promise<boolean> {
    if (message.kind !== "score") return recoverMessage(work, message);
    const job = work.openJob(message.jobId);
    const chunk = await job.readChunk(message.chunkId);
    return chunk !== null && job.release(chunk.id, chunk.attempt, null);
  }

  return {
    async consume(delivery) {
      const { id, sentMs, attempts, body, dead } = delivery;
      const message: QueueMessage<WorkMessage> = {
        id: String(id),
        timestamp: new Date(sentMs),
        attempts,
        body,
        ack: () => queue.settle(delivery),
        retry(options) {
          const fate = queue.retry(delivery, options?.delaySeconds ?? 0, clock());
          if (fate === "dropped") logger.log("error", "message_dropped", { message: body });
        },
      };
      const deps = { work, deadLetters, logger, metrics, clock };
      try {
        if (dead) await consumeDeadLetters({ queue: "dead", messages: [message] }, deps);
        else await consumeBatch({ queue: "work", messages: [message] }, deps, handle);
      } catch (error) {
        // The message is held until it is taken for lost, and is then delivered again.
        logger.log("error", "consumer_failed", { message: body, error });
      }
    },
    giveBack() {
      isStopping = true;
    },
  };
}
