/** What a pickle can turn into here: plain data and names. Nothing in it can run. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleSequence
  | PickleDict
  | PickleGlobal
  | PickleRecord
  | PickleStorage
  | PickleTensor
  | PickleOpaque;

/** A list, tuple or set; a set keeps its items in order. */
export interface PickleSequence {
  readonly kind: "list" | "tuple" | "set";
  readonly items: PickleValue[];
}

/** A dict, OrderedDict or defaultdict. Keys are compared as JavaScript's Map does: containers by identity. */
export interface PickleDict {
  readonly kind: "dict";
  readonly entries: Map<PickleValue, PickleValue>;
}

/** A name that the pickle mentions, `module.attribute`. Only a word: it is never looked up. */
export interface PickleGlobal {
  readonly kind: "global";
  readonly name: string;
}

/** An instance of a class that is not known here: its name and its attributes, without behavior. */
export interface PickleRecord {
  readonly kind: "record";
  readonly className: string;
  /** The state given to BUILD: the instance's `__dict__`, mostly. */
  state: PickleValue;
  /** Items set on the instance, where its class derives from dict or list. */
  readonly items: PickleDict;
}

/** Element types of storages that are read; integers and booleans are known so that they can be passed over. */
export type StorageType = "f64" | "f32" | "f16" | "bf16" | "i64" | "i32" | "i16" | "i8" | "u8" | "bool";

/** Bytes of one element. */
export const ELEMENT_BYTES: Readonly<Record<StorageType, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  i64: 8,
  i32: 4,
  i16: 2,
  i8: 1,
  u8: 1,
  bool: 1,
};

/** A run of elements that tensors are views of. */
export interface PickleStorage {
  readonly kind: "storage";
  readonly key: string;
  readonly type: StorageType;
  /** Length in elements; an untyped storage counts bytes. */
  readonly elements: number;
  /** Exactly `elements × ELEMENT_BYTES` bytes, or null until the legacy format has reached them. */
  bytes: Uint8Array | null;
}

/** A strided view of a storage, checked to lie inside it. */
export interface PickleTensor {
  readonly kind: "tensor";
  readonly storage: PickleStorage;
  readonly type: StorageType;
  /** Offset of the first element, in elements of `type`. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
}

/** Something that is allowed and not needed, such as a device or a NumPy scalar. */
export interface PickleOpaque {
  readonly kind: "opaque";
  readonly name: string;
}

type Kind = Extract<PickleValue, { kind: string }>["kind"];
type OfKind<K extends Kind> = K extends PickleSequence["kind"] ? PickleSequence : Extract<PickleValue, { kind: K }>;

/** Narrows to one kind of object value. */
export function isKind<K extends Kind>(value: PickleValue | undefined, kind: K): value is OfKind<K> & PickleValue {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === kind;
}

/** A word for messages. */
export function describeValue(value: PickleValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "None";
  if (typeof value !== "object") return typeof value;
  if (!("kind" in value)) return "bytes";
  if (value.kind === "global" || value.kind === "opaque") return value.name;
  return value.kind === "record" ? `a ${value.className}` : `a ${value.kind}`;
}
