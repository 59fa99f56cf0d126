/** Uploads that a store tells of go into every feed that is over their keys. */

import { ScoringError } from "../../errors.ts";
import { type InputFormat, INPUT_FORMATS } from "../manifest/input-formats.ts";
import { isInput } from "../plan/list-entries.ts";
import { feedSchedule } from "./feed-schedule.ts";
import type { ScheduleDeps } from "./run-schedule.ts";
import type { ScheduleRecord } from "./schedule.ts";

/** An object that was written. */
export interface Upload {
  readonly key: string;
  readonly etag?: string | undefined;
  /** Bytes. */
  readonly size?: number | undefined;
}

/** How many inputs went into how many feeds, and the keys that a feed may not take, with why. */
export interface FedUploads {
  readonly feeds: number;
  readonly added: number;
  readonly known: number;
  readonly refused: readonly { readonly schedule: string; readonly key: string; readonly message: string }[];
}

/**
 * Gives uploads to the feeds of their store: those whose `input.prefix` their keys begin with. Repeating it adds nothing.
 * @throws ScoringError of the first feed that failed, once the others have theirs
 */
export async function feedUploads(deps: ScheduleDeps, store: string, uploads: readonly Upload[]): Promise<FedUploads> {
  let sum: FedUploads = { feeds: 0, added: 0, known: 0, refused: [] };
  const failures: unknown[] = [];
  for (const record of await deps.schedules.listFeeds(store)) {
    const own = uploads.filter(({ key }) => isOwn(record, key));
    if (own.length === 0) continue;
    try {
      const { added, known, refused } = await feed(deps, record, own);
      sum = {
        feeds: sum.feeds + 1,
        added: sum.added + added,
        known: sum.known + known,
        refused: [...sum.refused, ...refused.map((one) => ({ schedule: record.id, ...one }))],
      };
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return sum;
}

/** What one may not take must not keep the others out. */
async function feed(
  deps: ScheduleDeps,
  record: ScheduleRecord,
  uploads: readonly Upload[],
): Promise<{ added: number; known: number; refused: { key: string; message: string }[] }> {
  try {
    return { ...(await feedSchedule(deps, record, serialize(uploads))), refused: [] };
  } catch (error) {
    if (!(error instanceof ScoringError) || error.code !== "validation_failed" || error.issues.length === 0)
      throw error;
    const messages = new Map(error.issues.map(({ line = 0, message }) => [line - 1, message]));
    const refused = uploads.flatMap(({ key }, at) => {
      const message = messages.get(at);
      return message === undefined ? [] : [{ key, message }];
    });
    const rest = uploads.filter((_, at) => !messages.has(at));
    // A finding of no line is of the job, not of an upload.
    if (refused.length === 0) throw error;
    const { added, known } =
      rest.length === 0 ? { added: 0, known: 0 } : await feedSchedule(deps, record, serialize(rest));
    return { added, known, refused };
  }
}

function serialize(uploads: readonly Upload[]): Uint8Array {
  return new TextEncoder().encode(uploads.map((upload) => JSON.stringify(upload)).join("\n"));
}

function isOwn({ manifest }: ScheduleRecord, key: string): boolean {
  const { input, format } = manifest;
  if (typeof input !== "object" || input === null || !("prefix" in input) || typeof input.prefix !== "string")
    return false;
  return key.startsWith(input.prefix) && isInput(key, readFormat(format));
}

function readFormat(format: unknown): InputFormat {
  return INPUT_FORMATS.find((known) => known === format) ?? "image";
}
