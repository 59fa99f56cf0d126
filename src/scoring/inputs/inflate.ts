/** Gunzip of an object as a stream of pieces, with bounds against decompression bombs. */

import { ScoringError } from "../../errors.ts";
import { classifyNetworkError } from "../../storage/network-errors.ts";
import type { Piece } from "./range-reader.ts";

/** Bounds of {@link inflatePieces}: bytes in all, and bytes out for each byte in. */
export interface InflateLimits {
  readonly maxInflatedBytes: number;
  readonly maxInflateRatio: number;
}

/**
 * The gunzipped bytes of `body` from byte `skipBytes` on. gzip has no random access, so what is skipped is inflated
 * again. `compressedBytes` is the size of the body. Throws `validation_failed` for a bomb or a broken stream.
 */
export async function* inflatePieces(
  body: ReadableStream<Uint8Array>,
  compressedBytes: number,
  skipBytes: number,
  limits: InflateLimits,
): AsyncGenerator<Piece> {
  const maxBytes = Math.min(limits.maxInflatedBytes, compressedBytes * limits.maxInflateRatio);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its type takes any buffer; bodies are bytes
  const gunzip = new DecompressionStream("gzip") as ReadableWritablePair<Uint8Array, Uint8Array>;
  const reader = body.pipeThrough(gunzip).getReader();
  let total = 0;
  // One piece is held back, so that the last one is known to be the last.
  let held: Uint8Array | null = null;
  try {
    for (;;) {
      const { done, value } = await readInflated(reader);
      if (done) break;
      total += value.length;
      if (total > maxBytes) {
        throw new ScoringError("validation_failed", `The gzip manifest inflates to more than ${maxBytes} bytes.`);
      }
      const fresh = value.subarray(Math.max(0, value.length - Math.max(0, total - skipBytes)));
      if (fresh.length === 0) continue;
      if (held !== null) yield { bytes: held, last: false };
      held = fresh;
    }
    if (held !== null) yield { bytes: held, last: true };
  } finally {
    // The reader may stop early; the rest of the body is not wanted then.
    await reader.cancel().catch(() => undefined);
  }
}

async function readInflated(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read();
  } catch (error) {
    if (error instanceof ScoringError) throw error;
    const kind = classifyNetworkError(error);
    if (kind === "timeout")
      throw new ScoringError("store_timeout", "The manifest did not arrive in time.", { cause: error });
    if (kind === "network") throw new ScoringError("store_short_read", "The manifest broke off.", { cause: error });
    throw new ScoringError("validation_failed", "The manifest is not a valid gzip file.", { cause: error });
  }
}
