/** Looking through the frozen inputs of a job for those to erase. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { splitLines } from "../records/record-line.ts";
import type { InputItem } from "../records/input-item.ts";
import { parseStored } from "../stored-json.ts";
import type { EraseTarget } from "../job/erasure-state.ts";
import { LINE_FEED, requireObject, readWindow } from "../inputs/input-cursor.ts";

/**
 * Looks for a target from `offset` on, in at most `maxReads` reads.
 * @returns where to continue, `found`, or `absent` at the end
 * @throws ScoringError `manifest_lost` if there is no such object: the job never wrote its outputs
 */
export async function searchInput(
  store: ObjectStore,
  key: string,
  targets: readonly EraseTarget[],
  offset: number,
  options: { readonly windowBytes: number; readonly maxReads: number },
): Promise<"found" | "absent" | number> {
  const info = await requireObject(store, key);
  const needles = targets.map((target) => JSON.stringify(target.key));
  let at = offset;
  for (let reads = 0; reads < options.maxReads; reads++) {
    if (at >= info.size) return "absent";
    const window = await readWindow(store, info, at, options.windowBytes);
    const end = window.lastIndexOf(LINE_FEED) + 1;
    if (end === 0) throw new ScoringError("manifest_lost", `${key} has a line that is too long`);
    const lines = window.subarray(0, end);
    const text = new TextDecoder().decode(lines);
    // Most windows hold none of the names and are not parsed.
    const isNear = needles.some((needle) => text.includes(needle));
    if (isNear && splitLines(lines).some((line) => isTarget(parseStored<InputItem>(line), targets))) return "found";
    at += end;
  }
  return at >= info.size ? "absent" : at;
}

/** Whether an input is to be removed. */
export function isTarget(item: InputItem, targets: readonly EraseTarget[]): boolean {
  return targets.some(({ key, id }) => item.key === key && (id === null || item.id === id));
}
