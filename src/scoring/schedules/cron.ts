/** When a schedule is due: cron in UTC, read by croner. The clock is the caller's. */

import { Cron } from "croner";
import { ScoringError } from "../../errors.ts";

/** Five fields: minute, hour, day of month, month, day of week (0 or 7 or SUN: Sunday, unlike Cloudflare's own triggers). */
export interface CronTimes {
  /** The first due time after `afterMs`; `null` if there are no more. */
  next(afterMs: number): number | null;
  /** Up to `count` due times that are not after `atMs`, oldest first. */
  previous(atMs: number, count: number): readonly number[];
}

const MINUTE_MS = 60_000;
/** More runs than an hour can hold: they show every gap that the minutes of a pattern make. */
const SAMPLE_RUNS = 62;
/** Any fixed time will do: a pattern's gaps in UTC do not depend on it, and neither may a refusal. */
const SAMPLE_FROM = new Date(Date.UTC(2024, 0, 1));

/**
 * Reads a cron expression.
 * @param minIntervalMs shortest time between two due times
 * @throws ScoringError `validation_failed` for what is not a cron expression, is never due, or is due too often
 */
export function parseCron(text: string, minIntervalMs: number): CronTimes {
  const cron = readPattern(text);
  const sample = cron.nextRuns(SAMPLE_RUNS, SAMPLE_FROM).map((date) => date.getTime());
  if (sample.length === 0) throw refuse("this time never comes");
  for (const [index, dueMs] of sample.entries()) {
    const before = sample[index - 1];
    if (before !== undefined && dueMs - before < minIntervalMs) {
      throw refuse(`due again after less than ${minIntervalMs / MINUTE_MS} minutes`);
    }
  }
  return {
    next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() ?? null,
    previous(atMs, count) {
      // croner looks strictly before its reference, and patterns fall on whole minutes.
      const reference = new Date(Math.floor(atMs / MINUTE_MS) * MINUTE_MS + MINUTE_MS);
      return cron
        .previousRuns(count, reference)
        .map((date) => date.getTime())
        .sort((a, b) => a - b);
    },
  };
}

function readPattern(text: string): Cron {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5 && !text.startsWith("@")) {
    throw refuse("must have five fields: minute, hour, day of month, month, day of week, in UTC");
  }
  // To croner, "?" means the moment at which the pattern is read.
  if (text.includes("?")) throw refuse("? has no meaning here: use *");
  try {
    return new Cron(text, { mode: "5-part", utcOffset: 0, paused: true });
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message.replace(/^CronPattern: /, "") : "not a cron expression", cause);
  }
}

function refuse(message: string, cause?: unknown): ScoringError {
  const issues = [{ path: "cron", code: "invalid_cron", message }];
  return new ScoringError("validation_failed", `cron: ${message}`, { cause, issues });
}
