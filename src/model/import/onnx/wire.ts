/**
 * The wire format of protocol buffers, read field by field (https://protobuf.dev/programming-guides/encoding/). A field's
 * bytes are a view of the file, and its length is checked against what is left before anything is taken: reading a
 * message allocates one small object a field.
 */

import { ScoringError } from "../../../errors.ts";

/** One field: a whole number, or bytes (a string, a message, packed numbers, a fixed 32 or 64 bits). */
export type Field =
  | { readonly number: number; readonly kind: "varint"; readonly value: number }
  | { readonly number: number; readonly kind: "fixed32" | "fixed64" | "bytes"; readonly bytes: Uint8Array };

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;
/** Bytes of the longest varint. */
const MAX_VARINT = 10;
/** Values beyond are cut to it: 2⁶³ − 1 stands for "to the end" in slices, and nothing else is as large. */
const LARGEST = Number.MAX_SAFE_INTEGER;

/** Says what is wrong with the file. @throws ScoringError `model_invalid` */
export function failFile(reason: string): never {
  throw new ScoringError("model_invalid", `ONNX file: ${reason}`);
}

/** Fields of a message, in order. @throws ScoringError `model_invalid` where a field ends behind its message */
export function* readFields(message: Uint8Array): Generator<Field, void, undefined> {
  let at = 0;
  const take = (length: number): Uint8Array => {
    if (length < 0 || length > message.length - at) {
      failFile(`a field of ${length} bytes in a message that has ${message.length - at} left`);
    }
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = readVarint(message, at);
    at = key.next;
    const number = Math.floor(key.value / 8);
    const wire = key.value & 7;
    if (number < 1) failFile(`a field has the number ${number}`);
    if (wire === VARINT) {
      const { value, next } = readVarint(message, at);
      at = next;
      yield { number, kind: "varint", value };
    } else if (wire === LENGTH_DELIMITED) {
      const length = readVarint(message, at);
      at = length.next;
      yield { number, kind: "bytes", bytes: take(length.value) };
    } else if (wire === FIXED_32) yield { number, kind: "fixed32", bytes: take(4) };
    else if (wire === FIXED_64) yield { number, kind: "fixed64", bytes: take(8) };
    else failFile(`field ${number} has the wire type ${wire}`);
  }
}

/** An `int64`, negative ones in two's complement; numbers that a double does not hold are cut. */
export function readVarint(bytes: Uint8Array, start: number): { readonly value: number; readonly next: number } {
  let small = 0;
  for (let i = 0; i < 4; i++) {
    const byte = takeByte(bytes, start + i);
    small += (byte & 127) * 128 ** i;
    if (byte < 128) return { value: small, next: start + i + 1 };
  }
  let large = BigInt(small);
  for (let i = 4; i < MAX_VARINT; i++) {
    const byte = takeByte(bytes, start + i);
    large |= BigInt(byte & 127) << BigInt(7 * i);
    if (byte < 128) return { value: toNumber(BigInt.asIntN(64, large)), next: start + i + 1 };
  }
  return failFile("a number of more than ten bytes");
}

/** A 64-bit whole number as the nearest that a double holds. */
export function toNumber(value: bigint): number {
  return Math.max(-LARGEST, Math.min(LARGEST, Number(value)));
}

function takeByte(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) failFile("it ends within a number");
  return byte;
}
