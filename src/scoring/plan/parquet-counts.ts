/**
 * Counts inside of a Parquet page, checked before hyparquet takes them at their word: a run of two billion values, a number of a million
 * bytes or a text that repeats the one before takes few bytes to write, and minutes or gigabytes to read. (Apache Parquet, "Encodings".)
 */

import { deltaBinaryUnpack } from "hyparquet/src/delta.js";

/** Values by which a run may pass the end of its page: packed runs come in eights, and some writers fill whole blocks. */
const SLACK_VALUES = 512;

/** Bytes, and how far they are read. */
export interface Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView<ArrayBuffer>;
  offset: number;
}

/** A copy of some bytes, from their beginning. */
export function openReader(bytes: Uint8Array): Reader {
  const own = bytes.slice();
  return { bytes: own, view: new DataView(own.buffer), offset: 0 };
}

/** Bits of a number up to `most`. */
export const countBits = (most: number): number => 32 - Math.clz32(most);

/** Checks the counts that values begin with, in the encoding of a page. @throws Error */
export function checkValues(reader: Reader, encoding: string, values: number, maxBytes: number): void {
  switch (encoding) {
    case "RLE":
    case "PLAIN_DICTIONARY":
    case "RLE_DICTIONARY": {
      const width = reader.view.getUint8(reader.offset++);
      if (width > 32) throw new Error("the places in a dictionary have more than 32 bits");
      if (width > 0) checkRuns(reader, width, values);
      return;
    }
    case "truth":
      // Behind a number that says how long they are.
      reader.offset += 4;
      checkRuns(reader, 1, values);
      return;
    case "DELTA_BINARY_PACKED":
    case "DELTA_LENGTH_BYTE_ARRAY":
      checkDeltas(reader, values);
      return;
    case "DELTA_BYTE_ARRAY": {
      const [prefixes, suffixes] = [readDeltas(reader, values), readDeltas(reader, values)];
      let [length, total] = [0, 0];
      for (const [at, prefix] of prefixes.entries()) {
        const suffix = suffixes[at] ?? 0;
        if (prefix < 0 || suffix < 0 || prefix > length) throw new Error("a text shares more than the one before has");
        length = prefix + suffix;
        total += length;
        if (total > maxBytes) throw new Error(`texts would take more than ${maxBytes} bytes`);
      }
    }
  }
}

/** Walks the runs of an RLE and bit-packed hybrid. */
export function checkRuns(reader: Reader, width: number, values: number): void {
  const start = reader.offset;
  for (let seen = 0; seen < values;) {
    const head = readNumber(reader);
    const isPacked = head % 2 === 1;
    const count = Math.floor(head / 2) * (isPacked ? 8 : 1);
    if (count > values - seen + SLACK_VALUES) throw new Error("a run is longer than its page");
    reader.offset += isPacked ? (count / 8) * width : Math.ceil(width / 8);
    seen += count;
  }
  reader.offset = start;
}

/** Walks the blocks of DELTA_BINARY_PACKED to their end. */
function checkDeltas(reader: Reader, values: number): void {
  const block = readNumber(reader);
  const parts = readNumber(reader);
  const each = block / parts;
  if (!(block > 0 && block <= 65_536 && parts > 0 && parts <= 512 && Number.isInteger(each))) {
    throw new Error("its differences come in blocks that no writer makes");
  }
  readNumber(reader);
  readNumber(reader);
  for (let seen = 1; seen < values;) {
    readNumber(reader);
    const widths = reader.bytes.subarray(reader.offset, reader.offset + parts);
    reader.offset += parts;
    for (const width of widths) {
      if (seen >= values) break;
      if (width > 64) throw new Error("a difference has more than 64 bits");
      reader.offset += (each * width) / 8;
      seen += each;
    }
    if (reader.offset > reader.bytes.length) throw new Error("its differences end before the last");
  }
}

/** Reads them, once they are known to be harmless; the reader goes on behind them. */
export function readDeltas(reader: Reader, values: number): Int32Array {
  const start = reader.offset;
  checkDeltas(reader, values);
  reader.offset = start;
  const deltas = new Int32Array(values);
  deltaBinaryUnpack(reader, values, deltas);
  return deltas;
}

/** A varint of at most ten bytes. */
function readNumber(reader: Reader): number {
  let value = 0;
  for (let at = 0; at < 10; at++) {
    const byte = reader.view.getUint8(reader.offset++);
    value += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return value;
  }
  throw new Error("a number has more than ten bytes");
}
