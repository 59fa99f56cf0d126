/**
 * One range of a data set: merges the parts of its chunks, in input order, into outputs of its own, in steps of bounded time and memory,
 * while other ranges are merged beside it. A step may be repeated. What the range leaves for joining is its summary.
 */

import { ScoringError } from "../../errors.ts";
import { readObject } from "../../storage/read-object.ts";
import { type ChunkSummary, emptySummary, mergeSummaries } from "../fold/summary.ts";
import { isPiece } from "../job/chunk-split.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import type { JobCoordinator, RangeReport, RangeTicket } from "../job/coordinator-port.ts";
import { findSpan, type InputSpan } from "../job/merge-range.ts";
import { carryKey, jobFolder, RANGE_NAMES, rangeCarryName } from "../keys.ts";
import { UPLOAD_SPOILED, type WrittenObject } from "../outputs/merged-output.ts";
import { type ComparisonState, openComparison } from "../prior/compare-run.ts";
import { parseStored } from "../stored-json.ts";
import type { FinalizeContext } from "./finalize-context.ts";
import type { FinalizeDeps } from "./finalize-deps.ts";
import { formatPieces, untilTrouble } from "./format-pieces.ts";
import type { SavedOutputs } from "./merge-streams.ts";
import { openRangeMerge } from "./range-merge.ts";

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

/** What a step carries to the next. */
interface Carry {
  /** The first input that has not been looked at. */
  readonly next: number;
  readonly restarts: number;
  readonly records: number;
  readonly inputs: number;
  readonly orphans: boolean;
  readonly summary: ChunkSummary | null;
  readonly comparison: ComparisonState | null;
  readonly outputs: SavedOutputs | null;
}

/**
 * Runs one step; the report to commit.
 * @throws ScoringError `output_conflict` if a part is not what its chunk reported; transient errors of the store
 */
export async function runRangeStep(
  deps: FinalizeDeps,
  job: Pick<JobCoordinator, "listChunks">,
  ticket: RangeTicket,
): Promise<RangeReport> {
  const { spec, state, range, step, attempt } = ticket;
  const { limits } = deps;
  const { manifest } = spec;
  const store = deps.openStore(manifest.output.store);
  const folder = jobFolder(manifest.output.prefix, spec.id);
  if (state.merge === undefined) throw new ScoringError("internal", "the job has no ranges");
  const span = findSpan(state.merge, range.number);
  const partRows = Math.ceil(state.records / state.merge.total);
  const carry =
    range.checkpoint === null ? begin(span, manifest.limits.chunkSize) : await readCarry(deps, store, range.checkpoint);
  const card = await deps.readCard(spec.model);
  const { openHash } = deps;
  const context: FinalizeContext = { store, folder, spec, limits, state, card, ...(openHash && { openHash }) };
  const merge = await openRangeMerge(context, range.number, partRows, carry.outputs);
  const comparison = await openComparison(deps, spec, carry.comparison);
  let { next, records, inputs, orphans } = carry;
  let summary = carry.summary ?? emptySummary({ groupBy: merge.format.groupBy, faces: manifest.faces });
  const { rows, isLast } = await listRange(job, next, span, limits.maxChunksPerFinalizeStep);
  const options = { ...merge.format, keepsPiece: merge.format.keepsPiece || comparison.isOpen };
  const format = { verdict: state.verdict ?? ("completed" as const), options, span };
  let merged = 0;
  for await (const formatted of untilTrouble(formatPieces(deps, context, rows, format))) {
    await merge.add(formatted);
    if (formatted.piece !== null) await comparison.add(formatted.piece);
    const row = rows[merged]!;
    orphans ||= row.status !== "done" || isPiece(row.id);
    summary = mergeSummaries(summary, formatted.summary);
    records += formatted.records;
    inputs += formatted.chunk.count;
    next = endOf(row);
    merged += 1;
    if (comparison.calls() >= limits.maxComparisonCalls) break;
  }
  const report = { range: range.number, step, attempt };
  const save = async (left: Carry): Promise<RangeReport> => {
    const key = carryKey(folder, rangeCarryName(range.number, "state"), step, attempt);
    await store.put(key, JSON.stringify(left));
    return { ...report, checkpoint: key, done: false };
  };
  if (merged < rows.length || !isLast) {
    const outputs = await merge.save((name) => carryKey(folder, name, step, attempt));
    const folds = { summary, comparison: comparison.save(), outputs };
    return save({ next, restarts: carry.restarts, records, inputs, orphans, ...folds });
  }
  try {
    const written = await merge.finish({ records, inputs });
    const left: RangeSummary = {
      range: range.number,
      ...span,
      records,
      ...written,
      orphans,
      summary,
      comparison: comparison.save(),
    };
    const key = `${folder}${RANGE_NAMES.summary(range.number)}`;
    await store.put(key, `${JSON.stringify(left)}\n`, { contentType: "application/json" });
  } catch (error) {
    if (!(error instanceof ScoringError) || error.detail !== UPLOAD_SPOILED) throw error;
    if (carry.restarts >= limits.maxFinalizeRestarts) throw new ScoringError("output_conflict", UPLOAD_SPOILED);
    return save({ ...begin(span, manifest.limits.chunkSize), restarts: carry.restarts + 1 });
  }
  return { ...report, checkpoint: null, done: true };
}

/** The next chunks with inputs of the span, and whether it has no more. Those that lie before it are passed over. */
async function listRange(
  job: Pick<JobCoordinator, "listChunks">,
  from: number,
  span: InputSpan,
  limit: number,
): Promise<{ readonly rows: readonly ChunkRow[]; readonly isLast: boolean }> {
  for (let next = from; ;) {
    const listed = await job.listChunks(next, limit);
    const rows = listed.filter((row) => endOf(row) > span.first && row.first < span.end);
    const last = listed.at(-1);
    if (listed.length < limit || last === undefined || endOf(last) >= span.end) return { rows, isLast: true };
    if (rows.length > 0) return { rows, isLast: false };
    next = endOf(last);
  }
}

const endOf = ({ first, count }: Pick<ChunkRow, "first" | "count">): number => first + count;

/** The chunk that holds the first input may begin this far before it. */
function begin({ first }: InputSpan, chunkSize: number): Carry {
  const next = Math.max(0, first - chunkSize + 1);
  const nothing = { records: 0, inputs: 0, orphans: false, summary: null, comparison: null, outputs: null };
  return { next, restarts: 0, ...nothing };
}

async function readCarry({ limits }: FinalizeDeps, store: FinalizeContext["store"], key: string): Promise<Carry> {
  const bytes = await readObject(store, key, limits.maxCarryBytes);
  if (bytes === null) throw new ScoringError("internal", `${key} is gone`);
  return parseStored<Carry>(new TextDecoder().decode(bytes));
}
