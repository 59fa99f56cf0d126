/** Errors as RFC 9457 problem documents. The only table from error codes to HTTP statuses. */

import type { Context } from "hono";
import { ERROR_CODES, type ErrorCode, ScoringError, toScoringError } from "../errors.ts";
import type { Logger } from "../log.ts";

type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 416 | 422 | 429 | 500 | 503;

/** `null` for codes of records and jobs only: in the answer to a request they are errors of the server. */
const STATUSES: Readonly<Record<ErrorCode, ProblemStatus | null>> = {
  invalid_json: 400,
  validation_failed: 422,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  idempotency_mismatch: 409,
  payload_too_large: 413,
  range_unsatisfiable: 416,
  rate_limited: 429,
  quota_exceeded: 429,
  unknown_store: 404,
  unknown_model: 404,
  version_unsupported: 422,
  store_unconditional: 422,
  address_forbidden: 422,
  client_rejected: 422,
  checkpoint_invalid: 422,
  checkpoint_refused: 422,
  object_missing: 404,
  object_changed: 409,
  // Whoever may write to a job's folder can delete what the job is verified by.
  manifest_lost: 409,
  object_empty: 422,
  object_too_large: 413,
  input_invalid: 422,
  image_unsupported: null,
  image_corrupt: null,
  image_truncated: null,
  image_too_many_pixels: null,
  face_too_small: null,
  item_poisoned: null,
  item_cancelled: null,
  item_expired: null,
  chunk_exhausted: null,
  api_unavailable: 503,
  store_unavailable: 503,
  store_throttled: 503,
  store_timeout: 503,
  store_short_read: 503,
  queue_unavailable: 503,
  webhook_failed: 503,
  config_invalid: 500,
  model_invalid: 500,
  model_hash_mismatch: 500,
  engine_unavailable: 500,
  output_conflict: 500,
  error_threshold: 500,
  internal: 500,
};

/** Seconds after which the same request may succeed: the rate is counted by the minute (wrangler.toml). */
const RETRY_AFTER: Readonly<Partial<Record<ErrorCode, string>>> = { rate_limited: "60" };

/** The status of an error, by the table. */
export function statusOf(error: ScoringError): ProblemStatus {
  return STATUSES[error.code] ?? 500;
}

/** `401 unauthorized; 404 not_found, unknown_store …`: the table for the API's description, without the codes of records. */
export function describeStatuses(): string {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of ERROR_CODES) {
    const status = STATUSES[code];
    if (status !== null) byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const sorted = [...byStatus].sort(([a], [b]) => a - b);
  return sorted.map(([status, codes]) => `${status} ${codes.join(", ")}`).join("; ");
}

/** Answers with a problem document; the cause of an internal error goes to the log, not to the caller. */
export function answerProblem(context: Context, thrown: unknown, logger: Logger): Response {
  return describeProblem(context.req.path, thrown, logger);
}

/** The same where there is no app yet: a configuration that cannot be read stops it from being made. */
export function describeProblem(path: string, thrown: unknown, logger: Logger): Response {
  const error = toScoringError(thrown);
  const status = statusOf(error);
  if (status === 500) logger.log("error", "request_failed", { path, error });
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (status === 401) headers["www-authenticate"] = "Bearer";
  const retryAfter = status === 503 ? "5" : RETRY_AFTER[error.code];
  if (retryAfter !== undefined) headers["retry-after"] = retryAfter;
  const body = {
    type: `urn:countenance:problem:${error.code}`,
    title: error.code.replaceAll("_", " "),
    status,
    detail: error.code === "internal" ? "something went wrong on the server" : error.detail,
    instance: path,
    code: error.code,
    ...(error.issues.length > 0 ? { issues: error.issues } : {}),
  };
  return new Response(JSON.stringify(body), { status, headers });
}
