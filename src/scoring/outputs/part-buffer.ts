/** Cuts a byte stream into equal multipart parts and hashes it, over as many invocations as it takes. */

import { z } from "zod";
import { ScoringError } from "../../errors.ts";
import { packState, unpackState } from "./saved-state.ts";
import { createSha256, type OpenSha256 } from "../sha256.ts";

const MIB = 1024 * 1024;
/** S3 and R2 refuse smaller parts, except the last. */
export const MIN_PART_BYTES = 5 * MIB;

/** The end of a stream. */
export interface StreamEnd {
  /** What is left, 0…partBytes bytes; `null` if the stream ended exactly after a part (or is empty). */
  readonly part: Uint8Array | null;
  /** Parts given out before by `append`; 0 means that a single put of `part` does. */
  readonly partsBefore: number;
  readonly bytes: number;
  /** Of the whole stream, lower-case hex. */
  readonly sha256: string;
}

/** See {@link createPartBuffer}. */
export interface PartBuffer {
  readonly bytes: number;
  /** Complete parts given out so far; the next one has this 0-based number. */
  readonly parts: number;
  /** Takes bytes and gives every part that became complete, in order, each exactly `partBytes` long. */
  append(bytes: Uint8Array): Uint8Array[];
  finish(): StreamEnd;
  /** Everything needed to go on in another invocation: under `partBytes` plus a kilobyte. */
  save(): Uint8Array<ArrayBuffer>;
}

const header = z.strictObject({
  partBytes: z.int().positive(),
  parts: z.int().nonnegative(),
  hash: z.strictObject({ words: z.array(z.int().nonnegative()), bytes: z.int().nonnegative(), tail: z.array(z.int()) }),
});

/**
 * A buffer that holds at most one part. The parts do not depend on how the stream is cut into `append` calls and invocations.
 * @param state of {@link PartBuffer.save}; `partBytes` must then be the same
 * @throws ScoringError `internal` for another part size or a damaged state
 */
export function createPartBuffer(
  { partBytes, openHash = createSha256 }: { readonly partBytes: number; readonly openHash?: OpenSha256 },
  state?: Uint8Array,
): PartBuffer {
  const saved = state === undefined ? null : unpackState(state, header);
  if (saved !== null && saved.header.partBytes !== partBytes) {
    throw new ScoringError("internal", `part size ${partBytes} differs from the saved ${saved.header.partBytes}`);
  }
  const hash = openHash(saved?.header.hash);
  // Grows to one part: a small output never allocates megabytes.
  let held = new Uint8Array(Math.min(partBytes, Math.max(64 * 1024, saved?.bytes.length ?? 0)));
  let length = saved?.bytes.length ?? 0;
  let parts = saved?.header.parts ?? 0;
  let total = saved?.header.hash.bytes ?? 0;
  if (saved !== null) held.set(saved.bytes);

  function hold(bytes: Uint8Array): void {
    if (length + bytes.length > held.length) {
      const grown = new Uint8Array(Math.min(partBytes, Math.max(2 * held.length, length + bytes.length)));
      grown.set(held.subarray(0, length));
      held = grown;
    }
    held.set(bytes, length);
    length += bytes.length;
  }

  return {
    get bytes() {
      return total;
    },
    get parts() {
      return parts;
    },
    append(bytes) {
      hash.update(bytes);
      total += bytes.length;
      const complete: Uint8Array[] = [];
      let offset = 0;
      while (offset < bytes.length) {
        const take = Math.min(partBytes - length, bytes.length - offset);
        hold(bytes.subarray(offset, offset + take));
        offset += take;
        if (length < partBytes) break;
        complete.push(held);
        held = new Uint8Array(Math.min(partBytes, 64 * 1024));
        length = 0;
      }
      parts += complete.length;
      return complete;
    },
    finish: () => ({
      part: length === 0 ? null : held.slice(0, length),
      partsBefore: parts,
      bytes: total,
      sha256: hash.digestHex(),
    }),
    save: () => packState({ partBytes, parts, hash: hash.save() }, held.subarray(0, length)),
  };
}

/**
 * Part size for a stream of about `estimatedBytes`: 5 MiB, or as many whole MiB as keep the upload under `maxParts`.
 * @throws ScoringError `quota_exceeded` if that passes `maxPartBytes`
 */
export function choosePartBytes(estimatedBytes: number, limits: { maxParts: number; maxPartBytes: number }): number {
  const partBytes = Math.max(MIN_PART_BYTES, Math.ceil(estimatedBytes / limits.maxParts / MIB) * MIB);
  if (partBytes > limits.maxPartBytes) {
    throw new ScoringError("quota_exceeded", `an output of ${estimatedBytes} bytes needs parts of ${partBytes} bytes`);
  }
  return partBytes;
}
