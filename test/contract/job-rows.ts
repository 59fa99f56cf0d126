/** What every JobRows must do: whatever happens to a job, the rows under test answer as those in memory. */

import fc from "fast-check";
import { createMemoryRows } from "../../src/scoring/job/memory-rows.ts";
import type { JobRows } from "../../src/scoring/job/job-rows.ts";
import type { ChunkRow } from "../../src/scoring/job/chunk-row.ts";
import type { JobTask } from "../../src/scoring/job/job-task.ts";
import type { RangePhase } from "../../src/scoring/job/range-row.ts";
import { emptyOutcomes } from "../../src/scoring/job/outcome-counts.ts";

type Step = (rows: JobRows) => unknown;
type Named = readonly [name: string, step: Step];

/** Few ids, so that steps meet each other's rows; the place in the input follows from the id, as in a job. */
const chunk: fc.Arbitrary<ChunkRow> = fc
  .record({
    at: fc.nat(7),
    status: fc.constantFrom<ChunkRow["status"]>("pending", "queued", "leased", "done", "split", "sealed"),
    attempt: fc.nat(3),
    expiries: fc.nat(2),
    failures: fc.nat(2),
    dueMs: fc.nat(50),
    held: fc.boolean(),
    records: fc.option(fc.nat(9)),
  })
  .map(({ at, status, attempt, expiries, failures, dueMs, held, records }) => ({
    id: String(at).padStart(9, "0"),
    first: at * 10,
    count: 10,
    pageKey: "page",
    offset: at * 100,
    length: 100,
    // Where the page counts from never changes for a chunk.
    ...(at % 2 === 0 ? {} : { base: at }),
    status,
    attempt,
    expiries,
    failures,
    // Rows of one time come in any order.
    dueMs: dueMs * 8 + at,
    client: held ? { keyId: `key-${at}`, nonce: `nonce-${attempt}` } : null,
    result:
      records === null
        ? null
        : {
            outcomes: { ...emptyOutcomes(), scored: records },
            errors: { image_corrupt: records },
            records,
            sha256: "0".repeat(64),
            bytes: 9,
            reads: 1,
            readBytes: 2,
            engine: "e",
          },
  }));

const range = fc.record({
  phase: fc.constantFrom<RangePhase>("scan", "merge"),
  number: fc.nat(4),
  status: fc.constantFrom<JobTask["status"]>("sent", "leased", "done"),
  dueMs: fc.nat(50),
});

const text = fc.string({ unit: "grapheme", maxLength: 8 });
const few = fc.nat(6);

const step: fc.Arbitrary<Named> = fc.oneof(
  chunk.map((row): Named => [`write ${row.id} ${row.status}`, (rows) => rows.writeChunk(row)]),
  chunk.map(({ id }): Named => [`read ${id}`, (rows) => rows.readChunk(id)]),
  fc
    .tuple(few, fc.nat(400))
    .map(([limit, dueMs]): Named => [`take ${limit}`, (rows) => rows.takePending(limit, dueMs * 8)]),
  fc
    .constantFrom<"pending" | "queued">("pending", "queued")
    .map((status): Named => [`offer ${status}`, (rows) => rows.findOffer(status)]),
  fc.tuple(fc.nat(400), few).map(([nowMs, limit]): Named => [`due ${nowMs}`, (rows) => readDue(rows, nowMs, limit)]),
  fc.tuple(fc.nat(90), few).map(([from, limit]): Named => [`list ${from}`, (rows) => rows.listChunks(from, limit)]),
  fc
    .uniqueArray(chunk, { selector: ({ id }) => id, maxLength: 4 })
    .map((staged): Named => ["stage", (rows) => (rows.clearStagedChunks(), rows.stageChunks(staged.map(unhold)))]),
  fc.constant<Named>(["adopt", (rows) => rows.adoptStagedChunks()]),
  range.map(({ phase, number, status, dueMs }): Named => {
    const task: JobTask = { step: 1, status, attempt: 1, dueMs: dueMs * 8 + number };
    return [`write ${phase} ${number}`, (rows) => rows.writeRange(phase, { number, task, checkpoint: null })];
  }),
  range.map(({ phase, number }): Named => [`read ${phase} ${number}`, (rows) => rows.readRange(phase, number)]),
  fc
    .tuple(range, fc.nat(400), few)
    .map(([{ phase }, nowMs, limit]): Named => [
      `due ${phase} ${nowMs}`,
      (rows) => rows.listDueRanges(phase, nowMs, limit),
    ]),
  fc
    .array(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1, maxLength: 4 })
    .map((keys): Named => [`arrive ${keys.join("")}`, (rows) => arrive(rows, keys)]),
  fc
    .tuple(few, few, fc.nat(200))
    .map(([from, inputs, length]): Named => [
      `batch ${from}`,
      (rows) => [from, 0].map((at) => rows.readArrivals(at, rows.findBatchEnd(at, inputs, length))),
    ]),
  fc.option(few).map((before): Named => [`drop ${before}`, (rows) => rows.dropArrivals(before)]),
  fc.array(text, { maxLength: 3 }).map((keys): Named => ["add pages", (rows) => rows.addPages(keys)]),
  fc.tuple(few, few).map(([skip, limit]): Named => ["list pages", (rows) => rows.listPages(skip, limit)]),
  fc
    .tuple(text, fc.integer({ min: 1, max: 4 }))
    .map(([data, keep]): Named => ["append", (rows) => rows.appendEvent("progress", 5, data, keep)]),
  fc.tuple(few, few).map(([after, limit]): Named => ["events", (rows) => rows.listEvents(after, limit)]),
  fc.option(text).map((value): Named => ["checkpoint", (rows) => rows.writeCheckpoint(value)]),
  fc.constant<Named>(["read checkpoint", (rows) => rows.readCheckpoint()]),
  text.map((value): Named => ["secret", (rows) => rows.writeClientSecret(value)]),
  fc.constant<Named>(["read secret", (rows) => rows.readClientSecret()]),
  fc.constant<Named>(["read state", (rows) => [rows.readState(), rows.readSpec(), rows.readNotice()]]),
);

/** A staged row is of no client. */
const unhold = (row: ChunkRow): ChunkRow => ({ ...row, client: null });

function readDue(rows: JobRows, nowMs: number, limit: number): unknown {
  return rows.listDue(nowMs, limit);
}

/** What is new of them, behind all that is there. */
function arrive(rows: JobRows, keys: readonly string[]): unknown {
  const fresh = rows.listUnknownArrivals([...new Set(keys)]);
  const end = rows.findBatchEnd(0, 1e6, 1e6);
  const inputs = fresh.map((key) => ({ key, id: key, size: null, etag: null }));
  if (fresh.length > 0) rows.addArrivals(end, inputs, fresh);
  return [fresh, end];
}

class Abandoned extends Error {}

/** Several steps as one transaction; an abandoned one must leave nothing. */
const turn = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 5 }),
  abandoned: fc.nat(9).map((n) => n === 0),
});

/**
 * Holds the rows of `open` to those in memory.
 * @param open empty rows; called once a run
 * @param compare throws where the two differ
 */
export function checkJobRows(
  open: (run: number) => JobRows,
  compare: (found: unknown, expected: unknown, about: string) => void,
  numRuns: number,
): void {
  let run = 0;
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 30 }), (turns) => {
      const rows = open(run++);
      const expected = createMemoryRows();
      // Before there is a job, only the first write may come: of its spec, its state or the like.
      rows.writeCheckpoint(null);
      for (const { steps, abandoned } of turns) {
        if (abandoned) {
          abandon(rows, steps);
          continue;
        }
        const found = rows.transaction(() => steps.map(([, play]) => play(rows) ?? null));
        const wanted = steps.map(([, play]) => play(expected) ?? null);
        compare(found, wanted, steps.map(([name]) => name).join(", "));
      }
    }),
    { numRuns },
  );
}

function abandon(rows: JobRows, steps: readonly Named[]): void {
  try {
    rows.transaction(() => {
      for (const [, play] of steps) play(rows);
      throw new Abandoned();
    });
  } catch (error) {
    if (!(error instanceof Abandoned)) throw error;
  }
}
