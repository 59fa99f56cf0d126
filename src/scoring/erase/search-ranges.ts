/** Looking through the frozen inputs of a data set for those to erase: all of them, since only ranges that hold one are written anew. */

import { countInputLists, type InputLists, nameInputList } from "../inputs/job-inputs.ts";
import type { EraseTarget, EraseProgress } from "../job/erasure-state.ts";
import { searchInput } from "./search-input.ts";

type Search = Extract<EraseProgress, { kind: "search" }>;

/**
 * Looks in at most about `maxReads` reads.
 * @returns how far it came: on to the next lists, or on to write the ranges that were found anew, or to nothing but cleaning
 * @throws ScoringError `manifest_lost` if a list is gone
 */
export async function searchRanges(
  lists: InputLists,
  targets: readonly EraseTarget[],
  progress: Search,
  options: { readonly windowBytes: number; readonly maxReads: number },
): Promise<EraseProgress> {
  const total = countInputLists(lists);
  let { offset, list = 0 } = progress;
  const found = [...(progress.found ?? [])];
  for (let left = options.maxReads; list < total; left--) {
    if (left === 0) return { kind: "search", offset, list, found };
    // One read at a time: a list that holds a target need not be read to its end.
    const seen = await searchInput(lists.store, nameInputList(lists, list), targets, offset, {
      ...options,
      maxReads: 1,
    });
    if (typeof seen === "number") {
      offset = seen;
      continue;
    }
    if (seen === "found") found.push(list);
    [list, offset] = [list + 1, 0];
  }
  return found.length === 0 ? { kind: "clean" } : { kind: "rebuild", carry: null, ranges: found };
}
