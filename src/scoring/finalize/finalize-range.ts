/**
 * One range of a data set: merges the parts of its chunks, in input order, into outputs of its own, in steps of bounded time and memory,
 * while other ranges are merged beside it. A step may be repeated. What the range leaves for joining is its summary.
 */

import { ScoringError } from "../../errors.ts";
import { type ChunkSummary, emptySummary, mergeSummaries } from "../fold/summary.ts";
import { isPiece } from "../job/chunk-split.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import type { JobCoordinator, RangeReport, RangeTicket } from "../job/coordinator-port.ts";
import { findSpan, type InputSpan } from "../job/merge-range.ts";
import { carryKey, dataFolder, RANGE_NAMES, rangeCarryName } from "../keys.ts";
import { UPLOAD_SPOILED, type WrittenObject } from "../outputs/merged-output.ts";
import { type ComparisonState, openComparison } from "../prior/compare-run.ts";
import type { FinalizeContext } from "./finalize-context.ts";
import { type FinalizeDeps, readReportedCard } from "./finalize-deps.ts";
import { formatPieces, type PieceFormat, untilTrouble } from "./format-pieces.ts";
import type { FormattedPiece } from "./merge-piece.ts";
import { arePartitionsDone, beginPartitions, mergePartitions, type PartitionsCarry } from "./merge-partitions.ts";
import { readState, type SavedOutputs } from "./merge-streams.ts";
import { NOTHING_SORTED, openPartitionSort, type SortState } from "./partition-sort.ts";
import { openRangeMerge, type RangeObjects } from "./range-merge.ts";
import { chooseFormatting } from "./finalize-merge.ts";

/** What a range leaves: its objects, and its share of everything that is summed over the job. */
export interface RangeSummary {
  readonly range: number;
  /** Inputs by index, from `first` up to `end`, without it. */
  readonly first: number;
  readonly end: number;
  readonly records: number;
  readonly objects: readonly WrittenObject[];
  readonly errorBytes: number;
  /** Whether the store may hold a part that no chunk counts: a chunk was split, or ended without its part. */
  readonly orphans: boolean;
  readonly summary: ChunkSummary;
  readonly comparison: ComparisonState;
}

/** What a step of a range carries to the next. */
export interface RangeCarry {
  /** The first input that has not been looked at. */
  readonly next: number;
  readonly restarts: number;
  readonly records: number;
  readonly inputs: number;
  readonly orphans: boolean;
  readonly summary: ChunkSummary | null;
  readonly comparison: ComparisonState | null;
  readonly outputs: SavedOutputs | null;
  /** Records that wait to be written partition by partition; absent: the labels are not partitioned, or none came yet. */
  readonly sorted?: SortState;
  /** Set once all records are sorted: what was written before, and how far their partitions are. */
  readonly rest?: { readonly written: RangeObjects; readonly partitions: PartitionsCarry };
}

/** A range under way. */
export interface RangeWork {
  /** Its outputs go into the context's folder. */
  readonly context: FinalizeContext;
  readonly number: number;
  /** Of the outputs; 0 but where records were erased. */
  readonly generation: number;
  readonly carry: RangeCarry;
  readonly carryName: (output: string) => string;
  readonly listChunks: JobCoordinator["listChunks"];
  /** The pieces of each of these chunks, formatted: one, but where records are erased. */
  format(rows: readonly ChunkRow[], format: PieceFormat): AsyncIterable<readonly FormattedPiece[]>;
}

/** Runs one step; the report to commit. Errors as for {@link advanceRange}. */
export async function runRangeStep(
  deps: FinalizeDeps,
  job: Pick<JobCoordinator, "listChunks">,
  ticket: RangeTicket,
): Promise<RangeReport> {
  const { spec, state, range, step, attempt } = ticket;
  const { limits, openHash } = deps;
  const { output } = spec.manifest;
  const store = deps.openStore(output.store);
  const folder = dataFolder(output, spec.id);
  const card = await readReportedCard(deps, spec);
  const context: FinalizeContext = { store, folder, spec, limits, state, card, ...(openHash && { openHash }) };
  const carry =
    range.checkpoint === null
      ? beginRange(context, range.number)
      : await readState<RangeCarry>(context, range.checkpoint);
  const next = await advanceRange(deps, {
    context,
    number: range.number,
    generation: 0,
    carry,
    carryName: (name) => carryKey(folder, name, step, attempt),
    listChunks: (from, limit) => job.listChunks(from, limit),
    async *format(rows, format) {
      for await (const piece of formatPieces(deps, context, rows, format)) yield [piece];
    },
  });
  const report = { phase: "merge" as const, range: range.number, step, attempt };
  if (next === null) return { ...report, checkpoint: null, done: true };
  const key = carryKey(folder, rangeCarryName(range.number, "state"), step, attempt);
  await store.put(key, JSON.stringify(next));
  return { ...report, checkpoint: key, done: false };
}

/** Where a range begins. @throws ScoringError `internal` for a job that is no data set */
export function beginRange(context: FinalizeContext, number: number): RangeCarry {
  // The chunk that holds the first input may begin this far before it.
  const next = Math.max(0, findRange(context, number).first - context.spec.manifest.limits.chunkSize + 1);
  const nothing = { records: 0, inputs: 0, orphans: false, summary: null, comparison: null, outputs: null };
  return { next, restarts: 0, ...nothing };
}

function findRange({ state }: FinalizeContext, number: number): InputSpan {
  if (state.merge === undefined) throw new ScoringError("internal", "the job has no ranges");
  return findSpan(state.merge, number);
}

/**
 * Merges the next chunks of a range, or writes its next partitions.
 * @returns what the next step goes on from; `null` once the range is whole
 * @throws ScoringError `output_conflict` if a part is not what its chunk reported; transient errors of the store
 */
export async function advanceRange(deps: FinalizeDeps, work: RangeWork): Promise<RangeCarry | null> {
  const { carry, context, number } = work;
  try {
    return carry.rest === undefined ? await mergeNext(deps, work) : await writePartitions(work, carry.rest);
  } catch (error) {
    if (!(error instanceof ScoringError) || error.detail !== UPLOAD_SPOILED) throw error;
    if (carry.restarts >= context.limits.maxFinalizeRestarts) throw new ScoringError("output_conflict", UPLOAD_SPOILED);
    return { ...beginRange(context, number), restarts: carry.restarts + 1 };
  }
}

async function mergeNext(deps: FinalizeDeps, work: RangeWork): Promise<RangeCarry | null> {
  const { context, number, carry } = work;
  const { spec, state, limits } = context;
  const { partitionBy } = spec.manifest.output;
  const span = findRange(context, number);
  const partRows = Math.ceil(state.records / Math.max(1, state.merge?.total ?? 1));
  const merge = await openRangeMerge(context, work, partRows, carry.outputs);
  const nameRun = (run: number): string => work.carryName(rangeCarryName(number, `sorted-${run}`));
  const sort =
    partitionBy === undefined ? null : openPartitionSort(context, partitionBy, nameRun, carry.sorted ?? NOTHING_SORTED);
  const comparison = await openComparison(deps, spec, carry.comparison);
  let { next, records, inputs, orphans } = carry;
  let summary = carry.summary ?? emptySummary({ groupBy: merge.format.groupBy, faces: spec.manifest.faces });
  const { rows, isLast } = await listRange(work, next, span, limits.maxChunksPerFinalizeStep);
  const options = { ...merge.format, keepsPiece: merge.format.keepsPiece || comparison.isOpen };
  const format = { verdict: state.verdict ?? ("completed" as const), options, span };
  let merged = 0;
  for await (const pieces of untilTrouble(work.format(rows, format))) {
    const row = rows[merged]!;
    for (const formatted of pieces) {
      await merge.add(formatted);
      if (formatted.piece !== null) {
        await sort?.add(formatted.piece.records);
        await comparison.add(formatted.piece);
      }
      summary = mergeSummaries(summary, formatted.summary);
      records += formatted.records;
      inputs += formatted.chunk.count;
    }
    orphans ||= row.status !== "done" || isPiece(row.id);
    next = endOf(row);
    merged += 1;
    if (comparison.calls() >= limits.maxComparisonCalls) break;
  }
  const folds = { records, inputs, orphans, summary, comparison: comparison.save() };
  const left = { next, restarts: carry.restarts, ...folds };
  const sorted = await sort?.save();
  if (merged < rows.length || !isLast) {
    return { ...left, outputs: await merge.save(work.carryName), ...(sorted && { sorted }) };
  }
  const written = await merge.finish({ records, inputs });
  if (sorted !== undefined) return { ...left, outputs: null, rest: { written, partitions: beginPartitions(sorted) } };
  await writeSummary(work, { ...folds, written });
  return null;
}

/** Writes the next partitions of a range whose records are sorted. */
async function writePartitions(work: RangeWork, { written, partitions }: Required<RangeCarry>["rest"]) {
  const { context, carry } = work;
  const { summary, comparison } = carry;
  if (summary === null || comparison === null) throw new ScoringError("internal", "the range was not merged");
  const next = await mergePartitions(context, { ...work, format: chooseFormatting(context) }, partitions);
  if (!arePartitionsDone(next)) return { ...carry, rest: { written, partitions: next } };
  const objects = [...next.written, ...written.objects];
  await writeSummary(work, { ...carry, summary, comparison, written: { ...written, objects } });
  return null;
}

/** What joining reads. */
async function writeSummary(
  { context, number, generation }: RangeWork,
  left: Pick<RangeSummary, "records" | "orphans" | "summary" | "comparison"> & { readonly written: RangeObjects },
): Promise<void> {
  const { records, orphans, summary, comparison, written } = left;
  const folds = { orphans, summary, comparison };
  const stored: RangeSummary = { range: number, ...findRange(context, number), records, ...written, ...folds };
  const key = `${context.folder}${RANGE_NAMES.summary(number, generation)}`;
  await context.store.put(key, `${JSON.stringify(stored)}\n`, { contentType: "application/json" });
}

/** The next chunks with inputs of the span, and whether it has no more. Those that lie before it are passed over. */
async function listRange(
  work: Pick<RangeWork, "listChunks">,
  from: number,
  span: InputSpan,
  limit: number,
): Promise<{ readonly rows: readonly ChunkRow[]; readonly isLast: boolean }> {
  for (let next = from; ;) {
    const listed = await work.listChunks(next, limit);
    const rows = listed.filter((row) => endOf(row) > span.first && row.first < span.end);
    const last = listed.at(-1);
    if (listed.length < limit || last === undefined || endOf(last) >= span.end) return { rows, isLast: true };
    if (rows.length > 0) return { rows, isLast: false };
    next = endOf(last);
  }
}

const endOf = ({ first, count }: Pick<ChunkRow, "first" | "count">): number => first + count;
