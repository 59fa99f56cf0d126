/**
 * A new generation of a data set without the targets: only the ranges that hold them are written anew, beside what they replace, and then
 * all ranges are joined again.
 */

import { advanceRange, beginRange, type RangeCarry } from "../finalize/finalize-range.ts";
import type { FinalizeContext } from "../finalize/finalize-context.ts";
import { type FinalizeDeps, readReportedCard } from "../finalize/finalize-deps.ts";
import { beginJoin, joinRanges, type JoinCarry } from "../finalize/join-ranges.ts";
import { readState } from "../finalize/merge-streams.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import { markRewritten, subtract } from "../job/erasure.ts";
import type { JobState } from "../job/job-state.ts";
import type { Removed } from "../job/erasure-state.ts";
import { scrubSpec, scrubState } from "../job/scrub.ts";
import { carryKey, dataFolder, jobFolder } from "../keys.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { EraseReport, Eraser, EraseTicket } from "./eraser-port.ts";
import { createChunkEditor } from "./edit-chunks.ts";
import { addRemoved, NOTHING } from "./removed.ts";

/** What one step leaves for the next. */
interface Carry {
  /** Ranges to write anew, those that are done first: where a target is, and where a chunk with one reaches into. */
  readonly ranges: readonly number[];
  readonly done: number;
  readonly range: RangeCarry | null;
  readonly join: JoinCarry | null;
  /** By the ranges that are done, and by the one under way. */
  readonly removed: Removed;
  readonly own: Removed;
}

/** Runs one rebuilding step. @param ranges that hold a target, in order */
export async function rebuildRanges(
  deps: FinalizeDeps,
  store: ObjectStore,
  job: Pick<Eraser, "listChunks" | "listOrphans">,
  ticket: EraseTicket,
  from: { readonly carry: string | null; readonly ranges: readonly number[] },
): Promise<EraseReport> {
  const { spec, state, erasure, step, attempt } = ticket;
  const { limits } = deps;
  const { output } = spec.manifest;
  const folder = jobFolder(output.prefix, spec.id, erasure.generation);
  const data = dataFolder(output, spec.id);
  const generation = { number: erasure.generation, replaces: state.generation ?? 0 };
  const card = await readReportedCard(deps, spec);
  const context: FinalizeContext = {
    store,
    folder: data,
    spec: scrubSpec(spec, erasure.targets),
    limits,
    state,
    card,
    generation,
  };
  const fresh: Carry = { ranges: from.ranges, done: 0, range: null, join: null, removed: NOTHING, own: NOTHING };
  const carry = from.carry === null ? fresh : await readState<Carry>(context, from.carry);
  const carryName = (name: string): string => carryKey(folder, name, step, attempt);
  const next = async (left: Carry, staged: readonly ChunkRow[]): Promise<EraseReport> => {
    const key = carryName("state");
    await store.put(key, JSON.stringify(left));
    const outcome = { kind: "next", progress: { kind: "rebuild", carry: key, ranges: from.ranges } } as const;
    return { step, attempt, staged, restaged: from.carry === null, outcome };
  };

  const number = carry.ranges[carry.done];
  if (number !== undefined) {
    const editor = createChunkEditor(context, number, erasure.targets);
    const begun = carry.range ?? beginRange(context, number);
    const left = await advanceRange(deps, {
      context,
      number,
      generation: erasure.generation,
      carry: begun,
      carryName,
      listChunks: (first, limit) => job.listChunks(first, limit),
      format: (rows, format) => editor.format(rows, format),
    });
    const ranges = [...new Set([...carry.ranges, ...editor.reached()])];
    // A range that starts over counts what it removes again.
    const isRestarted = left !== null && left.restarts > begun.restarts;
    const own = isRestarted ? NOTHING : addRemoved(carry.own, editor.removed());
    if (left !== null) return next({ ...carry, ranges, range: left, own }, editor.staged());
    const removed = addRemoved(carry.removed, own);
    return next({ ...carry, ranges, done: carry.done + 1, range: null, removed, own: NOTHING }, editor.staged());
  }
  const lighter = scrubState(subtract(state, carry.removed), erasure.targets);
  const joined: JobState = markRewritten(lighter, carry.ranges, erasure.generation);
  const left = await joinRanges(
    deps,
    { ...context, folder, state: joined },
    { data, end: state.status, carryName, listOrphans: null },
    carry.join ?? beginJoin(),
  );
  if (left !== null) return next({ ...carry, join: left }, []);
  const rewritten = { rewritten: carry.ranges };
  return {
    step,
    attempt,
    staged: [],
    restaged: false,
    outcome: { kind: "rebuilt", removed: carry.removed, ...rewritten },
  };
}
