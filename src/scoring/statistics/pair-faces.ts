/** Pairs the records of two jobs by their ids, in whatever order they come. */

import { ScoringError } from "../../errors.ts";
import type { Label } from "../../model/labels.ts";
import { findTopLabel, type ScoreRecord } from "../records/records.ts";

/** What a comparison keeps of a record. */
export interface CondensedRecord {
  /** The most probable; `null` without a score. */
  readonly label: Label | null;
  /** The model's, in its order, with their probabilities. */
  readonly labels: readonly Label[];
  readonly probabilities: readonly number[];
  readonly truth: Label | null;
}

/** A job's records, in its order. */
export type Records = AsyncIterable<ScoreRecord> | Iterable<ScoreRecord>;

/** A record of both jobs, or one that only one of them has. */
export type FacePair =
  | { readonly isWhole: true; readonly id: string; readonly first: CondensedRecord; readonly second: CondensedRecord }
  | { readonly isWhole: false; readonly isFirst: boolean };

/**
 * Reads both in turn; of an id that comes more than once, the first goes with the first, and so on. Records without a
 * partner come last.
 * @param maxWaiting records of one job that may wait for the other's; jobs in one order need hardly any
 * @throws ScoringError `validation_failed` where more wait
 */
export async function* pairFaces(first: Records, second: Records, maxWaiting: number): AsyncGenerator<FacePair> {
  const sides = [makeSide(first), makeSide(second)] as const;
  const turns = [
    [sides[0], sides[1], true],
    [sides[1], sides[0], false],
  ] as const;
  while (sides.some(({ isDone }) => !isDone)) {
    for (const [own, other, isFirst] of turns) {
      const record = await own.next();
      if (record === null) continue;
      const one = condense(record, own);
      const partner = other.take(record.id);
      if (partner !== null) {
        yield { isWhole: true, id: record.id, first: isFirst ? one : partner, second: isFirst ? partner : one };
        continue;
      }
      own.wait(record.id, one);
      if (own.waiting <= maxWaiting) continue;
      throw new ScoringError(
        "validation_failed",
        `the two jobs have too little in common, or too different an order: ${own.waiting} records wait for a partner`,
      );
    }
  }
  for (const [own, , isFirst] of turns) {
    for (let count = own.waiting; count > 0; count -= 1) yield { isWhole: false, isFirst };
  }
}

function makeSide(records: Records) {
  const iterator = (async function* () {
    yield* records;
  })();
  const byId = new Map<string, CondensedRecord[]>();
  const side = {
    isDone: false,
    waiting: 0,
    /** Of the last scored record: most have the same, so that one list serves them all. */
    labels: [] as readonly Label[],
    async next(): Promise<ScoreRecord | null> {
      if (side.isDone) return null;
      const { value, done } = await iterator.next();
      if (done !== true) return value;
      side.isDone = true;
      return null;
    },
    wait(id: string, record: CondensedRecord): void {
      const queue = byId.get(id);
      if (queue === undefined) byId.set(id, [record]);
      else queue.push(record);
      side.waiting += 1;
    },
    take(id: string): CondensedRecord | null {
      const queue = byId.get(id);
      const record = queue?.shift();
      if (record === undefined) return null;
      if (queue?.length === 0) byId.delete(id);
      side.waiting -= 1;
      return record;
    },
  };
  return side;
}

function condense(record: ScoreRecord, side: { labels: readonly Label[] }): CondensedRecord {
  const label = findTopLabel(record);
  const { probabilities, truth } = record;
  if (label === null || probabilities === null) return { label: null, labels: [], probabilities: [], truth };
  const labels = Object.keys(probabilities);
  if (labels.join("\n") !== side.labels.join("\n")) side.labels = labels;
  return { label, labels: side.labels, probabilities: Object.values(probabilities), truth };
}
