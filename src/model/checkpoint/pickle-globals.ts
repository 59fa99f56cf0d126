import { ScoringError } from "../../errors.ts";
import { COST, type Meter } from "./meter.ts";
import { describeValue, isKind, type PickleSequence, type PickleValue } from "./pickle-values.ts";
import { makeTensor, parseStorageClass, parseTorchType } from "./pickle-tensors.ts";

/**
 * Names that no checkpoint needs and attacks use: refused as soon as they are mentioned, even if nothing calls them.
 * Safety does not rest on this list (nothing outside the allow-list is ever called); it gives a better message.
 */
const REFUSED_MODULES = new Set(
  (
    "os posix nt ntpath posixpath subprocess sys shutil runpy importlib ctypes socket pty commands webbrowser code codeop pdb bdb " +
    "timeit pip builtins __builtin__ __builtins__ operator _operator types inspect pickle _pickle cPickle dill cloudpickle marshal " +
    "platform signal multiprocessing threading asyncio http urllib requests tempfile site atexit gc io linecache trace profile cProfile"
  ).split(" "),
);

/** Types that are only mentioned (a `defaultdict(int)`, a dtype map) or that build plain containers. */
const BUILTIN_TYPES = new Set(
  "set frozenset list dict tuple int float str bool bytes bytearray object complex slice type".split(" "),
);

/**
 * Checks a name that the pickle mentions. It is never looked up or imported.
 * @throws ScoringError `checkpoint_refused`, with the name
 */
export function checkGlobal(module: string, name: string): string {
  const full = `${module}.${name}`;
  const top = module.split(".", 1)[0] ?? "";
  const builtin = module === "builtins" || module === "__builtin__";
  if (REFUSED_MODULES.has(top) && !(builtin && BUILTIN_TYPES.has(name))) {
    throw new ScoringError(
      "checkpoint_refused",
      `the pickle names ${full}, which no checkpoint needs; nothing was run`,
    );
  }
  return full.startsWith("__builtin__.") ? `builtins.${name}` : full;
}

function badArguments(name: string): never {
  throw new ScoringError("checkpoint_invalid", `the pickle calls ${name} with arguments it does not take`);
}

/** Items of an argument that must be a list or tuple; no argument is an empty one. */
function listItems(name: string, value: PickleValue | undefined): PickleValue[] {
  if (value === undefined || value === null) return [];
  if (isKind(value, "list") || isKind(value, "tuple") || isKind(value, "set")) return value.items;
  return badArguments(name);
}

function makeSequence(kind: PickleSequence["kind"], items: PickleValue[], meter: Meter): PickleSequence {
  meter.charge(COST.container + COST.slot * items.length, `a ${kind}`);
  return { kind, items: [...items] };
}

function makeDict(name: string, pairs: PickleValue | undefined, meter: Meter): PickleValue {
  const entries = new Map<PickleValue, PickleValue>();
  if (isKind(pairs, "dict")) {
    meter.charge(COST.container + COST.entry * pairs.entries.size, "a dict");
    for (const [key, value] of pairs.entries) entries.set(key, value);
    return { kind: "dict", entries };
  }
  const items = listItems(name, pairs);
  meter.charge(COST.container + COST.entry * items.length, "a dict");
  for (const pair of items) {
    const [key, value] = listItems(name, pair);
    if (key === undefined || value === undefined) badArguments(name);
    entries.set(key, value);
  }
  return { kind: "dict", entries };
}

function encodeBytes(name: string, value: PickleValue | undefined, meter: Meter): Uint8Array {
  if (value === undefined) return new Uint8Array(0);
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "string") return badArguments(name);
  meter.charge(value.length, "bytes");
  return Uint8Array.from(value, (character) => character.charCodeAt(0) & 0xff);
}

type Reducer = (args: readonly PickleValue[], meter: Meter) => PickleValue;

const opaque =
  (name: string): Reducer =>
  (_args, meter) => {
    meter.charge(COST.container, name);
    return { kind: "opaque", name };
  };

function firstTensor(name: string, value: PickleValue | undefined): PickleValue {
  return isKind(value, "tensor") ? value : badArguments(name);
}

/** Everything that a pickle may call. Each entry builds plain data. */
const REDUCERS: Readonly<Record<string, Reducer>> = {
  "collections.OrderedDict": ([pairs], meter) => makeDict("collections.OrderedDict", pairs, meter),
  "collections.Counter": ([pairs], meter) => makeDict("collections.Counter", pairs, meter),
  // The factory is only a name; a missing key is never asked for.
  "collections.defaultdict": ([_factory, pairs], meter) => makeDict("collections.defaultdict", pairs, meter),
  "collections.deque": ([items], meter) => makeSequence("list", listItems("collections.deque", items), meter),
  "builtins.set": ([items], meter) => makeSequence("set", listItems("builtins.set", items), meter),
  "builtins.frozenset": ([items], meter) => makeSequence("set", listItems("builtins.frozenset", items), meter),
  "builtins.list": ([items], meter) => makeSequence("list", listItems("builtins.list", items), meter),
  "builtins.tuple": ([items], meter) => makeSequence("tuple", listItems("builtins.tuple", items), meter),
  "builtins.dict": ([pairs], meter) => makeDict("builtins.dict", pairs, meter),
  "builtins.slice": opaque("builtins.slice"),
  "builtins.complex": opaque("builtins.complex"),
  "builtins.bytes": ([value], meter) => encodeBytes("builtins.bytes", value, meter),
  "builtins.bytearray": ([value], meter) => encodeBytes("builtins.bytearray", value, meter),
  // How protocol 2 writes bytes: the text of their latin-1 reading.
  "_codecs.encode": ([value], meter) => encodeBytes("_codecs.encode", value, meter),
  "torch.Size": ([items], meter) => makeSequence("tuple", listItems("torch.Size", items), meter),
  "torch.device": opaque("torch.device"),
  "torch.serialization._get_layout": opaque("torch.layout"),
  "numpy.dtype": opaque("numpy.dtype"),
  "numpy.core.multiarray.scalar": opaque("a NumPy scalar"),
  "numpy._core.multiarray.scalar": opaque("a NumPy scalar"),
  "numpy.core.multiarray._reconstruct": opaque("numpy.ndarray"),
  "numpy._core.multiarray._reconstruct": opaque("numpy.ndarray"),
  "torch._utils._rebuild_tensor": (args, meter) => makeTensor(args, undefined, meter),
  "torch._utils._rebuild_tensor_v2": (args, meter) => makeTensor(args, undefined, meter),
  "torch._utils._rebuild_tensor_v3": (args, meter) =>
    makeTensor(args, parseTorchType(args[6]) ?? badArguments("torch._utils._rebuild_tensor_v3"), meter),
  "torch._utils._rebuild_parameter": ([data]) => firstTensor("torch._utils._rebuild_parameter", data),
  "torch._utils._rebuild_parameter_with_state": ([data]) =>
    firstTensor("torch._utils._rebuild_parameter_with_state", data),
  // A tensor with Python attributes: the function inside must itself be on this list.
  "torch._tensor._rebuild_from_type_v2": ([rebuild, _type, args], meter) =>
    isKind(args, "tuple") && isKind(rebuild, "global") && rebuild.name.startsWith("torch._utils._rebuild_")
      ? callGlobal(rebuild, args, meter)
      : badArguments("torch._tensor._rebuild_from_type_v2"),
};

/**
 * What REDUCE does: builds plain data for a name on the allow-list.
 * @throws ScoringError `checkpoint_refused`, with the name, for every other callable; `checkpoint_invalid` for bad arguments
 */
export function callGlobal(
  callable: PickleValue | undefined,
  args: PickleValue | undefined,
  meter: Meter,
): PickleValue {
  if (!isKind(callable, "global")) {
    throw new ScoringError("checkpoint_refused", `the pickle calls ${describeValue(callable)}; nothing was run`);
  }
  if (!isKind(args, "tuple")) return badArguments(callable.name);
  const reducer = Object.hasOwn(REDUCERS, callable.name) ? REDUCERS[callable.name] : undefined;
  if (reducer === undefined) {
    throw new ScoringError(
      "checkpoint_refused",
      `the pickle calls ${callable.name}, which is not allowed; nothing was run`,
    );
  }
  return reducer(args.items, meter);
}

/**
 * What NEWOBJ does: containers become containers, every other class an inert record of that name.
 * @throws ScoringError `checkpoint_refused` if the class is not a name or is one of the allowed functions
 */
export function buildInstance(cls: PickleValue | undefined, args: PickleValue | undefined, meter: Meter): PickleValue {
  if (!isKind(cls, "global")) {
    throw new ScoringError(
      "checkpoint_refused",
      `the pickle builds an instance of ${describeValue(cls)}; nothing was run`,
    );
  }
  if (/^(collections|builtins)\./.test(cls.name) || cls.name === "torch.Size") return callGlobal(cls, args, meter);
  if (Object.hasOwn(REDUCERS, cls.name) && /\._/.test(cls.name)) {
    throw new ScoringError("checkpoint_refused", `the pickle builds an instance of ${cls.name}, which is not a class`);
  }
  if (parseStorageClass(cls.name) !== null) {
    throw new ScoringError("checkpoint_refused", `the pickle builds a ${cls.name} without its data`);
  }
  meter.charge(COST.container * 2, `a ${cls.name}`);
  return { kind: "record", className: cls.name, state: null, items: { kind: "dict", entries: new Map() } };
}
