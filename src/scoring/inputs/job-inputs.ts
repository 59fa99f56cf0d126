/** The frozen inputs of an ended job: one list, or the lists of the ranges of a data set. */

import type { ObjectStore } from "../../storage/object-store.ts";
import { findSpan, type MergeProgress } from "../job/merge-range.ts";
import { OUTPUT_NAMES, RANGE_NAMES } from "../keys.ts";
import type { InputItem } from "../records/input-item.ts";
import { readInputLines } from "./input-lines.ts";

/** Where a job's inputs lie. */
export interface InputLists {
  readonly store: ObjectStore;
  /** Of the outputs that hold them: see `dataFolder`. */
  readonly folder: string;
  /** Of a data set; absent: one list. */
  readonly merge?: MergeProgress | undefined;
}

/** How many lists there are. */
export function countInputLists({ merge }: InputLists): number {
  return merge?.total ?? 1;
}

/** The key of one of them. */
export function nameInputList({ folder, merge }: Omit<InputLists, "store">, number: number): string {
  const name = merge === undefined ? OUTPUT_NAMES.input : RANGE_NAMES.input(number, merge.rewritten?.[number] ?? 0);
  return `${folder}${name}`;
}

/** The inputs `first` to `first + count - 1`. Errors as for {@link readInputLines}. */
export async function readInputs(
  lists: InputLists,
  first: number,
  count: number,
  windowBytes: number,
): Promise<readonly InputItem[]> {
  const { store, merge } = lists;
  const items: InputItem[] = [];
  for (let next = first; next < first + count;) {
    const number = merge === undefined ? 0 : Math.floor(next / merge.inputs);
    const end = merge === undefined ? first + count : Math.min(first + count, findSpan(merge, number).end);
    // Beyond the last one: the list says that it does not hold it.
    const take = Math.max(1, end - next);
    items.push(...(await readInputLines(store, nameInputList(lists, number), next, take, windowBytes)));
    next += take;
  }
  return items;
}
