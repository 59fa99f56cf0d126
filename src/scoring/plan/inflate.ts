/** Gunzip of an object as a stream of pieces, with bounds against decompression bombs. */

import { ScoringError } from "../../errors.ts";
import { classifyNetworkError } from "../../storage/network-errors.ts";
import { createMemberGunzip } from "./gunzip-members.ts";
import type { Piece } from "../inputs/range-reader.ts";

/** Bounds of {@link inflatePieces}: bytes in all, and bytes out per byte in. */
export interface InflateLimits {
  readonly maxInflatedBytes: number;
  readonly maxInflateRatio: number;
}

/** Bytes that are inflated at once without the platform's stream: 1,032 times as many may come out. */
const SLICE_BYTES = 4096;

/**
 * The gunzipped bytes of a body from byte `skipBytes` on. gzip has no random access, so what is skipped is inflated
 * again. Files of several members are read whole: the platform's stream, several times as fast, reads one member and refuses the
 * rest, and then the body is opened a second time. Throws `validation_failed` for a bomb or a broken stream.
 * @param compressedBytes size of the body
 */
export async function* inflatePieces(
  open: () => Promise<ReadableStream<Uint8Array>>,
  compressedBytes: number,
  skipBytes: number,
  limits: InflateLimits,
): AsyncGenerator<Piece> {
  const maxBytes = Math.min(limits.maxInflatedBytes, compressedBytes * limits.maxInflateRatio);
  let taken = skipBytes;
  // One piece is held back, so that the last one is known to be the last.
  let held: Uint8Array | null = null;
  for (const inflate of [inflateOneMember, inflateMembers]) {
    let total = 0;
    let refused = false;
    for await (const bytes of inflate(await open())) {
      refused = bytes === null;
      if (bytes === null) break;
      total += bytes.length;
      if (total > maxBytes) {
        throw new ScoringError("validation_failed", `the gzip manifest inflates to more than ${maxBytes} bytes`);
      }
      const fresh = bytes.subarray(Math.max(0, bytes.length - Math.max(0, total - taken)));
      if (fresh.length === 0) continue;
      taken += fresh.length;
      if (held !== null) yield { bytes: held, last: false };
      held = fresh;
    }
    if (!refused) break;
  }
  if (held !== null) yield { bytes: held, last: true };
}

/** Inflates by the platform's stream; yields `null`, and then nothing more, if the body is not one whole member. */
async function* inflateOneMember(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array | null> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its type takes any buffer; bodies are bytes
  const gunzip = new DecompressionStream("gzip") as ReadableWritablePair<Uint8Array, Uint8Array>;
  const reader = body.pipeThrough(gunzip).getReader();
  try {
    for (;;) {
      const result = await reader.read().catch((error: unknown) => {
        throwIfPassing(error);
        return null;
      });
      if (result === null) yield null;
      if (result === null || result.done) return;
      yield result.value;
    }
  } finally {
    // The caller may stop early; the rest of the body is not wanted then.
    await reader.cancel().catch(() => undefined);
  }
}

/** Inflates in JavaScript, member after member. @throws ScoringError `validation_failed` if a member is broken */
async function* inflateMembers(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const gunzip = createMemberGunzip();
  try {
    for (;;) {
      const result = await reader.read().catch((error: unknown) => {
        throwIfPassing(error);
        throw error;
      });
      const bytes = result.done ? new Uint8Array(0) : result.value;
      for (let at = 0; at < bytes.length; at += SLICE_BYTES) yield* gunzip.push(bytes.subarray(at, at + SLICE_BYTES));
      if (!result.done) continue;
      yield* gunzip.finish();
      return;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** A body that broke off on the way may come whole the next time; anything else is the file's fault. */
function throwIfPassing(error: unknown): void {
  if (error instanceof ScoringError) throw error;
  const kind = classifyNetworkError(error);
  if (kind === "timeout")
    throw new ScoringError("store_timeout", "the manifest did not arrive in time", { cause: error });
  if (kind === "network") throw new ScoringError("store_short_read", "the manifest broke off", { cause: error });
}
