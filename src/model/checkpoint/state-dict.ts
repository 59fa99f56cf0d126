import { ScoringError } from "../../errors.ts";
import type { Meter } from "./meter.ts";
import { describeValue, isKind, type PickleDict, type PickleTensor, type PickleValue } from "./pickle-values.ts";

/** Where training scripts put the state_dict, most telling first. */
const WRAPPER_KEYS = ["state_dict", "model_state_dict", "model"] as const;

/** What DataParallel and torch.compile put before every name. */
const PREFIXES = ["module.", "_orig_mod."] as const;

/** A state_dict found in a checkpoint. */
export interface StateDict {
  /** `state_dict`, `model`, a class name …: where the tensors stood, outermost first; empty for the file itself. */
  readonly path: readonly string[];
  readonly tensors: ReadonlyMap<string, PickleTensor>;
  /** Plain values that stood beside it: `epoch`, `align_corners` … */
  readonly extras: Readonly<Record<string, string | number | boolean>>;
}

function invalid(detail: string): never {
  throw new ScoringError("checkpoint_invalid", detail);
}

function addTensor(tensors: Map<string, PickleTensor>, name: string, tensor: PickleTensor, meter: Meter): void {
  if (tensors.has(name)) invalid(`the checkpoint has two tensors named ${name}`);
  if (tensors.size >= meter.limits.maxTensors) {
    throw new ScoringError("checkpoint_refused", `the checkpoint has more than ${meter.limits.maxTensors} tensors`);
  }
  meter.charge(256 + 2 * name.length, "the list of tensors");
  tensors.set(name, tensor);
}

function findAttributes(value: PickleValue | undefined): PickleDict | null {
  if (!isKind(value, "record")) return null;
  if (isKind(value.state, "dict")) return value.state;
  if (isKind(value.state, "tuple")) return value.state.items.find((item) => isKind(item, "dict")) ?? null;
  return null;
}

/** True for what unpickling a torch.nn.Module leaves: a record with `_parameters` and `_modules`. */
function isModule(value: PickleValue | undefined): boolean {
  const attributes = findAttributes(value);
  return attributes !== null && isKind(attributes.entries.get("_parameters"), "dict");
}

/** Names of a module that `state_dict()` would leave out. */
function readNonPersistent(attributes: PickleDict, meter: Meter): ReadonlySet<PickleValue> {
  const set = attributes.entries.get("_non_persistent_buffers_set");
  const names = new Set<PickleValue>();
  if (!isKind(set, "set")) return names;
  for (const name of set.items) {
    // One set may be shared by very many modules.
    meter.visit();
    names.add(name);
  }
  return names;
}

/** Does what `Module.state_dict()` does, on inert records. A shared child appears under each of its names. */
function readModule(
  module: PickleValue,
  prefix: string,
  depth: number,
  tensors: Map<string, PickleTensor>,
  meter: Meter,
): void {
  meter.visit();
  if (depth > meter.limits.maxDepth || prefix.length > 1024) {
    throw new ScoringError("checkpoint_refused", `modules are nested more than ${meter.limits.maxDepth} deep`);
  }
  const attributes = findAttributes(module);
  if (attributes === null) return;
  const hidden = readNonPersistent(attributes, meter);
  for (const group of ["_parameters", "_buffers"] as const) {
    const members = attributes.entries.get(group);
    if (!isKind(members, "dict")) continue;
    for (const [name, value] of members.entries) {
      meter.visit();
      if (typeof name === "string" && isKind(value, "tensor") && !(group === "_buffers" && hidden.has(name))) {
        addTensor(tensors, prefix + name, value, meter);
      }
    }
  }
  const children = attributes.entries.get("_modules");
  if (!isKind(children, "dict")) return;
  for (const [name, child] of children.entries) {
    if (typeof name === "string") readModule(child, `${prefix}${name}.`, depth + 1, tensors, meter);
  }
}

function readDict(dict: PickleDict, meter: Meter): Map<string, PickleTensor> {
  const tensors = new Map<string, PickleTensor>();
  for (const [name, value] of dict.entries) {
    meter.visit();
    if (typeof name === "string" && isKind(value, "tensor")) addTensor(tensors, name, value, meter);
  }
  return tensors;
}

function readExtras(dict: PickleDict): Record<string, string | number | boolean> {
  const extras: [string, string | number | boolean][] = [];
  for (const [name, value] of dict.entries) {
    if (typeof name !== "string" || name.length > 64 || extras.length >= 64) continue;
    const short = typeof value === "string" && value.length <= 256;
    if (short || typeof value === "boolean" || typeof value === "number") extras.push([name, value]);
  }
  return Object.fromEntries(extras);
}

/** Removes `module.` and `_orig_mod.` where every name begins with it, as often as it is there. */
function stripPrefixes(tensors: ReadonlyMap<string, PickleTensor>): ReadonlyMap<string, PickleTensor> {
  const names = [...tensors.keys()];
  if (names.length === 0) return tensors;
  // A loop, not a recursion: a hostile name repeats the prefix a hundred thousand times.
  const findPrefix = (at: number): string | undefined =>
    PREFIXES.find((prefix) => names.every((name) => name.length > at + prefix.length && name.startsWith(prefix, at)));
  let start = 0;
  for (let prefix = findPrefix(0); prefix !== undefined; prefix = findPrefix(start)) start += prefix.length;
  return start === 0 ? tensors : new Map([...tensors].map(([name, tensor]) => [name.slice(start), tensor]));
}

/** The member of a wrapper that holds the weights: by its usual name, else the only one that could. */
function findInner(dict: PickleDict, meter: Meter): [string, PickleValue] | null {
  const holds = (value: PickleValue | undefined): boolean => {
    meter.visit();
    if (isModule(value)) return true;
    const items = isKind(value, "record") ? value.items : value;
    if (!isKind(items, "dict")) return false;
    for (const member of items.entries.values()) {
      meter.visit();
      if (isKind(member, "tensor")) return true;
    }
    return false;
  };
  for (const key of WRAPPER_KEYS) {
    const value = dict.entries.get(key);
    if (isKind(value, "dict") || isKind(value, "record")) return [key, value];
  }
  const candidates: [string, PickleValue][] = [];
  for (const [key, value] of dict.entries) if (typeof key === "string" && holds(value)) candidates.push([key, value]);
  if (candidates.length > 1) {
    const names = candidates.map(([key]) => key.slice(0, 64)).join(", ");
    invalid(`the checkpoint holds several sets of weights (${names}), none under ${WRAPPER_KEYS.join(", ")}`);
  }
  return candidates[0] ?? null;
}

/**
 * Finds the weights in an unpickled checkpoint: a state_dict, a wrapper around one (`state_dict`, `model_state_dict`,
 * `model`, nested or alone under any other name), or a whole module, whose parameters and buffers are read from its
 * records.
 * @throws ScoringError `checkpoint_invalid`, `checkpoint_refused`
 */
export function findStateDict(root: PickleValue, meter: Meter): StateDict {
  const path: string[] = [];
  let extras: Record<string, string | number | boolean> = {};
  let value = root;
  while (path.length <= meter.limits.maxDepth) {
    if (isModule(value)) {
      const tensors = new Map<string, PickleTensor>();
      readModule(value, "", 0, tensors, meter);
      return { path: [...path, describeValue(value)], tensors: stripPrefixes(tensors), extras };
    }
    const dict = isKind(value, "record") ? value.items : value;
    if (!isKind(dict, "dict")) break;
    const tensors = readDict(dict, meter);
    const inner = findInner(dict, meter);
    // A wrapper may hold a stray tensor (a loss) beside its state_dict; a state_dict holds no dict.
    if (inner === null) {
      if (tensors.size === 0) break;
      return { path, tensors: stripPrefixes(tensors), extras };
    }
    extras = { ...extras, ...readExtras(dict) };
    path.push(inner[0]);
    value = inner[1];
  }
  return invalid(`the checkpoint holds no weights: ${[...path, describeValue(value)].join(" → ").slice(0, 200)}`);
}
