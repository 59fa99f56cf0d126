/**
 * Which failures of a connection are transient, by what Node (undici, net) and workerd throw. A positive list: an error that
 * is not on it is a fault of the program and must not be retried.
 */

import { ScoringError } from "../errors.ts";

/** `code` of Node's system errors and undici's errors that end a connection. */
const NETWORK_CODES = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "ENOTFOUND",
  "ERR_STREAM_PREMATURE_CLOSE",
  "UND_ERR_SOCKET",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
]);

const TIMEOUT_CODES = new Set([
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

/** Words of workerd's and the fetch standard's messages, which carry no code. */
const NETWORK_WORDS =
  /network connection lost|fetch failed|terminated|socket|connection (was )?(closed|reset|lost)|premature|disconnected|aborted|network error|internal error; reference/i;

/** `timeout`, `network`, or null for an error that no retry heals. Looks through `cause`. */
export function classifyNetworkError(error: unknown): "timeout" | "network" | null {
  for (let depth = 0, current = error; depth < 4 && current instanceof Error; depth++, current = current.cause) {
    const code = "code" in current && typeof current.code === "string" ? current.code : "";
    // The code first: the SDK names a connection reset "TimeoutError".
    if (NETWORK_CODES.has(code)) return "network";
    if (current.name === "TimeoutError" || current.name === "AbortError" || TIMEOUT_CODES.has(code)) return "timeout";
    if (NETWORK_WORDS.test(current.message)) return "network";
  }
  return null;
}

/** What broke a body midway: a deadline becomes `store_timeout`, a lost connection `store_short_read`; any other error stays as it is. */
export function classifyBodyError(error: unknown): unknown {
  if (error instanceof ScoringError) return error;
  const kind = classifyNetworkError(error);
  if (kind === "timeout") return new ScoringError("store_timeout", "the body did not arrive in time", { cause: error });
  if (kind === "network") return new ScoringError("store_short_read", "the body broke off", { cause: error });
  return error;
}
