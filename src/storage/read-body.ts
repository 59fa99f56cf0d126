/** Bounded reading of bodies. */

import { concatUint8Arrays } from "uint8array-extras";
import { ScoringError } from "../errors.ts";
import { classifyBodyError } from "./network-errors.ts";
import type { GetResult, ObjectInfo, ReadOptions, ReadResult } from "./object-store.ts";

/**
 * Reads a body into memory, never more than `maxBytes`.
 *
 * `expectedBytes` is what the store announced (object size or length of the range); fewer or more bytes are
 * `store_short_read`, since a connection that closed early looks like the end of the body. More than `maxBytes` is
 * `object_too_large`; the rest of the body is canceled, not read.
 */
export async function readBody(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  expectedBytes?: number,
): Promise<Uint8Array> {
  if (expectedBytes !== undefined && expectedBytes > maxBytes) {
    await cancelBody(body);
    throw new ScoringError("object_too_large", `the object has ${expectedBytes} bytes; the limit is ${maxBytes}`);
  }
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let total = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      total += value.length;
      if (total > maxBytes) {
        await reader.cancel();
        throw new ScoringError("object_too_large", `the object has more than ${maxBytes} bytes`);
      }
      chunks.push(value);
    }
  } catch (error) {
    throw classifyBodyError(error);
  } finally {
    reader.releaseLock();
  }
  if (expectedBytes !== undefined && total !== expectedBytes) {
    throw new ScoringError("store_short_read", `the store sent ${total} of ${expectedBytes} bytes`);
  }
  const only = chunks[0];
  return chunks.length === 1 && only !== undefined ? only : concatUint8Arrays(chunks);
}

/** `ObjectStore.read`, from what `get` returned. @throws ScoringError `store_short_read` and what the body throws */
export async function readFound(result: GetResult, options: ReadOptions): Promise<ReadResult> {
  if (result.kind !== "found") return result;
  const { info, body } = result;
  const expectedBytes = countBytes(info, options);
  if (expectedBytes > options.maxBytes) {
    await cancelBody(body);
    return { kind: "too_large", info };
  }
  return { kind: "found", info, bytes: await readBody(body, options.maxBytes, expectedBytes) };
}

/** How long the answer to a read must be. */
export function countBytes(info: ObjectInfo, { range }: ReadOptions): number {
  return range === undefined ? info.size : Math.min(range.length, info.size - range.offset);
}

/** Gives a body up without reading it; a body that fails to cancel is gone anyway. */
export async function cancelBody(body: ReadableStream<Uint8Array>): Promise<void> {
  try {
    await body.cancel();
  } catch {
    // Nothing is lost: the caller did not want the bytes.
  }
}
