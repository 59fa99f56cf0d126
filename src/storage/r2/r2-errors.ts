/** What the R2 binding throws, in our words. */

import { type ErrorCode, ScoringError } from "../../errors.ts";
import { classifyNetworkError } from "../network-errors.ts";

/** Numbers at the end of the binding's messages (Cloudflare documentation, "R2 error codes"). */
const CODES: Readonly<Record<string, ErrorCode>> = {
  10001: "store_unavailable", // InternalError
  10002: "config_invalid", // Unauthorized
  10003: "config_invalid", // AccessDenied
  10006: "config_invalid", // NoSuchBucket
  10011: "validation_failed", // EntityTooSmall
  10020: "validation_failed", // InvalidObjectName
  10022: "validation_failed", // MetadataTooLarge and other arguments
  10024: "not_found", // NoSuchUpload
  10025: "validation_failed", // InvalidPart
  10039: "input_invalid", // InvalidRange
  10042: "config_invalid", // NotEntitled
  10043: "store_throttled", // ServiceUnavailable: reduce the rate
  10048: "validation_failed", // parts of unequal size
  10050: "validation_failed", // bad continuation token or part number
  10054: "store_unavailable", // ClientDisconnect
  10058: "store_throttled", // TooManyRequests
};

/** The error of a call on `key`: by its number, else a lost connection, else what it was. */
export function toR2Error(error: unknown, operation: string, key: string): unknown {
  if (!(error instanceof Error) || error instanceof ScoringError) return error;
  const code = CODES[/\((\d{5})\)/.exec(error.message)?.[1] ?? ""];
  if (code !== undefined)
    return new ScoringError(code, `${operation} of ${key} failed: ${error.message}`, { cause: error });
  const network = classifyNetworkError(error);
  if (network === null) return error;
  const kind = network === "timeout" ? "store_timeout" : "store_unavailable";
  return new ScoringError(kind, `${operation} of ${key} failed: ${error.message}`, { cause: error });
}
