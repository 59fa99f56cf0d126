import { ScoringError } from "../../errors.ts";
import { createByteReader } from "./byte-reader.ts";
import type { Meter } from "./meter.ts";
import { makeStorage, parseCount } from "./pickle-tensors.ts";
import { ELEMENT_BYTES, isKind, type PickleStorage, type PickleValue } from "./pickle-values.ts";
import { parsePersistentId } from "./torch-archive.ts";
import { unpickle } from "./unpickle.ts";

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

function invalid(detail: string): never {
  throw new ScoringError("checkpoint_invalid", detail);
}

function refusePersistent(): never {
  return invalid("a header of the legacy format refers to a storage");
}

interface Storages {
  readonly roots: Map<string, PickleStorage>;
  /** Views of a part of a root: storages that PyTorch shared. */
  readonly views: Map<string, { storage: PickleStorage; root: string; offset: number }>;
}

function resolveStorage(id: PickleValue, storages: Storages, fileBytes: number, meter: Meter): PickleValue {
  const parsed = parsePersistentId(id);
  if ("module" in parsed) return parsed.module;
  const { className, key, elements, view } = parsed;
  let root = storages.roots.get(key);
  if (root === undefined) {
    root = makeStorage(className, key, elements, meter);
    const claimed = elements * ELEMENT_BYTES[root.type];
    if (claimed > fileBytes) {
      throw new ScoringError("checkpoint_refused", `storage ${key} claims ${claimed} bytes; the file has ${fileBytes}`);
    }
    storages.roots.set(key, root);
  }
  if (view === undefined || view === null) return root;
  if (!isKind(view, "tuple")) return invalid(`the view of storage ${key} is damaged`);
  const [viewKey, offsetValue, sizeValue] = view.items;
  const offset = parseCount(offsetValue);
  const size = parseCount(sizeValue);
  if (typeof viewKey !== "string" || offset === null || size === null || offset + size > root.elements) {
    return invalid(`a view of storage ${key} reaches outside it`);
  }
  const known = storages.views.get(viewKey);
  if (known !== undefined) return known.storage;
  const storage = makeStorage(className, viewKey, size, meter);
  storages.views.set(viewKey, { storage, root: key, offset });
  return storage;
}

/** Reads the storages that follow the pickles: for each listed key its length as int64, then its bytes. */
function readStorages(file: Uint8Array, start: number, keys: readonly PickleValue[], storages: Storages): void {
  const reader = createByteReader(file, start, "the checkpoint");
  for (const key of keys) {
    const storage = typeof key === "string" ? storages.roots.get(key) : undefined;
    if (storage === undefined) return invalid("the legacy format lists a storage that no tensor uses");
    const elements = reader.u64();
    if (elements !== storage.elements) {
      return invalid(`storage ${storage.key} has ${elements} elements and is announced with ${storage.elements}`);
    }
    storage.bytes = reader.take(elements * ELEMENT_BYTES[storage.type]);
  }
  for (const { storage, root, offset } of storages.views.values()) {
    const bytes = storages.roots.get(root)?.bytes ?? null;
    const size = ELEMENT_BYTES[storage.type];
    storage.bytes = bytes === null ? null : bytes.subarray(offset * size, (offset + storage.elements) * size);
  }
}

/**
 * Reads the format of `torch.save` before PyTorch 1.6: five pickles (magic number, protocol, machine, object, storage
 * keys), then the storages.
 * @throws ScoringError `checkpoint_invalid`, `checkpoint_refused`
 */
export function readTorchLegacy(file: Uint8Array, meter: Meter): PickleValue {
  const magic = unpickle(file, 0, meter, refusePersistent);
  if (magic.value !== MAGIC) {
    throw new ScoringError("checkpoint_refused", "the file is a plain pickle, not a checkpoint written by torch.save");
  }
  const protocol = unpickle(file, magic.end, meter, refusePersistent);
  if (protocol.value !== PROTOCOL) invalid("the legacy checkpoint is of an unknown protocol");
  const machine = unpickle(file, protocol.end, meter, refusePersistent);
  if (!isKind(machine.value, "dict")) return invalid("the legacy checkpoint does not describe its machine");
  if (machine.value.entries.get("little_endian") !== true) {
    throw new ScoringError(
      "checkpoint_refused",
      "the checkpoint was written on a big-endian machine; only little-endian is read",
    );
  }
  const storages: Storages = { roots: new Map(), views: new Map() };
  const object = unpickle(file, machine.end, meter, (id) => resolveStorage(id, storages, file.byteLength, meter));
  const keys = unpickle(file, object.end, meter, refusePersistent);
  if (!isKind(keys.value, "list")) return invalid("the legacy checkpoint lists no storages");
  readStorages(file, keys.end, keys.value.items, storages);
  return object.value;
}
