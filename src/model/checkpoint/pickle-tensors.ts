import { ScoringError } from "../../errors.ts";
import { readBfloat16, readFloat16 } from "../safetensors.ts";
import { formatShape, type Tensor } from "../tensor.ts";
import { COST, type Meter } from "./meter.ts";
import {
  describeValue,
  ELEMENT_BYTES,
  isKind,
  type PickleStorage,
  type PickleTensor,
  type PickleValue,
  type StorageType,
} from "./pickle-values.ts";

const STORAGE_CLASSES: Readonly<Record<string, StorageType>> = {
  DoubleStorage: "f64",
  FloatStorage: "f32",
  HalfStorage: "f16",
  BFloat16Storage: "bf16",
  LongStorage: "i64",
  IntStorage: "i32",
  ShortStorage: "i16",
  CharStorage: "i8",
  ByteStorage: "u8",
  BoolStorage: "bool",
  UntypedStorage: "u8",
};

const TORCH_TYPES: Readonly<Record<string, StorageType>> = {
  float64: "f64",
  double: "f64",
  float32: "f32",
  float: "f32",
  float16: "f16",
  half: "f16",
  bfloat16: "bf16",
  int64: "i64",
  int32: "i32",
  int16: "i16",
  int8: "i8",
  uint8: "u8",
  bool: "bool",
};

/** `torch.FloatStorage`, `torch.cuda.HalfStorage`, `torch.storage.UntypedStorage` …: the element type, or null. */
export function parseStorageClass(name: string): StorageType | null {
  const match = /^torch(?:\.cuda|\.storage)?\.(\w+)$/.exec(name);
  const cls = match?.[1] ?? "";
  return Object.hasOwn(STORAGE_CLASSES, cls) ? (STORAGE_CLASSES[cls] ?? null) : null;
}

/** `torch.float32` …: the element type, or null. */
export function parseTorchType(value: PickleValue | undefined): StorageType | null {
  if (!isKind(value, "global") || !value.name.startsWith("torch.")) return null;
  const name = value.name.slice("torch.".length);
  return Object.hasOwn(TORCH_TYPES, name) ? (TORCH_TYPES[name] ?? null) : null;
}

/** A whole number from 0 to 2^53 − 1, or null. */
export function parseCount(value: PickleValue | undefined): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function parseCounts(value: PickleValue | undefined): number[] | null {
  if (!isKind(value, "tuple") && !isKind(value, "list")) return null;
  const counts = value.items.map(parseCount);
  return counts.every((count) => count !== null) ? counts : null;
}

/**
 * A tensor from the arguments of `torch._utils._rebuild_tensor*`: (storage, offset, size, stride, …).
 *
 * Its first and last element must lie inside the storage. Nothing is copied.
 * @param type the element type where the storage is untyped (`_rebuild_tensor_v3`)
 * @throws ScoringError `checkpoint_invalid`, `checkpoint_refused`
 */
export function makeTensor(args: readonly PickleValue[], type: StorageType | undefined, meter: Meter): PickleTensor {
  const [storage, offsetValue, shapeValue, strideValue] = args;
  const offset = parseCount(offsetValue);
  const shape = parseCounts(shapeValue);
  const stride = parseCounts(strideValue);
  if (
    !isKind(storage, "storage") ||
    offset === null ||
    shape === null ||
    stride === null ||
    shape.length !== stride.length
  ) {
    throw new ScoringError(
      "checkpoint_invalid",
      `a tensor is rebuilt from ${describeValue(storage)} with a damaged offset, size or stride`,
    );
  }
  if (shape.length > meter.limits.maxDimensions) {
    throw new ScoringError("checkpoint_refused", `a tensor has ${shape.length} dimensions`);
  }
  meter.charge(COST.tensor, "a tensor");
  const elementType = type ?? storage.type;
  const available = Math.floor((storage.elements * ELEMENT_BYTES[storage.type]) / ELEMENT_BYTES[elementType]);
  let last = offset;
  shape.forEach((size, axis) => {
    last += (size - 1) * (stride[axis] ?? 0);
  });
  const empty = shape.includes(0);
  if (!Number.isSafeInteger(last) || (empty ? offset > available : last >= available)) {
    throw new ScoringError(
      "checkpoint_invalid",
      `a tensor of shape ${formatShape(shape)}, stride ${formatShape(stride)} and offset ${offset} reaches outside its storage ${storage.key} of ${available} elements`,
    );
  }
  return { kind: "tensor", storage, type: elementType, offset, shape, stride };
}

/** A storage of a persistent id; its size must fit a file of any size that can be read. @throws ScoringError `checkpoint_refused` */
export function makeStorage(
  className: PickleValue | undefined,
  key: string,
  elements: number,
  meter: Meter,
): PickleStorage {
  const name = describeValue(className);
  const type = isKind(className, "global") ? parseStorageClass(className.name) : null;
  if (type === null)
    throw new ScoringError("checkpoint_refused", `storage ${key} is of the type ${name}, which is not read`);
  meter.charge(COST.tensor, "a storage");
  return { kind: "storage", key, type, elements, bytes: null };
}

type ReadElement = (view: DataView, at: number) => number;

const READERS: Readonly<Record<StorageType, ReadElement>> = {
  f64: (view, at) => view.getFloat64(at, true),
  f32: (view, at) => view.getFloat32(at, true),
  f16: (view, at) => readFloat16(view.getUint16(at, true)),
  bf16: (view, at) => readBfloat16(view.getUint16(at, true)),
  i64: (view, at) => Number(view.getBigInt64(at, true)),
  i32: (view, at) => view.getInt32(at, true),
  i16: (view, at) => view.getInt16(at, true),
  i8: (view, at) => view.getInt8(at),
  u8: (view, at) => view.getUint8(at),
  bool: (view, at) => view.getUint8(at),
};

/** True for the element types that weights have. */
export function isFloating(type: StorageType): boolean {
  return type === "f64" || type === "f32" || type === "f16" || type === "bf16";
}

function isContiguous(shape: readonly number[], stride: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    if (shape[axis] !== 1 && stride[axis] !== expected) return false;
    expected *= shape[axis] ?? 1;
  }
  return true;
}

/**
 * Copies a strided view into row-major float32, rounding float64 to nearest.
 * @throws ScoringError `checkpoint_refused` if the copy would exceed the meter (a tiny storage expanded by stride 0),
 *   `checkpoint_invalid` if the storage has no bytes
 */
export function readTensor(name: string, tensor: PickleTensor, meter: Meter): Tensor {
  const { storage, shape, stride } = tensor;
  let count = 1;
  for (const size of shape) count *= size;
  meter.charge(count * 4, `tensor ${name} of shape ${formatShape(shape)}`);
  if (count === 0) return { shape: [...shape], data: new Float32Array(0) };
  if (storage.bytes === null)
    throw new ScoringError("checkpoint_invalid", `tensor ${name}: storage ${storage.key} is missing`);
  const elementBytes = ELEMENT_BYTES[tensor.type];
  if (tensor.type === "f32" && isContiguous(shape, stride)) {
    // Nearly every tensor of nearly every file. A copy, since storages need not be aligned.
    const start = tensor.offset * elementBytes;
    return {
      shape: [...shape],
      data: new Float32Array(storage.bytes.slice(start, start + count * elementBytes).buffer),
    };
  }
  const data = new Float32Array(count);
  const view = new DataView(storage.bytes.buffer, storage.bytes.byteOffset, storage.bytes.byteLength);
  const read = READERS[tensor.type];
  const index = shape.map(() => 0);
  let at = tensor.offset;
  for (let element = 0; element < count; element += 1) {
    data[element] = read(view, at * elementBytes);
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const next = (index[axis] ?? 0) + 1;
      at += stride[axis] ?? 0;
      if (next < (shape[axis] ?? 0)) {
        index[axis] = next;
        break;
      }
      at -= next * (stride[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return { shape: [...shape], data };
}
