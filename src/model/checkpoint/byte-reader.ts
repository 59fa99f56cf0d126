import { ScoringError } from "../../errors.ts";

/** Little-endian cursor over untrusted bytes. Every read is checked against the end. */
export interface ByteReader {
  /** Next byte to be read. */
  readonly offset: number;
  /** Bytes left. */
  readonly left: number;
  /** A view, not a copy. */
  take(count: number): Uint8Array;
  u8(): number;
  u16(): number;
  u32(): number;
  i32(): number;
  /** Unsigned 64-bit; refused above 2^53 − 1, which no file reaches. */
  u64(): number;
  /** Big-endian double, as pickle's BINFLOAT writes it. */
  f64BigEndian(): number;
  /** Bytes up to the next newline, which is consumed and not returned. */
  line(maxBytes: number): Uint8Array;
}

/**
 * @param what names the bytes in messages
 * @throws ScoringError `checkpoint_invalid` from every method that would pass the end
 */
export function createByteReader(bytes: Uint8Array, start: number, what: string): ByteReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = start;
  const advance = (count: number): number => {
    if (!(count >= 0) || count > bytes.byteLength - offset) {
      throw new ScoringError(
        "checkpoint_invalid",
        `${what} ends at byte ${bytes.byteLength}, but ${count} bytes are expected at byte ${offset}`,
      );
    }
    const at = offset;
    offset += count;
    return at;
  };
  return {
    get offset() {
      return offset;
    },
    get left() {
      return bytes.byteLength - offset;
    },
    take(count) {
      const at = advance(count);
      return bytes.subarray(at, at + count);
    },
    u8: () => view.getUint8(advance(1)),
    u16: () => view.getUint16(advance(2), true),
    u32: () => view.getUint32(advance(4), true),
    i32: () => view.getInt32(advance(4), true),
    u64() {
      const value = view.getBigUint64(advance(8), true);
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
        throw new ScoringError("checkpoint_refused", `${what} claims a size of ${value} bytes`);
      }
      return Number(value);
    },
    f64BigEndian: () => view.getFloat64(advance(8), false),
    line(maxBytes) {
      const end = bytes.indexOf(10, offset);
      if (end < 0 || end - offset > maxBytes) {
        throw new ScoringError(
          "checkpoint_invalid",
          `${what} has a line of more than ${maxBytes} bytes at byte ${offset}`,
        );
      }
      const at = advance(end - offset + 1);
      return bytes.subarray(at, end);
    },
  };
}
