import { mkdir, open, readFile } from "node:fs/promises";
import { ScoringError } from "../src/errors.ts";
import { findJsonError } from "../src/json-error.ts";

/** Files and folders that the command line names: errors name the path. */

/** Why a file cannot be read or written. @throws ScoringError `validation_failed` */
export function refuseFile(path: string, cause: unknown): never {
  const text = cause instanceof Error ? cause.message : String(cause);
  // "ENOENT: no such file or directory, open '…'"
  const reason = /^[A-Z]+: ([^,]+)/.exec(text)?.[1] ?? text;
  throw new ScoringError("validation_failed", `${path}: ${reason}`, { cause });
}

/** A file to write, emptied. @throws ScoringError `validation_failed` */
export function openOutput(path: string): ReturnType<typeof open> {
  return open(path, "w").catch((error: unknown) => refuseFile(path, error));
}

/** A folder, with those above it. @throws ScoringError `validation_failed` */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => refuseFile(path, error));
}

/** A file that holds one JSON object; `-` is standard input. @throws ScoringError `validation_failed`, with line and column if it is not JSON */
export async function readJson(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path === "-" ? "/dev/stdin" : path, "utf8").catch((error: unknown) =>
    refuseFile(path, error),
  );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const before = text.slice(0, findJsonError(text));
    const place = `${path}:${before.split("\n").length}:${before.length - before.lastIndexOf("\n")}`;
    throw new ScoringError("validation_failed", `${place}: not JSON from here on`, { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new ScoringError("validation_failed", `${path}: the manifest must be a JSON object`);
}
