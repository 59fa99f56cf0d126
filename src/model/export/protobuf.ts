/** The part of protocol buffers' wire format that an ONNX file needs (https://protobuf.dev/programming-guides/encoding/). */

/** A field of a message: already tagged bytes. */
export type Field = Uint8Array;

const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

function encodeVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}

/** Two's complement of 64 bits. */
function encodeNegative(value: number): number[] {
  const bits = BigInt.asUintN(64, BigInt(value));
  return Array.from({ length: 10 }, (_, i) => Number((bits >> BigInt(7 * i)) & 127n) + (i < 9 ? 128 : 0));
}

/** A whole number, `int32`, `int64` or an enumeration. */
export function integerField(number: number, value: number): Field {
  return Uint8Array.from([...encodeVarint(number * 8), ...(value < 0 ? encodeNegative(value) : encodeVarint(value))]);
}

/** A `float`. */
export function floatField(number: number, value: number): Field {
  const bytes = new Uint8Array(new Float32Array([value]).buffer);
  return Uint8Array.from([...encodeVarint(number * 8 + FIXED_32), ...bytes]);
}

/** `bytes`, or a message that {@link message} made. */
export function bytesField(number: number, value: Uint8Array): Field {
  const head = [...encodeVarint(number * 8 + LENGTH_DELIMITED), ...encodeVarint(value.length)];
  const field = new Uint8Array(head.length + value.length);
  field.set(head);
  field.set(value, head.length);
  return field;
}

/** A `string`. */
export function textField(number: number, value: string): Field {
  return bytesField(number, new TextEncoder().encode(value));
}

/** Fields one behind the other. */
export function message(fields: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, field) => sum + field.length, 0));
  let at = 0;
  for (const field of fields) {
    bytes.set(field, at);
    at += field.length;
  }
  return bytes;
}
