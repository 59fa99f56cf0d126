/** The queue's producer behind the core's port: batches of at most 100 messages and 256 KB. */

import { ScoringError } from "../errors.ts";
import type { WorkMessage, WorkQueue } from "../scoring/job/messages.ts";
import type { QueueDepth } from "../scoring/operations/queue-depth.ts";

const MAX_BATCH = 100;

/**
 * The queue over a Cloudflare Queues producer; sends in batches of at most 100 messages.
 * @param readTrace the trace that the messages are sent in
 */
export function createWorkQueue(
  producer: QueueProducer<WorkMessage>,
  readTrace: () => string | null = () => null,
): WorkQueue {
  return {
    async send(messages) {
      const trace = readTrace();
      const sender = trace === null ? {} : { trace };
      for (let at = 0; at < messages.length; at += MAX_BATCH) {
        const batch = messages.slice(at, at + MAX_BATCH).map(({ message, delaySeconds }) => ({
          body: { ...message, ...sender },
          delaySeconds,
          contentType: "json" as const,
        }));
        try {
          await producer.sendBatch(batch);
        } catch (cause) {
          throw new ScoringError("queue_unavailable", "the queue accepted no messages", { cause });
        }
      }
    },
  };
}

/** How much waits in it; `null` where the runtime cannot say. @throws ScoringError `queue_unavailable` */
export async function readQueueDepth(producer: QueueProducer<WorkMessage>): Promise<QueueDepth | null> {
  if (producer.metrics === undefined) return null;
  try {
    const { backlogCount, oldestMessageTimestamp } = await producer.metrics();
    const oldestMs = oldestMessageTimestamp?.getTime() ?? 0;
    // An empty queue has no oldest message; some runtimes say 1970 then.
    return { backlog: backlogCount, oldestMs: oldestMs > 0 ? oldestMs : null };
  } catch (cause) {
    throw new ScoringError("queue_unavailable", "the queue does not say how much waits in it", { cause });
  }
}
