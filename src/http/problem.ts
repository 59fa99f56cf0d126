/** Errors as RFC 9457 problem documents. The only table from error codes to HTTP statuses. */

import type { Context } from "hono";
import { ERROR_CODES, type ErrorCode, ScoringError, toScoringError } from "../errors.ts";
import type { Logger } from "../log.ts";

const STATUSES: Readonly<Partial<Record<ErrorCode, 400 | 401 | 403 | 404 | 405 | 409 | 413 | 416 | 422 | 429>>> = {
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
  // Whoever may write to a job's folder can take away what it is verified by.
  manifest_lost: 409,
  object_empty: 422,
  object_too_large: 413,
  input_invalid: 422,
};

/** Seconds after which the same request may succeed: the rate is counted by the minute (wrangler.toml). */
const RETRY_AFTER: Readonly<Partial<Record<ErrorCode, string>>> = { rate_limited: "60" };

/** The status of an error: the caller's faults by table, what may pass 503, everything else 500. */
export function statusOf(error: ScoringError): 400 | 401 | 403 | 404 | 405 | 409 | 413 | 416 | 422 | 429 | 500 | 503 {
  return STATUSES[error.code] ?? (error.disposition === "transient" ? 503 : 500);
}

/** `401 unauthorized; 404 not_found, unknown_store …`: the table for the API's description, without what only records say. */
export function describeStatuses(): string {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of ERROR_CODES) {
    const error = new ScoringError(code, "");
    if (STATUSES[code] === undefined && (error.disposition === "item" || error.disposition === "poison")) continue;
    byStatus.set(statusOf(error), [...(byStatus.get(statusOf(error)) ?? []), code]);
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
