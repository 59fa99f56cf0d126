/** The lines of a finished `input.jsonl`, in order. */

import { concatUint8Arrays } from "uint8array-extras";
import { ScoringError } from "../../errors.ts";
import type { ObjectInfo, ObjectStore } from "../../storage/object-store.ts";
import { readBody } from "../../storage/read-body.ts";
import { splitLines } from "../chunk/part.ts";
import type { InputItem } from "../records/records.ts";
import { parseStored } from "../stored-json.ts";
import type { EraseTarget } from "../job/erasure-state.ts";

/** Reads one version of an object front to back. */
export interface InputCursor {
  /** The next `count` inputs. Calls may overlap: each gets its own, in the order of the calls. @throws ScoringError `manifest_lost` */
  take(count: number): Promise<readonly InputItem[]>;
  /** Where the first input stands that nobody has taken. */
  readonly offset: number;
}

const LINE_FEED = 10;

/** @param windowBytes of one read; longer than any line */
export function createInputCursor(store: ObjectStore, key: string, start: number, windowBytes: number): InputCursor {
  let info: ObjectInfo | null = null;
  let held: Uint8Array = new Uint8Array();
  let offset = start;
  let last: Promise<unknown> = Promise.resolve();

  async function readMore(): Promise<void> {
    info ??= await requireObject(store, key);
    const at = offset + held.length;
    if (at >= info.size) throw new ScoringError("manifest_lost", `${key} holds fewer inputs than the job`);
    held = concatUint8Arrays([held, await readWindow(store, info, at, windowBytes)]);
  }

  async function takeNow(count: number): Promise<readonly InputItem[]> {
    let end = 0;
    for (let lines = 0; lines < count; lines++) {
      let at = held.indexOf(LINE_FEED, end);
      while (at === -1) {
        await readMore();
        at = held.indexOf(LINE_FEED, end);
      }
      end = at + 1;
    }
    const items = splitLines(held.subarray(0, end)).map((line) => parseStored<InputItem>(line));
    held = held.slice(end);
    offset += end;
    return items;
  }

  return {
    take(count) {
      const taken = last.then(() => takeNow(count));
      last = taken.catch(() => {});
      return taken;
    },
    get offset() {
      return offset;
    },
  };
}

/**
 * Looks for a target from `offset` on, in at most `maxReads` reads.
 * @returns where to go on, `found`, or `absent` at the end
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
    // Most windows hold none of the names: those are not parsed.
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

async function requireObject(store: ObjectStore, key: string): Promise<ObjectInfo> {
  const info = await store.head(key);
  if (info === null) throw new ScoringError("manifest_lost", `${key} is gone: delete the job instead`);
  return info;
}

async function readWindow(store: ObjectStore, info: ObjectInfo, offset: number, length: number): Promise<Uint8Array> {
  const range = { offset, length: Math.min(length, info.size - offset) };
  const found = await store.get(info.key, { ifMatch: info.etag, range });
  if (found.kind !== "found") throw new ScoringError("manifest_lost", `${info.key} is gone`);
  return readBody(found.body, length, range.length);
}
