/** A cron pattern in words, and when it is due next. */

import cronstrue from "cronstrue";
import { toScoringError } from "../../../src/errors.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { parseCron } from "../../../src/scoring/schedules/cron.ts";

/** What a form says below the pattern. */
export type CronWords = { readonly words: string; readonly times: readonly string[] } | { readonly problem: string };

/** @param count of the next times, ISO 8601 */
export function describeCron(pattern: string, nowMs: number, count: number): CronWords {
  try {
    const cron = parseCron(pattern, LIMITS.minScheduleIntervalMs);
    const times: string[] = [];
    for (let at = cron.next(nowMs); at !== null && times.length < count; at = cron.next(at)) {
      times.push(new Date(at).toISOString());
    }
    return { words: `${cronstrue.toString(pattern, { use24HourTimeFormat: true, verbose: true })}, UTC`, times };
  } catch (thrown) {
    return { problem: thrown instanceof Error ? toScoringError(thrown).detail : "no cron pattern" };
  }
}
