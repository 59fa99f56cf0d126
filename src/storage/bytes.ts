/** Bytes: as a stream, hashed. */

import { uint8ArrayToHex } from "uint8array-extras";

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
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Web Crypto's type excludes shared memory, which no body is
  return uint8ArrayToHex(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)).slice(0, 32);
}
