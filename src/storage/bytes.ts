/** Bytes: as a stream, hashed. */

import { hash } from "@stablelib/sha256";
import { uint8ArrayToHex } from "uint8array-extras";

/** Up to so many bytes, hashing here costs less than a turn of Web Crypto, which has other threads do it. */
const SMALL = 4096;

/** A stream that gives `bytes` in one chunk, or nothing for an empty array. The chunk is a copy. */
export function streamBytes(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes.slice());
      controller.close();
    },
  });
}

/** SHA-256 of `bytes`, its first 16 bytes in hex: long enough to tell contents apart, as short as an S3 etag. */
export async function hashBytes(bytes: Uint8Array): Promise<string> {
  return (await digestHex(bytes)).slice(0, 32);
}

/** SHA-256 of `bytes` in lower-case hex. */
export async function digestHex(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= SMALL) return uint8ArrayToHex(hash(bytes));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Web Crypto's type excludes shared memory, which no body is
  return uint8ArrayToHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)));
}
