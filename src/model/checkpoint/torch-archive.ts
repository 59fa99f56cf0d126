import { ScoringError } from "../../errors.ts";
import type { Meter } from "./meter.ts";
import { makeStorage, parseCount } from "./pickle-tensors.ts";
import { describeValue, ELEMENT_BYTES, isKind, type PickleStorage, type PickleValue } from "./pickle-values.ts";
import { unpickle } from "./unpickle.ts";
import { listZip, readZipEntry, type ZipEntry } from "./zip.ts";

const KEY = /^[\w-]{1,64}$/;

/** The fields of `("storage", class, key, location, elements, …)`. */
export interface StorageId {
  readonly className: PickleValue | undefined;
  readonly key: string;
  readonly elements: number;
  /** What the legacy format appends: `(key, offset, elements)` of a view, or None. */
  readonly view: PickleValue | undefined;
}

/**
 * Reads a persistent id of torch.save.
 * @returns the fields, or the class name of a legacy `("module", class, file, source)`; the source text is ignored
 * @throws ScoringError `checkpoint_invalid`, `checkpoint_refused`
 */
export function parsePersistentId(id: PickleValue): StorageId | { readonly module: PickleValue } {
  if (!isKind(id, "tuple")) throw new ScoringError("checkpoint_invalid", `a persistent id is ${describeValue(id)}`);
  const [tag, className, key, , size, view] = id.items;
  if (tag === "module" && isKind(className, "global")) return { module: className };
  const elements = parseCount(size);
  if (tag !== "storage" || typeof key !== "string" || !KEY.test(key) || elements === null) {
    throw new ScoringError("checkpoint_invalid", "a persistent id names no storage");
  }
  return { className, key, elements, view };
}

/** `"little"` or absent in files before PyTorch 2.1, which are little-endian on every machine that matters. */
function checkByteOrder(archive: Uint8Array, entry: ZipEntry | undefined, meter: Meter): void {
  if (entry === undefined) return;
  const order = new TextDecoder().decode(readZipEntry(archive, entry, meter).subarray(0, 16)).trim();
  if (order !== "little") {
    throw new ScoringError(
      "checkpoint_refused",
      `the checkpoint was written with byte order "${order}"; only little-endian is read`,
    );
  }
}

/**
 * Reads the zip format of `torch.save` (PyTorch 1.6 and later): `<name>/data.pkl` and one `<name>/data/<key>` per storage.
 * @throws ScoringError `checkpoint_invalid`, `checkpoint_refused`
 */
export function readTorchArchive(archive: Uint8Array, meter: Meter): PickleValue {
  const entries = listZip(archive, meter);
  const pickles = [...entries.keys()].filter((name) => /^(?:[^/]*\/)?data\.pkl$/.test(name));
  const [pickleName, another] = pickles;
  const pickleEntry = entries.get(pickleName ?? "");
  if (pickleName === undefined || pickleEntry === undefined) {
    throw new ScoringError("checkpoint_invalid", "the zip archive holds no data.pkl: it was not written by torch.save");
  }
  if (another !== undefined) {
    throw new ScoringError("checkpoint_invalid", `the zip archive holds two checkpoints: ${pickleName} and ${another}`);
  }
  const prefix = pickleName.slice(0, -"data.pkl".length);
  if (entries.has(`${prefix}constants.pkl`)) {
    throw new ScoringError(
      "checkpoint_refused",
      "the file is a TorchScript program; save the model's state_dict instead",
    );
  }
  checkByteOrder(archive, entries.get(`${prefix}byteorder`), meter);
  const storages = new Map<string, PickleStorage>();
  const resolve = (id: PickleValue): PickleValue => {
    const parsed = parsePersistentId(id);
    if ("module" in parsed) return parsed.module;
    const known = storages.get(parsed.key);
    if (known !== undefined) return known;
    const storage = makeStorage(parsed.className, parsed.key, parsed.elements, meter);
    const entry = entries.get(`${prefix}data/${parsed.key}`);
    if (entry === undefined) {
      throw new ScoringError("checkpoint_invalid", `storage ${parsed.key} is not in the archive`);
    }
    const claimed = storage.elements * ELEMENT_BYTES[storage.type];
    if (claimed > entry.bytes) {
      throw new ScoringError(
        "checkpoint_refused",
        `storage ${storage.key} claims ${claimed} bytes; the archive has ${entry.bytes}`,
      );
    }
    storage.bytes = readZipEntry(archive, entry, meter).subarray(0, claimed);
    storages.set(parsed.key, storage);
    return storage;
  };
  return unpickle(readZipEntry(archive, pickleEntry, meter), 0, meter, resolve).value;
}
