/** Constants of an ONNX file. */

import { readFloat16 } from "../../safetensors.ts";
import { countElements } from "../../tensor.ts";
import { readBytes, readFloats, readInteger, readIntegers, readText, type TensorBytes } from "./messages.ts";
import { failFile, readFields, toNumber } from "./wire.ts";

/** A constant: numbers, row by row. Weights are in 32 bits; whole numbers, which only shapes need, in doubles. */
export interface Constant {
  readonly dims: readonly number[];
  readonly values: Float32Array | Float64Array;
}

/** Whole numbers of one constant: more are no shape. */
export const MAX_INTEGERS = 65_536;
const MAX_DIMENSIONS = 8;

type Read = (view: DataView, at: number) => number;

interface NumberType {
  readonly name: string;
  readonly width: number;
  readonly whole: boolean;
  readonly read: Read;
}

/** By TensorProto.DataType: bytes of one, how it is read, and whether it is a whole number. */
const TYPES: ReadonlyMap<number, NumberType> = new Map<number, NumberType>([
  [1, { name: "float", width: 4, whole: false, read: (view, at) => view.getFloat32(at, true) }],
  [2, { name: "uint8", width: 1, whole: true, read: (view, at) => view.getUint8(at) }],
  [3, { name: "int8", width: 1, whole: true, read: (view, at) => view.getInt8(at) }],
  [6, { name: "int32", width: 4, whole: true, read: (view, at) => view.getInt32(at, true) }],
  [7, { name: "int64", width: 8, whole: true, read: (view, at) => toNumber(view.getBigInt64(at, true)) }],
  [9, { name: "bool", width: 1, whole: true, read: (view, at) => view.getUint8(at) }],
  [10, { name: "float16", width: 2, whole: false, read: (view, at) => readFloat16(view.getUint16(at, true)) }],
  [11, { name: "double", width: 8, whole: false, read: (view, at) => view.getFloat64(at, true) }],
  [16, { name: "bfloat16", width: 2, whole: false, read: readBfloat16 }],
]);

/** The upper half of a 32-bit number. */
function readBfloat16(view: DataView, at: number): number {
  const word = new DataView(new ArrayBuffer(4));
  word.setUint16(2, view.getUint16(at, true), true);
  return word.getFloat32(0, true);
}

/** Where a tensor's bytes lie in a file beside the model's; `null` where they are in the model. */
export interface ExternalPlace {
  readonly file: string;
  readonly offset: number;
  /** Bytes; absent: to the end of the file. */
  readonly length?: number;
}

/** Reads where a tensor's bytes lie. @throws ScoringError `model_invalid` */
export function readExternalPlace(bytes: TensorBytes, name: string): ExternalPlace | null {
  let isExternal = false;
  const entries = new Map<string, string>();
  for (const field of readFields(bytes)) {
    if (field.number === 14) isExternal = readInteger(field) !== 0;
    if (field.number !== 13) continue;
    const texts = [...readFields(readBytes(field))].filter(({ number }) => number === 1 || number === 2).map(readText);
    entries.set(texts[0] ?? "", texts[1] ?? "");
  }
  if (!isExternal) return null;
  const count = (key: string): number | null => {
    const text = entries.get(key);
    if (text === undefined) return null;
    return /^\d{1,15}$/.test(text) ? Number(text) : failFile(`the tensor ${name} has the ${key} ${text.slice(0, 20)}`);
  };
  const length = count("length");
  const file = entries.get("location") ?? failFile(`the tensor ${name} names no file`);
  return { file, offset: count("offset") ?? 0, ...(length !== null && { length }) };
}

/** The part of a file beside the model's that a tensor takes. @throws ScoringError `model_invalid` */
function takeExternal(bytes: TensorBytes, name: string, files: ReadonlyMap<string, Uint8Array>): Uint8Array | null {
  const place = readExternalPlace(bytes, name);
  if (place === null) return null;
  const file = files.get(place.file);
  if (file === undefined)
    return failFile(`the tensor ${name} lies in ${JSON.stringify(place.file)}, which is not there`);
  const end = place.offset + (place.length ?? Math.max(0, file.length - place.offset));
  if (end > file.length) {
    return failFile(
      `the tensor ${name} ends at byte ${end} of ${JSON.stringify(place.file)}, which has ${file.length}`,
    );
  }
  return file.subarray(place.offset, end);
}

/**
 * Decodes one constant. What it takes is checked against the bytes that are there.
 * @param name for messages
 * @param files beside the model's, by name
 * @throws ScoringError `model_invalid`
 */
export function readTensor(
  bytes: TensorBytes,
  name: string,
  files: ReadonlyMap<string, Uint8Array> = new Map(),
): Constant {
  const dims: number[] = [];
  let type = 0;
  let raw = takeExternal(bytes, name, files);
  for (const field of readFields(bytes)) {
    if (field.number === 1) readIntegers(field, dims, MAX_DIMENSIONS);
    else if (field.number === 2) type = readInteger(field);
    else if (field.number === 9) raw ??= readBytes(field);
  }
  const form = TYPES.get(type);
  if (form === undefined) return failFile(`the tensor ${name} has the type ${type}, which is not read`);
  if (dims.some((size) => size < 0)) failFile(`the tensor ${name} has the shape [${dims.join(", ")}]`);
  const count = countElements(dims);
  if (!Number.isSafeInteger(count)) failFile(`the tensor ${name} has the shape [${dims.join(", ")}]`);
  if (form.whole && count > MAX_INTEGERS) {
    failFile(`the tensor ${name} has ${count} ${form.name} numbers: quantized weights are not read`);
  }
  if (raw !== null) {
    if (raw.length !== count * form.width) {
      failFile(`the tensor ${name} has ${raw.length} bytes where its shape takes ${count * form.width}`);
    }
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    return { dims, values: fill(count, form.whole, (i) => form.read(view, i * form.width)) };
  }
  const numbers = readNumbers(bytes, name, count);
  return { dims, values: fill(count, form.whole, (i) => (type === 10 ? readHalf(numbers[i]!) : numbers[i]!)) };
}

/** Numbers that are listed one by one instead of as raw bytes. */
function readNumbers(bytes: TensorBytes, name: string, count: number): readonly number[] {
  const numbers: number[] = [];
  // A number takes a byte at least.
  if (count > bytes.length) failFile(`the tensor ${name} has ${bytes.length} bytes for ${count} numbers`);
  for (const field of readFields(bytes)) {
    if (field.number === 4) readFloats(field, numbers, count);
    else if (field.number === 5 || field.number === 7) readIntegers(field, numbers, count);
    else if (field.number === 10) failFile(`the tensor ${name} lists doubles one by one: export it as float`);
  }
  if (numbers.length !== count) {
    failFile(`the tensor ${name} has ${numbers.length} numbers where its shape takes ${count}`);
  }
  return numbers;
}

/** float16 lies in `int32_data` as its 16 bits. */
function readHalf(bits: number): number {
  return readFloat16(bits & 0xffff);
}

function fill(count: number, whole: boolean, at: (i: number) => number): Float32Array | Float64Array {
  const values = whole ? new Float64Array(count) : new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = at(i);
  return values;
}
