/**
 * The messages between a server and a client that computes for it; docs/client-compute.md describes the protocol. Plain
 * types: the server checks what it receives (client-shapes.ts), a client trusts its server.
 */

import type { Thresholds } from "../../model/abstention.ts";
import type { FaceOptions } from "../chunk/faces.ts";
import type { InputFormat } from "../manifest/input-formats.ts";
import type { PipelineVersion, ScoreRecord } from "../records/records.ts";
import type { InputItem } from "../records/input-item.ts";

/** What a client can compute with. */
export const CLIENT_BACKENDS = ["webgpu", "wasm-threads", "wasm-simd", "wasm", "fused-wasm", "node"] as const;
/** One of {@link CLIENT_BACKENDS}. */
export type ClientBackend = (typeof CLIENT_BACKENDS)[number];

/** What a client must know about a job. */
export interface ClientTask {
  /** `name@version`, and the SHA-256 of its weights, hex: the client must have the same. */
  readonly model: string;
  readonly modelSha256: string;
  readonly pipeline: PipelineVersion;
  /** By label, from which probability on it is given; absent where every face gets one. */
  readonly thresholds?: Thresholds | undefined;
  readonly tta: "none" | "flip";
  readonly format: InputFormat;
  readonly faces: FaceOptions;
  readonly maxImageBytes: number;
}

/** Faces that the server has scored itself, and a picture to decode. */
export interface Canary {
  readonly task: ClientTask;
  /** Sent back with the answer: names the faces and the time until which they may be answered. */
  readonly challenge: string;
  readonly count: number;
  /** `count × 2304` bytes, base64. */
  readonly faces: string;
  /** An encoded picture, base64: its 48×48 face must be the server's, byte for byte. */
  readonly picture: string;
}

/** A client's answer to a canary. */
export interface CanaryAnswer {
  readonly challenge: string;
  readonly backend: ClientBackend;
  /** `count × 7`. */
  readonly probabilities: readonly number[];
  /** Of the picture's 2,304 bytes, hex. */
  readonly pictureSha256: string;
}

/** The right to ask for leases of one job, until it ends. */
export interface CanaryPass {
  readonly token: string;
  readonly untilMs: number;
}

/** One input with the address of its bytes: on the same origin, signed, valid as long as a lease. */
export interface LeasedItem {
  readonly item: InputItem;
  readonly url: string;
}

/** A chunk in a client's hands. */
export interface ClientLease {
  readonly kind: "lease";
  readonly jobId: string;
  readonly chunkId: string;
  readonly nonce: string;
  readonly attempt: number;
  /** How long the lease runs from now on, ms: clocks may differ, durations do not. */
  readonly leaseMs: number;
  readonly task: ClientTask;
  readonly items: readonly LeasedItem[];
  /** Packed neighbors come together: addresses for each run of them that these bounds give. Absent: none. */
  readonly runs?: LeasedRuns;
}

/** Combined reads of a lease, as `listReads` plans them. */
export interface LeasedRuns {
  readonly maxRunBytes: number;
  readonly maxGapBytes: number;
  readonly reads: readonly {
    readonly key: string;
    readonly versionId?: string;
    readonly range: { readonly offset: number; readonly length: number };
    readonly url: string;
  }[];
}

/** `wait`: nothing is free now. `ended`: the job no longer needs anybody. */
export type LeaseAnswer =
  | ClientLease
  | { readonly kind: "wait"; readonly retryAfterSeconds: number }
  | { readonly kind: "ended"; readonly status: string };

/** A client's records of one chunk, in input order. */
export interface ChunkSubmission {
  readonly nonce: string;
  readonly backend: ClientBackend;
  readonly records: readonly ScoreRecord[];
}

/** `repeated`: the same submission was accepted before. */
export interface SubmissionReceipt {
  readonly accepted: true;
  readonly repeated: boolean;
}
