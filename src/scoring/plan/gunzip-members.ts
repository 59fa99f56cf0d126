/**
 * Gunzip of several members one after another (RFC 1952, 2.2), as `cat`, `bgzip` and parallel compressors write them: the
 * platform's DecompressionStream refuses everything after the first. fflate inflates; the checksums are checked here, since it
 * reads none.
 */

import { Gunzip } from "fflate";
import { ScoringError } from "../../errors.ts";
import { computeCrc32 } from "../../image/png/crc32.ts";

/** Takes compressed bytes, gives inflated ones. */
export interface MemberGunzip {
  /** @throws ScoringError `validation_failed` as soon as a member is known to be broken */
  push(bytes: Uint8Array): readonly Uint8Array[];
  /** Returns what is left. @throws ScoringError `validation_failed` if the last member is cut off or followed by something else */
  finish(): readonly Uint8Array[];
}

/** CRC-32 and size of what a member holds, at its end. */
const TRAILER_BYTES = 8;
/** A header may carry a name and a comment; a longer one does not belong to a manifest. */
const MAX_HEADER_BYTES = 64 * 1024;

/** A new inflater, at the start of the first member. */
export function createMemberGunzip(): MemberGunzip {
  let output: Uint8Array[] = [];
  let crc = 0;
  let size = 0;
  // The end of the input so far: the trailer of a member lies before the header of the next.
  let recent: Uint8Array = new Uint8Array(0);
  let read = 0;
  const stream = new Gunzip((bytes) => {
    if (bytes.length === 0) return;
    crc = computeCrc32(bytes, crc);
    size = (size + bytes.length) % 2 ** 32;
    output.push(bytes);
  });
  stream.onmember = (start) => {
    checkTrailer(start);
    crc = 0;
    size = 0;
  };

  function checkTrailer(end: number): void {
    const at = end - TRAILER_BYTES - (read - recent.length);
    if (at < 0 || at + TRAILER_BYTES > recent.length) throw refuse();
    const view = new DataView(recent.buffer, recent.byteOffset + at, TRAILER_BYTES);
    if (view.getUint32(0, true) !== crc || view.getUint32(4, true) !== size) throw refuse();
  }

  function run(bytes: Uint8Array, last: boolean): readonly Uint8Array[] {
    const kept = recent.subarray(Math.max(0, recent.length - MAX_HEADER_BYTES));
    recent = new Uint8Array(kept.length + bytes.length);
    recent.set(kept);
    recent.set(bytes, kept.length);
    read += bytes.length;
    output = [];
    try {
      stream.push(bytes, last);
      if (last) checkTrailer(read);
    } catch (error) {
      throw error instanceof ScoringError ? error : refuse(error);
    }
    return output;
  }

  return { push: (bytes) => run(bytes, false), finish: () => run(new Uint8Array(0), true) };
}

function refuse(cause?: unknown): ScoringError {
  return new ScoringError("validation_failed", "the manifest is not a valid gzip file", { cause });
}
