/**
 * SHA-256 (FIPS 180-4) whose state can be saved between invocations. Web Crypto hashes only what is in memory at once;
 * a merged output is neither in memory nor written by one invocation.
 */

import { SHA256 } from "@stablelib/sha256";
import { uint8ArrayToHex } from "uint8array-extras";
import { ScoringError } from "../errors.ts";
import { digestHex as digestBytes } from "../storage/bytes.ts";

/** A hash in the middle of its message, as JSON. */
export interface Sha256State {
  /** Eight words, 0…2^32−1. */
  readonly words: readonly number[];
  /** Bytes so far. */
  readonly bytes: number;
  /** The bytes after the last whole block of 64, 0…63 of them. */
  readonly tail: readonly number[];
}

/** A running hash. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** Lower-case hex of everything so far; the hash may go on afterwards. */
  digestHex(): string;
  save(): Sha256State;
}

/** Opens a hash, new or where another left off. */
export type OpenSha256 = (state?: Sha256State) => Sha256;

const BLOCK = 64;

/**
 * A new hash, or one that goes on where {@link Sha256.save} left off.
 * @throws ScoringError `internal` if the state is not one
 */
export function createSha256(state?: Sha256State): Sha256 {
  const hash = new SHA256();
  if (state !== undefined) {
    const { words, bytes, tail } = state;
    if (words.length !== 8 || !Number.isSafeInteger(bytes) || tail.length !== bytes % BLOCK) {
      throw new ScoringError("internal", "not a saved SHA-256 state");
    }
    hash.restoreState({
      state: Int32Array.from(words),
      buffer: Uint8Array.from(tail),
      bufferLength: tail.length,
      bytesHashed: bytes,
    });
  }

  return {
    update: (bytes) => void hash.update(bytes),
    digestHex() {
      const before = hash.saveState();
      const digest = hash.digest();
      hash.restoreState(before);
      return uint8ArrayToHex(digest);
    },
    save() {
      const { state: words, buffer, bufferLength, bytesHashed } = hash.saveState();
      return {
        words: Array.from(words, (word) => word >>> 0),
        bytes: bytesHashed,
        tail: [...(buffer?.subarray(0, bufferLength) ?? [])],
      };
    },
  };
}

/** SHA-256, lower-case hex. @param openHash where there is a faster way than Web Crypto's, which waits for another thread */
export async function digestHex(bytes: Uint8Array, openHash?: OpenSha256): Promise<string> {
  if (openHash !== undefined) {
    const hash = openHash();
    hash.update(bytes);
    return hash.digestHex();
  }
  return digestBytes(bytes);
}
