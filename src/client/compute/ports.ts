/** The ports of a computing client's loop: the page and the Node program each bring their own. */

import type { ScoringError } from "../../errors.ts";
import type { Canary, CanaryAnswer, ClientBackend, ClientLease } from "../../scoring/client-compute/protocol.ts";
import type { ScoreRecord } from "../../scoring/records/records.ts";
import type { ComputeApi } from "./compute-api.ts";
import type { RetryPorts } from "./retry-request.ts";

/** Computes: one engine, or a pool of workers with one each. */
export interface ChunkScorer {
  readonly backend: ClientBackend;
  /** What computes, in words, such as the adapter or the number of workers. */
  readonly detail: string;
  /** Chunks to hold at once so that it is never idle: one more than it scores, which is read in the meantime. */
  readonly lanes: number;
  answerCanary(canary: Canary): Promise<Pick<CanaryAnswer, "probabilities" | "pictureSha256">>;
  /** May be called again before the last call has ended. @throws ScoringError `engine_unavailable` once the device is lost */
  score(lease: ClientLease): Promise<readonly ScoreRecord[]>;
  close(): Promise<void>;
}

/** One rung of the ladder of engines, best first. */
export interface ScorerRung {
  readonly backend: ClientBackend;
  /** @throws ScoringError `engine_unavailable` if there is no such engine; `api_unavailable` if its files cannot be fetched: then it is opened again later */
  open(): Promise<ChunkScorer>;
}

/** What the loop reports. */
export type ComputeEvent =
  /** An engine passed the canary. */
  | { readonly kind: "engine"; readonly backend: ClientBackend; readonly detail: string }
  /** An engine does not exist, computes something else, or was lost: the next one is tried. */
  | { readonly kind: "left"; readonly backend: ClientBackend; readonly error: ScoringError }
  | { readonly kind: "leased"; readonly chunkId: string; readonly nonce: string; readonly inputs: number }
  | { readonly kind: "submitted"; readonly chunkId: string; readonly records: number }
  /** The lease went back to the edge. */
  | { readonly kind: "released"; readonly chunkId: string; readonly error: ScoringError }
  /** Nothing to do for `waitMs`; `error` if the server could not be reached. */
  | { readonly kind: "waiting"; readonly waitMs: number; readonly error: ScoringError | null };

/** The ports of {@link runClientCompute}. */
export interface ComputePorts {
  readonly api: ComputeApi;
  /** At least one. */
  readonly rungs: readonly ScorerRung[];
  readonly wait: RetryPorts["wait"];
  readonly tell: (event: ComputeEvent) => void;
}
