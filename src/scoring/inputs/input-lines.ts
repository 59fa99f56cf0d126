/** Some lines of a large `input.jsonl`, found by bisection: lines are in the order of their index. */

import { ScoringError } from "../../errors.ts";
import { readBody } from "../../storage/read-body.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { splitLines } from "../records/record-line.ts";
import { type InputItem, inputItemSchema } from "../records/input-item.ts";

/**
 * The items with index `first` to `first + count - 1`.
 * @param windowBytes of one read while searching; longer than any line
 * @throws ScoringError `manifest_lost` if the object is gone, does not hold them, or is no list of inputs any more
 */
export async function readInputLines(
  store: ObjectStore,
  key: string,
  first: number,
  count: number,
  windowBytes: number,
): Promise<readonly InputItem[]> {
  const info = await store.head(key);
  if (info === null) throw new ScoringError("manifest_lost", `${key} is gone`);
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const range = { offset, length: Math.min(length, info.size - offset) };
    const found = await store.get(key, { ifMatch: info.etag, range });
    if (found.kind !== "found") throw new ScoringError("manifest_lost", `${key} is gone`);
    return readBody(found.body, length, range.length);
  };
  // `low` always stands at the start of a line whose index is at most `first`.
  let low = 0;
  let high = info.size;
  while (high - low > windowBytes) {
    const middle = low + Math.floor((high - low) / 2);
    const window = await read(middle, windowBytes);
    const start = window.indexOf(0x0a) + 1;
    const end = window.indexOf(0x0a, start);
    // No whole line in the window: only what lies before it is left to search.
    if (start === 0 || end === -1) {
      high = middle;
      continue;
    }
    const [line] = splitLines(window.subarray(start, end + 1));
    if (parseLine(key, line!).index <= first) low = middle + start;
    else high = middle;
  }
  const items: InputItem[] = [];
  let rest: Uint8Array = new Uint8Array();
  for (let offset = low; offset < info.size && items.length < count;) {
    const window = await read(offset, windowBytes);
    offset += window.length;
    const joined = new Uint8Array(rest.length + window.length);
    joined.set(rest);
    joined.set(window, rest.length);
    const end = joined.lastIndexOf(0x0a) + 1;
    for (const line of splitLines(joined.subarray(0, end))) {
      const item = parseLine(key, line);
      if (item.index >= first && items.length < count) items.push(item);
    }
    rest = joined.slice(end);
  }
  if (items.length !== count || items[0]?.index !== first) {
    throw new ScoringError("manifest_lost", `${key} does not hold the inputs ${first} to ${first + count - 1}`);
  }
  return items;
}

function parseLine(key: string, line: string): InputItem {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // Falls through: it is not a line of a list.
  }
  const parsed = inputItemSchema.safeParse(value);
  if (!parsed.success) throw new ScoringError("manifest_lost", `${key} is not the list that the job wrote`);
  return parsed.data;
}
