/** The consumer of R2's event notifications: objects that were written go into the feeds that are over them. */

import { z } from "zod";
import { toScoringError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { FedUploads, Upload } from "../scoring/schedules/feed-uploads.ts";

/** A message of R2 (Cloudflare documentation, "Event notifications", "Message format"). */
const eventShape = z.object({
  action: z.string(),
  bucket: z.string(),
  object: z.object({ key: z.string().min(1), size: z.number().optional(), eTag: z.string().optional() }),
});

/** The actions that write an object; others are of no interest. */
const WRITES: readonly string[] = ["PutObject", "CopyObject", "CompleteMultipartUpload"];

/** What the consumer works with. */
export interface UploadEventDeps {
  /** Names of the stores over a bucket. */
  findStores(bucket: string): readonly string[];
  feed(store: string, uploads: readonly Upload[]): Promise<FedUploads>;
  readonly logger: Logger;
}

interface Written {
  readonly upload: Upload;
  readonly message: QueueMessage<unknown>;
}

/**
 * Handles one batch: the queue has gathered it by count or time. What a feed has taken is taken once, so a batch that failed midway
 * is delivered again as a whole.
 */
export async function consumeUploads(batch: QueueBatch<unknown>, deps: UploadEventDeps): Promise<void> {
  const { logger } = deps;
  const byStore = new Map<string, Written[]>();
  for (const message of batch.messages) {
    const parsed = eventShape.safeParse(message.body);
    if (!parsed.success) {
      logger.log("warn", "upload_event_unknown", { message: message.id });
      message.ack();
      continue;
    }
    const { action, bucket, object } = parsed.data;
    const stores = WRITES.includes(action) ? deps.findStores(bucket) : [];
    if (stores.length === 0) message.ack();
    const upload = { key: object.key, etag: object.eTag, size: object.size };
    for (const store of stores) byStore.set(store, [...(byStore.get(store) ?? []), { upload, message }]);
  }
  for (const [store, written] of byStore) await feedStore(store, written, deps);
}

async function feedStore(store: string, written: readonly Written[], deps: UploadEventDeps): Promise<void> {
  const { logger } = deps;
  try {
    const { refused, ...fed } = await deps.feed(
      store,
      written.map(({ upload }) => upload),
    );
    for (const one of refused) logger.log("warn", "upload_refused", { store, ...one });
    for (const { message } of written) message.ack();
    logger.log("info", "uploads_fed", { store, uploads: written.length, ...fed });
  } catch (error) {
    logger.log("error", "uploads_not_fed", { store, uploads: written.length, error: toScoringError(error) });
    for (const { message } of written) message.retry({ delaySeconds: Math.min(600, 10 * 2 ** message.attempts) });
  }
}
