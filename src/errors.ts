/**
 * What went wrong, as data. Every failure in the core is a {@link ScoringError} with a code from one table; the table
 * says who acts on it. HTTP statuses live in `src/http/`, never here.
 */

/** Who acts on a failure. See docs/architecture.md, "Failure". */
export type Disposition = "request" | "item" | "transient" | "poison" | "fatal";

/** One code per cause. A record, a problem document and a log line all use these words. */
export const DISPOSITIONS = {
  // The caller's fault.
  invalid_json: "request",
  validation_failed: "request",
  unauthorized: "request",
  forbidden: "request",
  not_found: "request",
  method_not_allowed: "request",
  conflict: "request",
  idempotency_mismatch: "request",
  payload_too_large: "request",
  range_unsatisfiable: "request",
  rate_limited: "request",
  quota_exceeded: "request",
  unknown_store: "request",
  unknown_model: "request",
  version_unsupported: "request",
  store_unconditional: "request",
  address_forbidden: "request",
  client_rejected: "request",
  checkpoint_invalid: "request",
  checkpoint_refused: "request",
  // This image only.
  object_missing: "item",
  object_changed: "item",
  object_empty: "item",
  object_too_large: "item",
  image_unsupported: "item",
  image_corrupt: "item",
  image_truncated: "item",
  image_too_many_pixels: "item",
  face_too_small: "item",
  input_invalid: "item",
  item_poisoned: "item",
  item_cancelled: "item",
  item_expired: "item",
  // The same work may succeed later.
  api_unavailable: "transient",
  store_unavailable: "transient",
  store_throttled: "transient",
  store_timeout: "transient",
  store_short_read: "transient",
  queue_unavailable: "transient",
  webhook_failed: "transient",
  // The same work will fail again: split it.
  chunk_exhausted: "poison",
  // The job cannot be right.
  config_invalid: "fatal",
  model_invalid: "fatal",
  model_hash_mismatch: "fatal",
  engine_unavailable: "fatal",
  output_conflict: "fatal",
  manifest_lost: "fatal",
  error_threshold: "fatal",
  internal: "fatal",
} as const satisfies Record<string, Disposition>;

/** A code of the table. */
export type ErrorCode = keyof typeof DISPOSITIONS;

/** All codes. */
export const ERROR_CODES = Object.keys(DISPOSITIONS).filter((code): code is ErrorCode => code in DISPOSITIONS);

/** One finding of a validation: where it stands and what is wrong. `line` is 1-based, for line-oriented inputs. */
export interface Issue {
  readonly path: string;
  /** 1-based, in a file of lines. */
  readonly line?: number;
  /** 1-based field of that line, in a CSV. */
  readonly column?: number;
  readonly code: string;
  readonly message: string;
}

/**
 * The one error class of the core.
 *
 * `detail` is a sentence for a person and names the place (a key, a tensor, a line); it never holds a credential or
 * image content. `issues` is set when several findings are reported together.
 */
export class ScoringError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly issues: readonly Issue[];
  /** Name of the store whose call failed; `null` where that is not known, or no store's. */
  readonly store: string | null;

  constructor(
    code: ErrorCode,
    detail: string,
    options: { cause?: unknown; issues?: readonly Issue[]; store?: string } = {},
  ) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ScoringError";
    this.code = code;
    this.detail = detail;
    this.issues = options.issues ?? [];
    this.store = options.store ?? null;
  }

  get disposition(): Disposition {
    return DISPOSITIONS[this.code];
  }
}

/** True if the same request may succeed later: the server is out of reach, a store is failing, too many requests came at once. */
export function mayPass({ disposition, code }: ScoringError): boolean {
  return disposition === "transient" || code === "rate_limited";
}

/** The error itself if it is ours, else `internal` with the original as its cause. */
export function toScoringError(error: unknown): ScoringError {
  if (error instanceof ScoringError) return error;
  return new ScoringError("internal", error instanceof Error ? error.message : String(error), { cause: error });
}
