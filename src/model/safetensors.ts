/**
 * The safetensors file format, read and written.
 *
 * Layout (https://github.com/huggingface/safetensors#format): an 8-byte little-endian header size N, N bytes of JSON
 * that maps each name to `{ dtype, shape, data_offsets: [begin, end) }`, then one byte buffer that the offsets cover
 * without hole or overlap. Nothing in the file is trusted: every number is checked before it is used.
 */

import { ScoringError } from "../errors.ts";
import { countElements, formatShape, type Tensor } from "./tensor.ts";

/** Bytes before the header: its size as u64. */
const PREFIX_BYTES = 8;
/** Dimensions a tensor may have; convolutions need four. */
const MAX_DIMENSIONS = 8;
const METADATA_KEY = "__metadata__";

/** What a parser accepts at most; each stops a file that claims more than it holds. */
export interface SafetensorsLimits {
  /** JSON header: stops a parse of a hundred megabytes. The format's own bound is 100 MB. */
  readonly maxHeaderBytes: number;
  readonly maxTensors: number;
}

/** Enough for every model of this project by a factor of a hundred. */
export const SAFETENSORS_LIMITS: SafetensorsLimits = { maxHeaderBytes: 1 << 20, maxTensors: 4096 };

/** A parsed file. Tensors stand in the order of their bytes. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The free-form strings of `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Bytes per element, and how an element is read as float32. Integers above 2²⁴ lose precision; models hold none that matter. */
const DTYPES = {
  F64: { bytes: 8, read: (view: DataView, at: number) => view.getFloat64(at, true) },
  F32: { bytes: 4, read: (view: DataView, at: number) => view.getFloat32(at, true) },
  F16: { bytes: 2, read: (view: DataView, at: number) => readFloat16(view.getUint16(at, true)) },
  BF16: { bytes: 2, read: (view: DataView, at: number) => readBfloat16(view.getUint16(at, true)) },
  I64: { bytes: 8, read: (view: DataView, at: number) => Number(view.getBigInt64(at, true)) },
  I32: { bytes: 4, read: (view: DataView, at: number) => view.getInt32(at, true) },
  I16: { bytes: 2, read: (view: DataView, at: number) => view.getInt16(at, true) },
  I8: { bytes: 1, read: (view: DataView, at: number) => view.getInt8(at) },
  U8: { bytes: 1, read: (view: DataView, at: number) => view.getUint8(at) },
  BOOL: { bytes: 1, read: (view: DataView, at: number) => view.getUint8(at) },
} as const satisfies Record<string, { bytes: number; read: (view: DataView, at: number) => number }>;
type Dtype = keyof typeof DTYPES;

/**
 * Reads a safetensors file; every dtype becomes float32.
 * @throws ScoringError `model_invalid`, naming the tensor and what is wrong with it
 */
export function parseSafetensors(bytes: Uint8Array, limits: SafetensorsLimits = SAFETENSORS_LIMITS): SafetensorsFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readHeader(bytes, view, limits);
  const bufferStart = PREFIX_BYTES + header.bytes;
  const bufferBytes = bytes.byteLength - bufferStart;

  const names = Object.keys(header.json).filter((name) => name !== METADATA_KEY);
  if (names.length > limits.maxTensors) fail(`${names.length} tensors, more than ${limits.maxTensors}`);
  const entries = names.map((name) => parseEntry(name, header.json[name], bufferBytes));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(entries, bufferBytes);

  const tensors = new Map<string, Tensor>();
  for (const entry of entries) {
    tensors.set(entry.name, { shape: entry.shape, data: readValues(bytes, view, entry, bufferStart) });
  }
  return { tensors, metadata: parseMetadata(header.json[METADATA_KEY]) };
}

/**
 * Writes tensors as float32, or rounded to float16 at half the size. The same tensors and metadata give the same bytes, whatever the order of the map: names are
 * sorted by UTF-16 code units, the header is padded with spaces to 8 bytes so that the data stay aligned.
 * @throws ScoringError `model_invalid` if a tensor's data do not fill its shape
 */
export function serializeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
  dtype: "F32" | "F16" = "F32",
): Uint8Array {
  const stride = DTYPES[dtype].bytes;
  const header: [string, unknown][] = [];
  const metadataKeys = Object.keys(metadata).sort();
  if (metadataKeys.length > 0) {
    header.push([METADATA_KEY, Object.fromEntries(metadataKeys.map((key) => [key, metadata[key]]))]);
  }
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  let offset = 0;
  for (const [name, { shape, data }] of sorted) {
    if (name === METADATA_KEY) fail(`a tensor cannot be called ${METADATA_KEY}`);
    if (countElements(shape) !== data.length) {
      fail(`tensor ${name}: shape ${formatShape(shape)} holds ${countElements(shape)} values, data ${data.length}`);
    }
    const end = offset + data.length * stride;
    header.push([name, { dtype, shape: [...shape], data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = new TextEncoder().encode(writeObject(header));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(PREFIX_BYTES + headerBytes + offset).fill(
    0x20,
    PREFIX_BYTES,
    PREFIX_BYTES + headerBytes,
  );
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(json, PREFIX_BYTES);
  let at = PREFIX_BYTES + headerBytes;
  for (const [, { data }] of sorted) {
    for (const value of data) {
      if (dtype === "F32") view.setFloat32(at, value, true);
      else view.setUint16(at, writeFloat16(value), true);
      at += stride;
    }
  }
  return bytes;
}

/** JSON of pairs in the given order: an object would move names such as "1" to the front and lose "__proto__". */
function writeObject(pairs: readonly [string, unknown][]): string {
  return `{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;
}

function readHeader(
  bytes: Uint8Array,
  view: DataView,
  limits: SafetensorsLimits,
): { json: Record<string, unknown>; bytes: number } {
  if (bytes.byteLength < PREFIX_BYTES) fail(`${bytes.byteLength} bytes cannot hold a header size`);
  const claimed = view.getBigUint64(0, true);
  if (claimed > BigInt(limits.maxHeaderBytes)) fail(`header of ${claimed} bytes, more than ${limits.maxHeaderBytes}`);
  const size = Number(claimed);
  if (PREFIX_BYTES + size > bytes.byteLength) fail(`header of ${size} bytes in a file of ${bytes.byteLength}`);
  const raw = bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + size);
  if (raw[0] !== 0x7b) fail("the header does not begin with {");
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
    json = JSON.parse(text);
  } catch (cause) {
    throw new ScoringError("model_invalid", "safetensors: the header is not JSON", { cause });
  }
  if (!isObject(json)) fail("the header is not an object");
  checkNames(text);
  return { json, bytes: size };
}

/**
 * Refuses an object with two equal names, which the format forbids: JSON.parse keeps the last, other readers the first.
 * @param text JSON that was parsed already
 */
function checkNames(text: string): void {
  const open: Set<string>[] = [];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"\s*:?|[{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (token.endsWith(":")) {
      const name = String(JSON.parse(token.slice(0, -1)));
      const names = open.at(-1);
      if (names?.has(name)) fail(`the name ${name.slice(0, 80)} stands twice in one object`);
      names?.add(name);
    }
  }
}

function parseEntry(name: string, value: unknown, bufferBytes: number): Entry {
  if (!isObject(value)) fail(`tensor ${name}: not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype)) {
    fail(`tensor ${name}: dtype ${String(dtype).slice(0, 32)} is not one of ${Object.keys(DTYPES).join(", ")}`);
  }
  if (!isSizes(shape) || shape.length > MAX_DIMENSIONS) fail(`tensor ${name}: the shape is not a list of sizes`);
  if (!isSizes(offsets) || offsets.length !== 2) fail(`tensor ${name}: data_offsets are not two offsets`);
  const [begin = 0, end = 0] = offsets;
  if (begin > end || end > bufferBytes) fail(`tensor ${name}: bytes ${begin}…${end} of a buffer of ${bufferBytes}`);
  const expected = countElements(shape) * DTYPES[dtype].bytes;
  if (expected !== end - begin) {
    fail(`tensor ${name}: ${dtype} ${formatShape(shape)} takes ${expected} bytes, the offsets give ${end - begin}`);
  }
  return { name, dtype, shape, begin, end };
}

/** The format forbids holes as well as overlaps, so that no byte of a file is without a meaning. */
function checkCoverage(sorted: readonly Entry[], bufferBytes: number): void {
  let at = 0;
  for (const { name, begin, end } of sorted) {
    if (begin < at) fail(`tensor ${name}: overlaps the one before it`);
    if (begin > at) fail(`tensor ${name}: ${begin - at} bytes before it belong to no tensor`);
    at = end;
  }
  if (at !== bufferBytes) fail(`${bufferBytes - at} bytes at the end belong to no tensor`);
}

function readValues(bytes: Uint8Array, view: DataView, entry: Entry, bufferStart: number): Float32Array {
  const { bytes: stride, read } = DTYPES[entry.dtype];
  const start = bufferStart + entry.begin;
  if (entry.dtype === "F32") {
    // A copy, since the file need not be aligned; by constructor, since slice() of Node's Buffer copies nothing. Every
    // machine that runs JavaScript is little-endian, as the format is.
    return new Float32Array(new Uint8Array(bytes.subarray(start, bufferStart + entry.end)).buffer);
  }
  const values = new Float32Array((entry.end - entry.begin) / stride);
  for (let i = 0; i < values.length; i++) values[i] = read(view, start + i * stride);
  return values;
}

function parseMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value)) fail(`${METADATA_KEY} is not an object`);
  const metadata: Record<string, string> = {};
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") fail(`${METADATA_KEY}: ${key} is not a string`);
    Object.defineProperty(metadata, key, { value: text, enumerable: true, writable: true, configurable: true });
  }
  return metadata;
}

/** IEEE 754 binary16 to a number. */
export function readFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A number to the nearest IEEE 754 binary16, ties to even. */
export function writeFloat16(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(size)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // Of the power of two below the value; subnormal numbers share that of the least normal one.
  let exponent = Math.max(-14, Math.floor(Math.log2(size)));
  if (exponent > -14 && 2 ** exponent > size) exponent -= 1;
  const steps = size / 2 ** (exponent - 10);
  const below = Math.floor(steps);
  const rest = steps - below;
  const rounded = rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
  // A carry out of the fraction raises the exponent, as it should.
  return sign | (rounded < 1024 && exponent === -14 ? rounded : ((exponent + 15) << 10) + rounded - 1024);
}

/** bfloat16, the upper half of a float32, to a number. */
export function readBfloat16(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits << 16);
  return view.getFloat32(0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(DTYPES, value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function fail(reason: string): never {
  throw new ScoringError("model_invalid", `safetensors: ${reason}`);
}
