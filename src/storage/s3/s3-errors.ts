/** What the S3 client throws, in our words. Names are those of the S3 API reference, "Error responses". */

import { type ErrorCode, ScoringError } from "../../errors.ts";
import { classifyNetworkError } from "../network-errors.ts";

/** By the error's name; it is more exact than the status. */
const NAMES: Readonly<Record<string, ErrorCode>> = {
  NoSuchBucket: "config_invalid",
  NoSuchUpload: "not_found",
  NoSuchVersion: "object_missing",
  InvalidRange: "input_invalid",
  InvalidPart: "validation_failed",
  InvalidPartOrder: "validation_failed",
  EntityTooSmall: "validation_failed",
  KeyTooLongError: "validation_failed",
  InvalidAccessKeyId: "config_invalid",
  SignatureDoesNotMatch: "config_invalid",
  ExpiredToken: "config_invalid",
  PermanentRedirect: "config_invalid",
  SlowDown: "store_throttled",
  Throttling: "store_throttled",
  ThrottlingException: "store_throttled",
  TooManyRequests: "store_throttled",
  RequestLimitExceeded: "store_throttled",
  ServiceUnavailable: "store_throttled",
  InternalError: "store_unavailable",
  // Two conditional writes at once: S3 asks to repeat the request, which then meets the winner's object.
  ConditionalRequestConflict: "store_unavailable",
  OperationAborted: "store_unavailable",
  RequestTimeTooSkewed: "store_unavailable",
  RequestTimeout: "store_timeout",
};

/** Name and HTTP status of an error of the SDK; empty and 0 for others. */
export function readS3Failure(error: unknown): { readonly name: string; readonly status: number } {
  if (!(error instanceof Error) || !("$metadata" in error)) return { name: "", status: 0 };
  const metadata = error.$metadata;
  const status =
    typeof metadata === "object" && metadata !== null && "httpStatusCode" in metadata ? metadata.httpStatusCode : 0;
  return { name: error.name, status: typeof status === "number" ? status : 0 };
}

/** The error of a call on `key`. What no table knows stays what it was: it is not retried. */
export function toS3Error(error: unknown, operation: string, key: string): unknown {
  if (error instanceof ScoringError || !(error instanceof Error)) return error;
  const { name, status } = readS3Failure(error);
  const code = NAMES[name] ?? classifyStatus(status) ?? classifyConnection(error, status);
  if (code === null) return error;
  return new ScoringError(code, `${operation} of ${key} failed: ${name === "" ? error.message : name}`, {
    cause: error,
  });
}

function classifyStatus(status: number): ErrorCode | null {
  if (status === 429 || status === 503) return "store_throttled";
  if (status === 408) return "store_timeout";
  if (status === 416) return "input_invalid";
  if (status === 404) return "not_found";
  if (status === 401 || status === 403) return "forbidden";
  if (status === 501) return "store_unconditional";
  if (status >= 500) return "store_unavailable";
  return status >= 400 ? "validation_failed" : null;
}

function classifyConnection(error: Error, status: number): ErrorCode | null {
  const network = classifyNetworkError(error);
  if (network !== null) return network === "timeout" ? "store_timeout" : "store_unavailable";
  // An answer that is no S3 answer (a proxy's page): the SDK fails to parse it and keeps the status of success.
  return status >= 200 && status < 300 ? "store_unavailable" : null;
}
