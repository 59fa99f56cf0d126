/** One step of an erasure: searching, rebuilding or cleaning, in bounded time and memory. Any step may be repeated. */

import { listPages } from "../../storage/list-pages.ts";
import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { FinalizeDeps } from "../finalize/finalize-deps.ts";
import { nameLast } from "../finalize/finalize-merge.ts";
import type { JobState } from "../job/job-state.ts";
import { isCurrentOutput, jobFolder, OUTPUT_NAMES } from "../keys.ts";
import type { EraseReport, Eraser, EraseTicket } from "./eraser-port.ts";
import { eraseFromReview } from "../review/review-store.ts";
import { searchInput } from "./search-input.ts";
import { rebuildOutputs } from "./rebuild.ts";

/**
 * Runs one step; the report to commit.
 * @throws ScoringError `manifest_lost`, `output_conflict` where the outputs are not what the job wrote; transient errors of the store
 */
export async function runEraseStep(
  deps: FinalizeDeps,
  job: Pick<Eraser, "listChunks">,
  ticket: EraseTicket,
): Promise<EraseReport> {
  const { spec, state, erasure, step, attempt } = ticket;
  const { limits } = deps;
  const { output } = spec.manifest;
  const store = deps.openStore(output.store);
  const plain = { step, attempt, staged: [], restaged: false };
  switch (erasure.progress.kind) {
    case "search": {
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
      const report = await rebuildOutputs(deps, store, job, ticket, erasure.progress.carry);
      // Committing forgets the targets; a step that is repeated finds nothing more to remove.
      if (report.outcome.kind === "rebuilt")
        await eraseFromReview(store, jobFolder(output.prefix, spec.id), erasure.targets, limits);
      return report;
    }
    default:
      await removeReplaced(store, output.prefix, state);
      return { ...plain, outcome: { kind: "cleaned" } };
  }
}

/** Deletes all of the job's objects outside its current generation, first the ones that mark a generation as complete. */
async function removeReplaced(store: ObjectStore, prefix: string, state: JobState): Promise<void> {
  const { id: jobId, generation = 0 } = state;
  const root = jobFolder(prefix, jobId);
  if (generation > 0) {
    const last = nameLast(state.status);
    const written = await store.head(`${jobFolder(prefix, jobId, generation)}${last}`);
    // Never delete the last whole generation.
    if (written === null) throw new ScoringError("output_conflict", `generation ${generation} is not whole`);
    // Jobs that did not end well had a _SUCCESS once.
    await store.delete([OUTPUT_NAMES.success, OUTPUT_NAMES.failed].map((name) => `${root}${name}`));
  }
  for await (const page of listPages(store, root)) {
    const replaced = page.objects.map(({ key }) => key).filter((key) => !isCurrentOutput(root, key, generation));
    if (replaced.length > 0) await store.delete(replaced);
  }
}
