/** Writes pickles opcode by opcode, so that tests can say what no pickler would. Bodies are byte arrays to be joined. */

export type Body = Uint8Array;

/** Joins bytes, opcode numbers and latin-1 text. */
export function join(...parts: readonly (number | string | Uint8Array)[]): Uint8Array {
  const chunks = parts.map((part) => {
    if (typeof part === "number") return Uint8Array.of(part);
    return typeof part === "string" ? Uint8Array.from(part, (character) => character.charCodeAt(0)) : part;
  });
  const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** Little-endian integer of `size` bytes. */
export function little(value: number | bigint, size: number): Uint8Array {
  const big = BigInt.asUintN(8 * size, BigInt(value));
  return Uint8Array.from({ length: size }, (_, index) => Number((big >> BigInt(8 * index)) & 0xffn));
}

export const NONE = join("N");
export const TRUE = join(0x88);
export const EMPTY_TUPLE = join(")");
export const EMPTY_DICT = join("}");
export const EMPTY_LIST = join("]");

export const text = (value: string): Body => {
  const bytes = new TextEncoder().encode(value);
  return join("X", little(bytes.length, 4), bytes);
};
export const int = (value: number): Body =>
  Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? join("J", little(value, 4)) : join(0x8a, 8, little(value, 8));
export const global = (module: string, name: string): Body => join(`c${module}\n${name}\n`);
export const stackGlobal = (module: string, name: string): Body => join(text(module), text(name), 0x93);
export const tuple = (...items: readonly Body[]): Body => join("(", ...items, "t");
export const list = (...items: readonly Body[]): Body => join("](", ...items, "e");
export const dict = (entries: readonly (readonly [Body, Body])[]): Body => join("}(", ...entries.flat(), "u");
export const call = (callable: Body, ...args: readonly Body[]): Body => join(callable, tuple(...args), "R");
/** An instance of a class with a state. */
export const instance = (cls: Body, state: Body): Body => join(cls, EMPTY_TUPLE, 0x81, state, "b");
export const put = (value: Body, index: number): Body => join(value, "r", little(index, 4));
export const get = (index: number): Body => join("j", little(index, 4));

/** A whole pickle. */
export const pickle = (body: Body, protocol = 2): Uint8Array => join(0x80, protocol, body, ".");

/** The persistent id of a storage, resolved. */
export const storage = (key: string, elements: number, type = "FloatStorage", view?: Body): Body => {
  const fields = [text("storage"), global("torch", type), text(key), text("cpu"), int(elements)];
  return join(tuple(...fields, ...(view === undefined ? [] : [view])), "Q");
};

/** `torch._utils._rebuild_tensor_v2` of a storage. */
export const tensor = (of: Body, shape: readonly number[], stride: readonly number[], offset = 0): Body =>
  call(
    global("torch._utils", "_rebuild_tensor_v2"),
    of,
    int(offset),
    tuple(...shape.map(int)),
    tuple(...stride.map(int)),
    join(0x89),
    call(global("collections", "OrderedDict")),
  );

/** A state_dict of one tensor `w` on storage "0". */
export const oneTensor = (
  elements = 4,
  shape: readonly number[] = [4],
  stride: readonly number[] = [1],
  offset = 0,
): Body => dict([[text("w"), tensor(storage("0", elements), shape, stride, offset)]]);

/** The five pickles of the legacy format and its storages: key, claimed length, bytes. */
export function writeLegacy(
  body: Body,
  storages: readonly { key: string; elements: number; bytes: Uint8Array }[],
  littleEndian = true,
): Uint8Array {
  const magic = join(0x8a, 10, little(0x1950a86a20f9469cfc6cn, 10));
  const machine = dict([
    [text("protocol_version"), int(1001)],
    [text("little_endian"), join(littleEndian ? 0x88 : 0x89)],
  ]);
  const keys = list(...storages.map(({ key }) => text(key)));
  const data = storages.map(({ elements, bytes }) => join(little(elements, 8), bytes));
  return join(pickle(magic), pickle(int(1001)), pickle(machine), pickle(body), pickle(keys), ...data);
}
