/** What travels through the queue. Small: the platform's limit is 128 KB per message, these have about 100 bytes. */

/** One message: a step or a chunk of a job, by name only. `trace`: the invocation that sent it, as W3C Trace Context writes it; absent: unknown. */
export type WorkMessage = { readonly trace?: string } & (
  | { readonly kind: "plan"; readonly jobId: string; readonly step: number }
  /** `probe`: a store of the job was unavailable; it is tried before the engine is taken. */
  | { readonly kind: "score"; readonly jobId: string; readonly chunkId: string; readonly probe?: true }
  | { readonly kind: "finalize"; readonly jobId: string; readonly step: number }
  /** A step of one range: of the listing, of a data set. */
  | { readonly kind: "scan"; readonly jobId: string; readonly range: number; readonly step: number }
  | { readonly kind: "merge"; readonly jobId: string; readonly range: number; readonly step: number }
  | { readonly kind: "erase"; readonly jobId: string; readonly step: number }
  | { readonly kind: "notify"; readonly jobId: string; readonly eventId: number }
);

/** The port to the queue. Delivery is at least once, in any order; a send may fail as a whole. */
export interface WorkQueue {
  /** Sends any number of messages; the adapter batches them. @throws ScoringError `queue_unavailable` */
  send(messages: readonly { readonly message: WorkMessage; readonly delaySeconds: number }[]): Promise<void>;
}

/** Milliseconds since the epoch. Frozen during CPU work in production: only differences across I/O mean anything. */
export type Clock = () => number;
