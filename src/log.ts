/** Structured logs: one JSON object per line, secrets removed. The only file that touches the console. */

/** Severity of a line. */
export type LogLevel = "info" | "warn" | "error";
/** What a line carries beside its event; values are redacted before they are written. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The injected logger. */
export interface Logger {
  log(level: LogLevel, event: string, fields?: LogFields): void;
}

/** Names whose values never reach a log, wherever they stand. */
const SECRET_NAME = /secret|token|password|authorization|api[-_]?key|credential|signature|cookie/i;
const MAX_TEXT = 2000;
const MAX_DEPTH = 4;

/** A copy without secrets; long texts are cut, deep objects closed. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
  if (value === null || typeof value !== "object") return typeof value === "bigint" ? String(value) : value;
  if (depth >= MAX_DEPTH) return "…";
  if (value instanceof Error)
    return { name: value.name, message: redact(value.message), cause: redact(value.cause, depth + 1) };
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      SECRET_NAME.test(name) ? "[redacted]" : redact(item, depth + 1),
    ]),
  );
}

/** Writes to the console, which workerd and the platform collect. */
export function createConsoleLogger(write: (line: string) => void = (line) => console.log(line)): Logger {
  return {
    log(level, event, fields = {}) {
      write(JSON.stringify({ level, event, fields: redact(fields) }));
    },
  };
}
