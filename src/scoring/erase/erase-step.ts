/** One step of an erasure: searching, rebuilding or cleaning, in bounded time and memory. Any step may be repeated. */

import { listPages } from "../../storage/list-pages.ts";
import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { FinalizeDeps } from "../finalize/finalize-deps.ts";
import { nameLast } from "../finalize/finalize-merge.ts";
import type { JobState } from "../job/job-state.ts";
import { findSpan, type InputSpan } from "../job/merge-range.ts";
import {
  dataFolder,
  generationsPrefix,
  isCurrentOutput,
  jobFolder,
  OUTPUT_NAMES,
  parsePartKey,
  parseRangeName,
  partKey,
  partsPrefix,
  RANGE_FOLDERS,
} from "../keys.ts";
import type { EraseReport, Eraser, EraseTicket } from "./eraser-port.ts";
import { eraseFromReview } from "../review/review-store.ts";
import { searchInput } from "./search-input.ts";
import { rebuildOutputs } from "./rebuild.ts";
import { rebuildRanges } from "./rebuild-ranges.ts";
import { searchRanges } from "./search-ranges.ts";

/**
 * Runs one step; the report to commit.
 * @throws ScoringError `manifest_lost`, `output_conflict` where the outputs are not what the job wrote; transient errors of the store
 */
export async function runEraseStep(
  deps: FinalizeDeps,
  job: Pick<Eraser, "listChunks" | "listOrphans">,
  ticket: EraseTicket,
): Promise<EraseReport> {
  const { spec, state, erasure, step, attempt } = ticket;
  const { limits } = deps;
  const { output } = spec.manifest;
  const store = deps.openStore(output.store);
  const plain = { step, attempt, staged: [], restaged: false };
  switch (erasure.progress.kind) {
    case "search": {
      const { merge } = state;
      if (merge !== undefined) {
        const lists = { store, folder: dataFolder(output, spec.id), merge };
        const window = { windowBytes: Math.max(limits.plan.windowBytes, limits.plan.maxLineBytes) };
        const options = { ...window, maxReads: limits.maxEraseReads };
        const progress = await searchRanges(lists, erasure.targets, erasure.progress, options);
        return { ...plain, outcome: { kind: "next", progress } };
      }
      const key = `${jobFolder(output.prefix, spec.id, state.generation)}${OUTPUT_NAMES.input}`;
      const { offset } = erasure.progress;
      const { windowBytes } = limits.plan;
      const search = { windowBytes: Math.max(windowBytes, limits.plan.maxLineBytes), maxReads: limits.maxEraseReads };
      const found = await searchInput(store, key, erasure.targets, offset, search);
      if (found === "found") return { ...plain, outcome: { kind: "next", progress: { kind: "rebuild", carry: null } } };
      // Nothing to remove, except what an abandoned erasure has left behind.
      if (found === "absent") return { ...plain, outcome: { kind: "next", progress: { kind: "clean" } } };
      return { ...plain, outcome: { kind: "next", progress: { kind: "search", offset: found } } };
    }
    case "rebuild": {
      const { carry, ranges } = erasure.progress;
      const report =
        ranges === undefined
          ? await rebuildOutputs(deps, store, job, ticket, carry)
          : await rebuildRanges(deps, store, job, ticket, { carry, ranges });
      // Committing forgets the targets; a step that is repeated finds nothing more to remove.
      if (report.outcome.kind === "rebuilt")
        await eraseFromReview(store, jobFolder(output.prefix, spec.id), erasure.targets, limits);
      return report;
    }
    default:
      if (state.merge === undefined) await removeReplaced(store, output.prefix, state);
      else await removeReplacedRanges(store, output.prefix, state, job);
      return { ...plain, outcome: { kind: "cleaned" } };
  }
}

/** Whether a later generation is in force. @throws ScoringError `output_conflict` if it is not whole: never delete the last one that is */
async function isReplaced(store: ObjectStore, prefix: string, state: JobState): Promise<boolean> {
  const { id: jobId, generation = 0 } = state;
  if (generation === 0) return false;
  const written = await store.head(`${jobFolder(prefix, jobId, generation)}${nameLast(state.status)}`);
  if (written === null) throw new ScoringError("output_conflict", `generation ${generation} is not whole`);
  return true;
}

/**
 * Deletes what a new generation of a data set replaces: first the outputs that mark it as complete, then the files of ranges that were
 * written anew and the parts of their chunks that no row counts any more. All other parts are not even listed.
 */
async function removeReplacedRanges(
  store: ObjectStore,
  prefix: string,
  state: JobState,
  job: Pick<Eraser, "listOrphans">,
): Promise<void> {
  const { id: jobId, generation = 0, merge } = state;
  const root = jobFolder(prefix, jobId);
  if (await isReplaced(store, prefix, state)) {
    await store.delete(Object.values(OUTPUT_NAMES).map((name) => `${root}${name}`));
  }
  for await (const page of listPages(store, generationsPrefix(root))) {
    const replaced = page.objects.map(({ key }) => key).filter((key) => !isCurrentOutput(root, key, generation));
    if (replaced.length > 0) await store.delete(replaced);
  }
  const rewritten = merge?.rewritten ?? {};
  for (const folder of RANGE_FOLDERS) {
    for await (const { objects } of listPages(store, `${root}${folder}`)) {
      const replaced = objects.filter(({ key }) => {
        const file = parseRangeName(key.slice(root.length));
        return file !== null && file.generation <= generation && file.generation !== (rewritten[file.range] ?? 0);
      });
      if (replaced.length > 0) await store.delete(replaced.map(({ key }) => key));
    }
  }
  for (const range of Object.keys(rewritten)) await removeOrphans(store, root, findSpan(merge!, Number(range)), job);
}

/** Deletes parts that no row counts, among those of chunks that begin in a range. */
async function removeOrphans(
  store: ObjectStore,
  root: string,
  span: InputSpan,
  job: Pick<Eraser, "listOrphans">,
): Promise<void> {
  // Ids begin with the first input: of a chunk that began before the range, that is in the list of the range before it.
  let startAfter = partKey(root, formatFirst(span.first)).slice(0, -".jsonl".length);
  for (;;) {
    const { objects, cursor } = await store.list({ prefix: partsPrefix(root), startAfter });
    const ids = objects.map(({ key }) => parsePartKey(root, key)).filter((id) => id !== null);
    const orphans = await job.listOrphans(ids);
    if (orphans.length > 0) await store.delete(orphans.map((id) => partKey(root, id)));
    const last = ids.at(-1);
    if (cursor === undefined || last === undefined || Number.parseInt(last, 10) >= span.end) return;
    startAfter = partKey(root, last);
  }
}

const formatFirst = (first: number): string => String(first).padStart(9, "0");

/** Deletes all of the job's objects outside its current generation, first the ones that mark a generation as complete. */
async function removeReplaced(store: ObjectStore, prefix: string, state: JobState): Promise<void> {
  const { id: jobId, generation = 0 } = state;
  const root = jobFolder(prefix, jobId);
  // Jobs that did not end well had a _SUCCESS once.
  const lasts = [OUTPUT_NAMES.success, OUTPUT_NAMES.failed].map((name) => `${root}${name}`);
  if (await isReplaced(store, prefix, state)) await store.delete(lasts);
  for await (const page of listPages(store, root)) {
    const replaced = page.objects.map(({ key }) => key).filter((key) => !isCurrentOutput(root, key, generation));
    if (replaced.length > 0) await store.delete(replaced);
  }
}
