import { ScoringError } from "../../errors.ts";
import { parseSafetensors } from "../safetensors.ts";
import type { Tensor } from "../tensor.ts";
import type { CheckpointLimits } from "./limits.ts";
import { createMeter, type Meter } from "./meter.ts";
import { isFloating, readTensor } from "./pickle-tensors.ts";
import type { PickleValue } from "./pickle-values.ts";
import { findStateDict } from "./state-dict.ts";
import { readTorchArchive } from "./torch-archive.ts";
import { readTorchLegacy } from "./torch-legacy.ts";

/** How a file was written. */
export type CheckpointFormat = "torch-zip" | "torch-legacy" | "safetensors";

/** The weights of a file, whatever its format. */
export interface Checkpoint {
  readonly format: CheckpointFormat;
  /** Where in the file the weights stood, outermost first. */
  readonly path: readonly string[];
  /** Floating-point tensors as float32, in the order of the file, without `module.` prefixes. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Names of tensors of integers and booleans (`norm.num_batches_tracked`), which are not read. */
  readonly skipped: readonly string[];
  /** Plain values that stood beside the weights. */
  readonly extras: Readonly<Record<string, string | number | boolean>>;
  /** Bytes charged for reading, never above `allocationMultiple × file + allocationFloorBytes`. */
  readonly allocatedBytes: number;
}

const STOP = 0x2e;
const OLD_OPENINGS = "(]}lIJKMLFGSTUVXcN";

function startsWith(bytes: Uint8Array, text: string, at = 0): boolean {
  for (let index = 0; index < text.length; index += 1) if (bytes[at + index] !== text.charCodeAt(index)) return false;
  return true;
}

/**
 * Protocols 0 and 1 have no mark of their own: they begin with the opcode of a value (text, mark, global, empty container, number) and
 * end with STOP, `.` (CPython, Lib/pickletools.py).
 */
function isOldPickle(bytes: Uint8Array): boolean {
  return bytes.length > 2 && bytes.at(-1) === STOP && OLD_OPENINGS.includes(String.fromCharCode(bytes[0]!));
}

function sniff(bytes: Uint8Array): CheckpointFormat {
  if (startsWith(bytes, "PK\x03\x04") || startsWith(bytes, "PK\x05\x06")) return "torch-zip";
  if (bytes[0] === 0x80 && (bytes[1] ?? 0) >= 2 && (bytes[1] ?? 0) <= 5) return "torch-legacy";
  if (startsWith(bytes, "{", 8)) return "safetensors";
  if (startsWith(bytes, "ustar", 257)) {
    throw new ScoringError(
      "checkpoint_refused",
      "the file is a tar archive, as PyTorch wrote before 0.4; save it again with a newer one",
    );
  }
  if (isOldPickle(bytes)) {
    throw new ScoringError(
      "checkpoint_refused",
      "the file is a pickle of protocol 0 or 1; save it again with torch.save, or with protocol 2 to 5",
    );
  }
  throw new ScoringError("checkpoint_invalid", "the file is neither a PyTorch checkpoint nor safetensors");
}

function readSafetensors(bytes: Uint8Array, meter: Meter): Checkpoint {
  // Half precision doubles; the header is bounded by the parser.
  meter.charge(4 * bytes.byteLength, "the safetensors file");
  try {
    const { tensors, metadata } = parseSafetensors(bytes);
    return {
      format: "safetensors",
      path: [],
      tensors,
      skipped: [],
      extras: metadata,
      allocatedBytes: meter.chargedBytes,
    };
  } catch (error) {
    if (error instanceof ScoringError) throw new ScoringError("checkpoint_invalid", error.detail, { cause: error });
    throw error;
  }
}

function readPickled(format: CheckpointFormat, root: PickleValue, meter: Meter): Checkpoint {
  const { path, tensors: views, extras } = findStateDict(root, meter);
  const tensors = new Map<string, Tensor>();
  const skipped: string[] = [];
  for (const [name, view] of views) {
    if (isFloating(view.type)) tensors.set(name, readTensor(name, view, meter));
    else skipped.push(name);
  }
  return { format, path, tensors, skipped, extras, allocatedBytes: meter.chargedBytes };
}

/**
 * Reads a PyTorch checkpoint (zip or legacy `torch.save`: a state_dict, a wrapper around one, or a whole module) or a
 * safetensors file. Nothing in the file is run, looked up or imported; see docs/model.md.
 *
 * Time is linear in the file; memory stays within `allocationMultiple × file + allocationFloorBytes`, whatever the file
 * claims.
 * @throws ScoringError `checkpoint_invalid` (damaged, or not a checkpoint), `checkpoint_refused` (not read for safety),
 *   and no other
 */
export function readCheckpoint(file: Uint8Array, limits: CheckpointLimits): Checkpoint {
  // A plain view: slice() of Node's Buffer copies nothing, and below it must.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.byteLength > limits.maxFileBytes) {
    throw new ScoringError(
      "checkpoint_refused",
      `the file has ${bytes.byteLength} bytes; ${limits.maxFileBytes} are read`,
    );
  }
  const meter = createMeter(bytes.byteLength, limits);
  const format = sniff(bytes);
  if (format === "safetensors") return readSafetensors(bytes, meter);
  const root = format === "torch-zip" ? readTorchArchive(bytes, meter) : readTorchLegacy(bytes, meter);
  return readPickled(format, root, meter);
}
