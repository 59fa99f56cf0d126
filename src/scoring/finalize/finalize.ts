/**
 * The last stage: merges all parts, in input order, into the outputs that were asked for, in steps of bounded time and
 * memory. A step starts from what the previous one left and may be repeated: unfinished objects are carried in `work/`,
 * and `_SUCCESS`, or `_FAILED`, is written once everything else exists.
 */

import { deletePage, listPages } from "../../storage/list-pages.ts";
import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { FinalizeReport, FinalizeTicket, JobCoordinator } from "../job/coordinator-port.ts";
import { type Merge, type MergeState, openMerge } from "./finalize-merge.ts";
import type { FinalizeContext } from "./finalize-context.ts";
import { type FinalizeDeps, readReportedCard } from "./finalize-deps.ts";
import { writeReports } from "./finalize-reports.ts";
import { formatPieces, untilTrouble } from "./format-pieces.ts";
import { beginJoin, type JoinCarry, joinRanges } from "./join-ranges.ts";
import { readState } from "./merge-streams.ts";
import { isPiece } from "../job/chunk-split.ts";
import { endStatus } from "../job/job-state.ts";
import { carryKey, jobFolder, parsePartKey, partKey, partsPrefix, workPrefix } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { UPLOAD_SPOILED } from "../outputs/merged-output.ts";
import { readObject } from "../../storage/read-object.ts";
import { type Comparison, type ComparisonState, openComparison } from "../prior/compare-run.ts";
import { parseStored } from "../stored-json.ts";

/**
 * Runs one step; the report to commit.
 * @throws ScoringError `output_conflict` if a part is not what its chunk reported; transient errors of the store
 */
export async function runFinalizeStep(
  deps: FinalizeDeps,
  job: JobCoordinator,
  ticket: FinalizeTicket,
): Promise<FinalizeReport> {
  const { spec, step, attempt } = ticket;
  const { limits } = deps;
  const store = deps.openStore(spec.manifest.output.store);
  const folder = jobFolder(spec.manifest.output.prefix, spec.id);
  if (ticket.checkpoint === CLEAN_UP) {
    await removeAll(store, workPrefix(folder));
    return { step, attempt, checkpoint: null, done: true };
  }
  const context: FinalizeContext = {
    store,
    folder,
    spec,
    limits,
    state: ticket.state,
    card: await readReportedCard(deps, spec),
    ...(deps.openHash === undefined ? {} : { openHash: deps.openHash }),
  };
  if (ticket.state.merge !== undefined) return joinStep(deps, context, job, ticket);
  const saved = await readCheckpoint(store, ticket.checkpoint, limits);
  const merge = await openMerge(context, saved?.merge ?? null);
  const comparison = await openComparison(deps, spec, saved?.comparison ?? null);
  let next = saved?.nextIndex ?? 0;
  let merged = 0;
  let orphans = saved !== null && (saved.orphans ?? true);
  const rows = await job.listChunks(next, limits.maxChunksPerFinalizeStep);
  const verdict = ticket.state.verdict ?? "completed";
  const options = { ...merge.format, keepsPiece: merge.format.keepsPiece || comparison.isOpen };
  for await (const formatted of untilTrouble(formatPieces(deps, context, rows, { verdict, options }))) {
    await merge.add(formatted);
    if (formatted.piece !== null) await comparison.add(formatted.piece);
    orphans ||= formatted.part === null || isPiece(formatted.chunk.id);
    next = formatted.chunk.first + formatted.chunk.count;
    merged += 1;
    if (comparison.calls() >= limits.maxComparisonCalls) break;
  }
  if (merged < rows.length || rows.length === limits.maxChunksPerFinalizeStep) {
    const state: Checkpoint = {
      nextIndex: next,
      restarts: saved?.restarts ?? 0,
      orphans,
      merge: await merge.save((name) => carryKey(folder, name, step, attempt)),
      comparison: comparison.save(),
    };
    const key = carryKey(folder, "state", step, attempt);
    await store.put(key, JSON.stringify(state));
    return { step, attempt, checkpoint: key, done: false };
  }
  return finish(deps, context, job, ticket, { merge, comparison, orphans, restarts: saved?.restarts ?? 0 });
}

/** One step of joining the ranges of a data set. */
async function joinStep(
  deps: FinalizeDeps,
  context: FinalizeContext,
  job: JobCoordinator,
  { state, step, attempt, checkpoint }: FinalizeTicket,
): Promise<FinalizeReport> {
  const { store, folder } = context;
  const carry = checkpoint === null ? beginJoin() : await readState<JoinCarry>(context, checkpoint);
  const carryName = (name: string): string => carryKey(folder, name, step, attempt);
  const listOrphans = (ids: readonly string[]) => job.listOrphans(ids);
  const options = { data: folder, end: endStatus(state), carryName, listOrphans };
  const next = await joinRanges(deps, context, options, carry);
  if (next === null) return { step, attempt, checkpoint: CLEAN_UP, done: false };
  await store.put(carryName("state"), JSON.stringify(next));
  return { step, attempt, checkpoint: carryName("state"), done: false };
}

interface Checkpoint {
  /** Index of the first input that is not merged yet. */
  readonly nextIndex: number;
  readonly restarts: number;
  /** Whether the store may hold a part that no chunk counts: a chunk was split, or ended without its part. */
  readonly orphans?: boolean;
  readonly merge: MergeState | null;
  /** Absent at the start, and in states of versions that compared nothing. */
  readonly comparison?: ComparisonState;
}

async function readCheckpoint(store: ObjectStore, key: string | null, limits: Limits): Promise<Checkpoint | null> {
  if (key === null) return null;
  const bytes = await readObject(store, key, limits.maxCarryBytes);
  if (bytes === null) throw new ScoringError("internal", `${key} is gone`);
  return parseStored<Checkpoint>(new TextDecoder().decode(bytes));
}

/** Instead of a checkpoint's key: the last output is written and only `work/` is left to be removed. */
const CLEAN_UP = "clean-up";

/** Closes every output, writes the reports, removes parts that nobody counts, and then writes the last output. */
async function finish(
  deps: FinalizeDeps,
  context: FinalizeContext,
  job: JobCoordinator,
  ticket: FinalizeTicket,
  folds: {
    readonly merge: Merge;
    readonly comparison: Comparison;
    readonly orphans: boolean;
    readonly restarts: number;
  },
): Promise<FinalizeReport> {
  const { store, folder, limits } = context;
  const { step, attempt } = ticket;
  const { merge, comparison, orphans, restarts } = folds;
  try {
    const written = await merge.finish();
    const drift = await comparison.finish(merge.summary());
    written.push(...(await writeReports(deps, context, merge.summary(), endStatus(ticket.state), drift)));
    if (orphans) await removeOrphans(store, folder, job);
    await merge.close(written);
  } catch (error) {
    if (!(error instanceof ScoringError) || error.detail !== UPLOAD_SPOILED) throw error;
    if (restarts >= limits.maxFinalizeRestarts) throw new ScoringError("output_conflict", UPLOAD_SPOILED);
    const state: Checkpoint = { nextIndex: 0, restarts: restarts + 1, merge: null };
    const key = carryKey(folder, "state", step, attempt);
    await store.put(key, JSON.stringify(state));
    return { step, attempt, checkpoint: key, done: false };
  }
  // What this step may need when it is repeated is removed in a step of its own.
  return { step, attempt, checkpoint: CLEAN_UP, done: false };
}

/** Removes parts of chunks that were later split or given up: nobody who reads `parts/` may count an input twice. */
async function removeOrphans(store: ObjectStore, folder: string, job: JobCoordinator): Promise<void> {
  const prefix = partsPrefix(folder);
  for await (const page of listPages(store, prefix)) {
    const ids = page.objects.map(({ key }) => parsePartKey(folder, key)).filter((id) => id !== null);
    const orphans = await job.listOrphans(ids);
    if (orphans.length > 0) await store.delete(orphans.map((id) => partKey(folder, id)));
  }
}

async function removeAll(store: ObjectStore, prefix: string): Promise<void> {
  for await (const page of listPages(store, prefix)) await deletePage(store, page);
}
