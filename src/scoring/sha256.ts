/**
 * SHA-256 (FIPS 180-4) whose state can be saved between invocations. Web Crypto hashes only what is in memory at once;
 * a merged output is neither in memory nor written by one invocation.
 */

import { ScoringError } from "../errors.ts";

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

/** First 32 bits of the fractional parts of a root of each prime: FIPS 180-4, 4.2.2 and 5.3.3. */
function deriveConstants(count: number, root: (prime: number) => number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate += 1) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes.map((prime) => Math.floor((root(prime) % 1) * 2 ** 32));
}

const ROUNDS = Uint32Array.from(deriveConstants(64, Math.cbrt));
const START = deriveConstants(8, Math.sqrt);

function compress(words: Uint32Array, bytes: Uint8Array, offset: number, schedule: Uint32Array): void {
  for (let i = 0; i < 16; i += 1) {
    const at = offset + 4 * i;
    schedule[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }
  for (let i = 16; i < 64; i += 1) {
    const x = schedule[i - 15]!;
    const y = schedule[i - 2]!;
    const small = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const large = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    schedule[i] = schedule[i - 16]! + small + schedule[i - 7]! + large;
  }
  let a = words[0]! | 0;
  let b = words[1]! | 0;
  let c = words[2]! | 0;
  let d = words[3]! | 0;
  let e = words[4]! | 0;
  let f = words[5]! | 0;
  let g = words[6]! | 0;
  let h = words[7]! | 0;
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const first = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i]! + schedule[i]!) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  words[0]! += a;
  words[1]! += b;
  words[2]! += c;
  words[3]! += d;
  words[4]! += e;
  words[5]! += f;
  words[6]! += g;
  words[7]! += h;
}

/**
 * A new hash, or one that goes on where {@link Sha256.save} left off.
 * @throws ScoringError `internal` if the state is not one
 */
export function createSha256(state?: Sha256State): Sha256 {
  const words = Uint32Array.from(state?.words ?? START);
  const tail = new Uint8Array(BLOCK);
  const schedule = new Uint32Array(64);
  let total = state?.bytes ?? 0;
  let held = total % BLOCK;
  if (state !== undefined && (words.length !== 8 || state.tail.length !== held || !Number.isSafeInteger(total))) {
    throw new ScoringError("internal", "not a saved SHA-256 state");
  }
  tail.set(state?.tail ?? []);

  return {
    update(bytes) {
      total += bytes.length;
      let offset = 0;
      if (held > 0) {
        offset = Math.min(BLOCK - held, bytes.length);
        tail.set(bytes.subarray(0, offset), held);
        held += offset;
        if (held < BLOCK) return;
        compress(words, tail, 0, schedule);
        held = 0;
      }
      for (; offset + BLOCK <= bytes.length; offset += BLOCK) compress(words, bytes, offset, schedule);
      tail.set(bytes.subarray(offset));
      held = bytes.length - offset;
    },
    digestHex() {
      const last = new Uint8Array(held < 56 ? BLOCK : 2 * BLOCK);
      last.set(tail.subarray(0, held));
      last[held] = 0x80;
      new DataView(last.buffer).setBigUint64(last.length - 8, BigInt(total) * 8n);
      const end = words.slice();
      for (let offset = 0; offset < last.length; offset += BLOCK) compress(end, last, offset, schedule);
      return [...end].map((word) => word.toString(16).padStart(8, "0")).join("");
    },
    save: () => ({ words: [...words], bytes: total, tail: [...tail.subarray(0, held)] }),
  };
}
