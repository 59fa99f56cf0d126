/** The lines of a finished `input.jsonl`, in order. */

import { concatUint8Arrays } from "uint8array-extras";
import { ScoringError } from "../../errors.ts";
import type { ObjectInfo, ObjectStore } from "../../storage/object-store.ts";
import { readBody } from "../../storage/read-body.ts";
import { splitLines } from "../records/record-line.ts";
import type { InputItem } from "../records/input-item.ts";
import { parseStored } from "../stored-json.ts";

/** Reads one version of an object front to back. */
export interface InputCursor {
  /** The next `count` inputs. Calls may overlap: each gets its own, in the order of the calls. @throws ScoringError `manifest_lost` */
  take(count: number): Promise<readonly InputItem[]>;
  /** Where the first input that nobody has taken begins. */
  readonly offset: number;
}

/** Ends a line. */
export const LINE_FEED = 10;

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

/** @throws ScoringError `manifest_lost` if the list of inputs is gone */
export async function requireObject(store: ObjectStore, key: string): Promise<ObjectInfo> {
  const info = await store.head(key);
  if (info === null) throw new ScoringError("manifest_lost", `${key} is gone: delete the job instead`);
  return info;
}

/** At most `length` bytes of the list from `offset` on. @throws ScoringError `manifest_lost` */
export async function readWindow(
  store: ObjectStore,
  info: ObjectInfo,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const range = { offset, length: Math.min(length, info.size - offset) };
  const found = await store.get(info.key, { ifMatch: info.etag, range });
  if (found.kind !== "found") throw new ScoringError("manifest_lost", `${info.key} is gone`);
  return readBody(found.body, length, range.length);
}
