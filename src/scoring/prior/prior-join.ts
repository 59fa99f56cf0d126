/**
 * The merge-join of a listing with the frozen manifest of the previous run: both are in the order of keys, so one pass over
 * both finds every object's position in the other run. A line out of order finds no partner, never a wrong one.
 */

import { ScoringError } from "../../errors.ts";
import { compareKeys } from "../../storage/key-rules.ts";
import { countInputLists, type InputLists, nameInputList } from "../inputs/job-inputs.ts";
import { computeLineWindow, type Line, readLines } from "../inputs/lines.ts";
import { type ObjectVersion, readPieces } from "../inputs/range-reader.ts";
import type { Limits } from "../limits.ts";
import type { InputItem } from "../records/input-item.ts";
import { parseStored } from "../stored-json.ts";

/** Where the join continues: a byte of one version of the frozen manifest, or of one of its lists. */
export interface PriorPosition {
  /** Of a data set, which range's list; absent: the first. */
  readonly list?: number;
  readonly etag: string;
  readonly offset: number;
}

/** The cursor of planning with that of the join; `prior` is `null` once the whole frozen manifest has been joined. */
export interface JoinedCursor {
  readonly plan: string | null;
  readonly prior: PriorPosition | null | "start";
}

const PREFIX = "prior:";

/** Both in one string. */
export function formatJoinedCursor(plan: string | null, prior: PriorPosition | null): string | null {
  return plan === null ? null : `${PREFIX}${JSON.stringify([prior, plan])}`;
}

/** Both again; a cursor of planning alone begins the join. */
export function parseJoinedCursor(cursor: string | null): JoinedCursor {
  if (cursor === null || !cursor.startsWith(PREFIX)) return { plan: cursor, prior: "start" };
  const [prior, plan] = parseStored<[PriorPosition | null, string]>(cursor.slice(PREFIX.length));
  return { plan, prior };
}

/** The order of both sides: by key, and within a shard or table by place. */
export function compareItems(a: InputItem, b: InputItem): number {
  return compareKeys(a.key, b.key) || placeOf(a) - placeOf(b);
}

/** Rows of a Parquet file do not lie in their order where values repeat. */
const placeOf = ({ page, range }: InputItem): number => page?.row ?? range?.offset ?? -1;

function isSame(a: InputItem, b: InputItem): boolean {
  return a.id === b.id && a.range?.length === b.range?.length && a.page?.length === b.page?.length;
}

/** Lines of the frozen manifest, one at a time. */
export interface PriorLines {
  /** The current line; `null` after the last, or when the budget of this step is used up. */
  peek(): Promise<InputItem | null>;
  next(): void;
  /** Where the current line begins; `null` once the end has been seen. */
  position(): PriorPosition | null;
}

/** Adds every item's position in the previous run, as `prior`. */
export async function joinPrior(items: readonly InputItem[], lines: PriorLines): Promise<readonly InputItem[]> {
  const joined: InputItem[] = [];
  for (const item of items) {
    let line = await lines.peek();
    while (line !== null && compareItems(line, item) < 0) {
      lines.next();
      line = await lines.peek();
    }
    const met = line !== null && compareItems(line, item) === 0;
    joined.push(met && isSame(line!, item) ? { ...item, prior: line!.index } : item);
    if (met) lines.next();
  }
  return joined;
}

/** The frozen manifest of a run from a position on; `null` if it is gone, or has been replaced. At most `limits.plan.maxReads` reads. */
export async function openPriorLines(
  prior: InputLists,
  start: JoinedCursor["prior"],
  limits: Limits,
): Promise<PriorLines | null> {
  if (start === null) return null;
  const total = countInputLists(prior);
  let list = start === "start" ? 0 : (start.list ?? 0);
  const first = total === 0 ? null : await findInput(prior, list);
  if (first === null || (start !== "start" && start.etag !== first.etag)) return null;
  const { plan } = limits;
  let object: ObjectVersion = first;
  let reads = 0;
  let offset = start === "start" ? 0 : start.offset;
  let ended = false;
  let held: { readonly item: InputItem; readonly offset: number } | null = null;
  const takeRead = () => (reads += 1) <= plan.maxReads;
  const open = () => {
    const pieces = readPieces(prior.store, object, offset, computeLineWindow(plan), takeRead);
    return readLines(pieces, { offset, line: 1, skipping: false }, plan.maxLineBytes);
  };
  let lines = open();
  /** Goes on to the next list; false if there is none, or what was read was not all of this one. */
  async function openNext(): Promise<boolean> {
    if (offset < object.size || list + 1 >= total) return false;
    const next = await findInput(prior, list + 1);
    if (next === null) return false;
    [object, list, offset] = [next, list + 1, 0];
    lines = open();
    return true;
  }
  return {
    async peek() {
      while (held === null && !ended) {
        const line = await readNext(lines);
        if (line === null) {
          // Out of budget, the rest waits for the next step; at the end there is none.
          ended = !(await openNext());
          continue;
        }
        offset = line.next.offset;
        if (line.kind !== "line" || line.bytes.length === 0) continue;
        held = { item: parseStored<InputItem>(new TextDecoder().decode(line.bytes)), offset: line.offset };
      }
      return held?.item ?? null;
    },
    next() {
      held = null;
    },
    position() {
      const at = held?.offset ?? offset;
      if (at >= object.size && list + 1 >= total) return null;
      return { etag: object.etag, offset: at, ...(list > 0 && { list }) };
    },
  };
}

/** The next line; `null` at the end, and if the manifest has been replaced or deleted. */
async function readNext(lines: AsyncGenerator<Line>): Promise<Line | null> {
  try {
    const { value, done } = await lines.next();
    return done === true ? null : value;
  } catch (error) {
    if (error instanceof ScoringError && error.disposition === "item") return null;
    throw error;
  }
}

async function findInput(prior: InputLists, list: number): Promise<ObjectVersion | null> {
  const key = nameInputList(prior, list);
  try {
    const info = await prior.store.head(key);
    return info === null ? null : { key, etag: info.etag, size: info.size };
  } catch (error) {
    if (error instanceof ScoringError && error.code === "forbidden") return null;
    throw error;
  }
}
