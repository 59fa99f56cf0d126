/**
 * The end of a data set: when every range is merged, their summaries are summed, what failed is copied into one list, and the reports
 * and `_SUCCESS` (or `_FAILED`) are written. Nothing here reads a record. Steps of bounded time, each of which may be repeated.
 */

import { ScoringError } from "../../errors.ts";
import { readObject } from "../../storage/read-object.ts";
import { type ChunkSummary, emptySummary, mergeSummaries } from "../fold/summary.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import type { JobStatus } from "../job/job-status.ts";
import { LABEL_FILES, OUTPUT_NAMES, parsePartKey, partKey, partsPrefix, RANGE_NAMES } from "../keys.ts";
import { ROW_BYTES } from "../manifest/output-formats.ts";
import { type MergedOutput, UPLOAD_SPOILED, type WrittenObject } from "../outputs/merged-output.ts";
import { type ComparisonState, mergeComparisons, openComparison } from "../prior/compare-run.ts";
import { digestHex } from "../sha256.ts";
import { parseStored } from "../stored-json.ts";
import type { FinalizeContext } from "./finalize-context.ts";
import type { FinalizeDeps } from "./finalize-deps.ts";
import { CLOSING, formatEntry, formatOpening, nameLast } from "./finalize-merge.ts";
import { writeReports } from "./finalize-reports.ts";
import type { RangeSummary } from "./finalize-range.ts";
import { openOutput, type SavedOutputs, saveOutput } from "./merge-streams.ts";

/** What a step carries to the next. */
export interface JoinCarry {
  /** The range whose failed inputs are copied next, and from which of their bytes. */
  readonly next: number;
  readonly offset: number;
  /** The part up to which orphans were looked for; `null` before that begins. */
  readonly lookedAt: string | null;
  readonly restarts: number;
  readonly orphans: boolean;
  readonly objects: readonly WrittenObject[];
  readonly summary: ChunkSummary | null;
  readonly comparison: ComparisonState | null;
  readonly outputs: SavedOutputs | null;
}

/** Before the first range is joined. */
export function beginJoin(): JoinCarry {
  const nothing = { objects: [], summary: null, comparison: null, outputs: null };
  return { next: 0, offset: 0, lookedAt: null, restarts: 0, orphans: false, ...nothing };
}

/** What joining is done for: the end of a job, or a new generation of its outputs. */
export interface JoinOptions {
  /** Folder of the ranges; that of the context gets what is joined. */
  readonly data: string;
  readonly end: JobStatus;
  readonly carryName: (output: string) => string;
  /** Which of these chunks have no part that counts; `null`: nobody looks for such parts. */
  readonly listOrphans: JobCoordinator["listOrphans"] | null;
}

/**
 * Joins the next ranges.
 * @returns what the next step goes on from; `null` once the last output is written
 * @throws ScoringError `output_conflict` if the summary of a range is gone; transient errors of the store
 */
export async function joinRanges(
  deps: FinalizeDeps,
  context: FinalizeContext,
  options: JoinOptions,
  carry: JoinCarry,
): Promise<JoinCarry | null> {
  const { store, folder, spec, limits, state } = context;
  const { data, end } = options;
  const { total = 0 } = state.merge ?? {};
  const wrong = state.outcomes.failed + state.outcomes.skipped;
  const plan = { name: OUTPUT_NAMES.errors, type: LABEL_FILES.jsonl.type, expectedBytes: wrong * ROW_BYTES.errors };
  // The hash is carried from step to step, whoever computes.
  const errors = await openOutput({ store, folder, limits }, plan, carry.outputs);
  let left = { ...carry, summary: carry.summary ?? emptySummary(spec.manifest) };
  const save = async (): Promise<JoinCarry> => {
    const saved = await saveOutput(context, errors, null, options.carryName);
    return { ...left, outputs: { [errors.name]: saved } };
  };

  let copied = 0;
  while (left.next < total) {
    const generation = state.merge?.rewritten?.[left.next] ?? 0;
    const range = await readSummary(context, data, left.next, generation);
    if (left.offset === 0) left = addRange(left, range);
    const from = `${data}${RANGE_NAMES.errors(left.next, generation)}`;
    const to = Math.min(range.errorBytes, left.offset + limits.dataset.joinBytes - copied);
    await copyBytes(context, from, left.offset, to, errors);
    copied += to - left.offset;
    if (to < range.errorBytes) {
      left = { ...left, offset: to };
      return save();
    }
    left = { ...left, next: left.next + 1, offset: 0 };
  }
  if (left.orphans && options.listOrphans !== null) {
    const lookedAt = await removeOrphans(context, options.listOrphans, left.lookedAt);
    if (lookedAt !== null) {
      left = { ...left, lookedAt };
      return save();
    }
  }
  try {
    const failed = await errors.finish();
    const comparison = await openComparison(deps, spec, left.comparison);
    const drift = await comparison.finish(left.summary);
    const reports = await writeReports(deps, context, left.summary, end, drift);
    await writeLast(context, nameLast(end), [...left.objects, failed, ...reports]);
  } catch (error) {
    if (!(error instanceof ScoringError) || error.detail !== UPLOAD_SPOILED) throw error;
    if (carry.restarts >= limits.maxFinalizeRestarts) throw new ScoringError("output_conflict", UPLOAD_SPOILED);
    return { ...beginJoin(), restarts: carry.restarts + 1 };
  }
  return null;
}

function addRange<T extends JoinCarry>(carry: T, { own, ...range }: StoredSummary) {
  return {
    ...carry,
    orphans: carry.orphans || range.orphans,
    objects: [...carry.objects, ...range.objects, own],
    summary: carry.summary === null ? range.summary : mergeSummaries(carry.summary, range.summary),
    comparison: carry.comparison === null ? range.comparison : mergeComparisons(carry.comparison, range.comparison),
  };
}

/** A summary with the object that holds it. */
type StoredSummary = RangeSummary & { readonly own: WrittenObject };

async function readSummary(
  { store, limits }: FinalizeContext,
  data: string,
  number: number,
  generation: number,
): Promise<StoredSummary> {
  const name = RANGE_NAMES.summary(number, generation);
  const bytes = await readObject(store, `${data}${name}`, limits.maxPartBytes);
  if (bytes === null) throw new ScoringError("output_conflict", `${data}${name} is gone`);
  const own = { name, bytes: bytes.length, sha256: await digestHex(bytes) };
  return { ...parseStored<RangeSummary>(new TextDecoder().decode(bytes)), own };
}

/** Appends bytes of an object, a few megabytes at a time. */
async function copyBytes(
  { store, limits }: FinalizeContext,
  key: string,
  from: number,
  to: number,
  output: MergedOutput,
): Promise<void> {
  for (let offset = from; offset < to;) {
    const range = { offset, length: Math.min(limits.multipartBytes, to - offset) };
    const read = await store.read(key, { range, maxBytes: limits.multipartBytes });
    if (read.kind !== "found") throw new ScoringError("output_conflict", `${key} is gone`);
    await output.append(read.bytes);
    offset += range.length;
  }
}

/**
 * Removes parts of chunks that were later split or given up: nobody who reads `parts/` may count an input twice.
 * @returns where to go on; `null` at the end
 */
async function removeOrphans(
  { store, folder, limits }: FinalizeContext,
  listOrphans: JobCoordinator["listOrphans"],
  startAfter: string | null,
): Promise<string | null> {
  let after = startAfter;
  for (let pages = 0; pages < limits.dataset.orphanPages; pages++) {
    const page = await store.list({ prefix: partsPrefix(folder), ...(after !== null && { startAfter: after }) });
    const ids = page.objects.map(({ key }) => parsePartKey(folder, key)).filter((id) => id !== null);
    const orphans = await listOrphans(ids);
    if (orphans.length > 0) await store.delete(orphans.map((id) => partKey(folder, id)));
    after = page.objects.at(-1)?.key ?? after;
    if (page.cursor === undefined) return null;
  }
  return after;
}

async function writeLast(context: FinalizeContext, name: string, objects: readonly WrittenObject[]): Promise<void> {
  const entries = objects.map((object, at) => formatEntry(object, at === 0));
  const text = `${formatOpening(context)}${entries.join("")}${CLOSING}`;
  await context.store.put(`${context.folder}${name}`, text, { contentType: "application/json" });
}
