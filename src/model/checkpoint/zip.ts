import { Inflate } from "fflate";
import { ScoringError } from "../../errors.ts";
import { createByteReader } from "./byte-reader.ts";
import type { Meter } from "./meter.ts";

/** One file of an archive: where its bytes lie and what they claim to be. */
export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated; no other gets here. */
  readonly method: 0 | 8;
  readonly crc32: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  /** First byte of the content in the archive. */
  readonly start: number;
}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const NAME_MAX_BYTES = 1024;

function refuse(detail: string): never {
  throw new ScoringError("checkpoint_refused", detail);
}

function invalid(detail: string): never {
  throw new ScoringError("checkpoint_invalid", detail);
}

interface Directory {
  readonly entries: number;
  readonly start: number;
  readonly end: number;
}

function findEnd(archive: Uint8Array): number {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const first = Math.max(0, archive.byteLength - END_BYTES - 0xffff);
  for (let at = archive.byteLength - END_BYTES; at >= first; at -= 1) {
    if (view.getUint32(at, true) === END && at + END_BYTES + view.getUint16(at + 20, true) === archive.byteLength)
      return at;
  }
  return invalid("the zip archive has no end record: the file is truncated");
}

function readDirectory(archive: Uint8Array): Directory {
  const endAt = findEnd(archive);
  const end = createByteReader(archive, endAt + 4, "the zip end record");
  if (end.u16() !== 0 || end.u16() !== 0) invalid("the zip archive is split over several files");
  end.u16();
  let entries = end.u16();
  let bytes = end.u32();
  let start = end.u32();
  let limit = endAt;
  // PyTorch always writes the zip64 records, whether the sizes need them or not.
  const locatorAt = endAt - 20;
  if (locatorAt >= 0 && createByteReader(archive, locatorAt, "the zip64 locator").u32() === LOCATOR_64) {
    const recordAt = createByteReader(archive, locatorAt + 8, "the zip64 locator").u64();
    if (recordAt > locatorAt - 56) invalid("the zip64 end record lies outside the file");
    const record = createByteReader(archive, recordAt, "the zip64 end record");
    if (record.u32() !== END_64) invalid("the zip64 end record is missing");
    record.take(28);
    entries = record.u64();
    bytes = record.u64();
    start = record.u64();
    limit = recordAt;
  }
  if (start + bytes > limit) invalid("the zip directory lies outside the file");
  return { entries, start, end: start + bytes };
}

/** Sizes and offset of a directory entry, from its zip64 extra field where the 32-bit field is all ones. */
function readSizes(extra: Uint8Array, sizes: { bytes: number; compressedBytes: number; header: number }): typeof sizes {
  const wanted = [sizes.bytes, sizes.compressedBytes, sizes.header];
  if (!wanted.includes(0xffffffff)) return sizes;
  const reader = createByteReader(extra, 0, "a zip extra field");
  while (reader.left >= 4) {
    const kind = reader.u16();
    const body = reader.take(reader.u16());
    if (kind !== 1) continue;
    const fields = createByteReader(body, 0, "a zip64 extra field");
    const [bytes, compressedBytes, header] = wanted.map((value) => (value === 0xffffffff ? fields.u64() : value));
    return { bytes: bytes ?? 0, compressedBytes: compressedBytes ?? 0, header: header ?? 0 };
  }
  return invalid("a zip entry lacks the zip64 field that it announces");
}

/** Reads the local header of an entry; both headers must agree, or two readers would see two archives. */
function findContent(archive: Uint8Array, name: string, header: number): number {
  const local = createByteReader(archive, header, `the zip entry ${name}`);
  if (local.u32() !== LOCAL) invalid(`the zip entry ${name} has no header at byte ${header}`);
  local.take(22);
  const nameBytes = local.u16();
  const extraBytes = local.u16();
  const localName = new TextDecoder().decode(local.take(nameBytes));
  if (localName !== name) invalid(`the zip entry ${name} is called ${localName.slice(0, 80)} in its own header`);
  local.take(extraBytes);
  return local.offset;
}

/**
 * Lists an archive without inflating anything.
 *
 * Checked here, from the headers alone (APPNOTE.TXT 6.3.10): the number of entries, every offset and size against the
 * file (zip64 claims too), entries that overlap one another or the directory (the trick of a "better zip bomb",
 * Fifield 2019), two entries of one name, encryption, and methods other than stored and deflate.
 * @throws ScoringError `checkpoint_invalid`, `checkpoint_refused`
 */
export function listZip(archive: Uint8Array, meter: Meter): ReadonlyMap<string, ZipEntry> {
  const directory = readDirectory(archive);
  if (directory.entries > meter.limits.maxEntries) {
    refuse(`the zip archive claims ${directory.entries} entries; ${meter.limits.maxEntries} are allowed`);
  }
  const reader = createByteReader(archive.subarray(0, directory.end), directory.start, "the zip directory");
  const entries = new Map<string, ZipEntry>();
  const spans: { from: number; to: number; name: string }[] = [];
  for (let index = 0; index < directory.entries; index += 1) {
    if (reader.u32() !== CENTRAL) invalid(`entry ${index} of the zip directory is damaged`);
    reader.take(4);
    const flags = reader.u16();
    const method = reader.u16();
    reader.take(4);
    const crc32 = reader.u32();
    const compressed = reader.u32();
    const size = reader.u32();
    const nameBytes = reader.u16();
    const extraBytes = reader.u16();
    const commentBytes = reader.u16();
    reader.take(8);
    const offset = reader.u32();
    if (nameBytes > NAME_MAX_BYTES) refuse(`entry ${index} of the zip archive has a name of ${nameBytes} bytes`);
    const name = new TextDecoder().decode(reader.take(nameBytes));
    const extra = reader.take(extraBytes);
    reader.take(commentBytes);
    meter.charge(512, "the zip directory");
    const sizes = readSizes(extra, { bytes: size, compressedBytes: compressed, header: offset });
    if ((flags & 1) !== 0) refuse(`the zip entry ${name} is encrypted`);
    if (method !== 0 && method !== 8) refuse(`the zip entry ${name} uses compression method ${method}`);
    if (method === 0 && sizes.bytes !== sizes.compressedBytes) invalid(`the stored zip entry ${name} has two sizes`);
    const start = findContent(archive, name, sizes.header);
    if (start + sizes.compressedBytes > directory.start) {
      refuse(
        `the zip entry ${name} claims ${sizes.compressedBytes} bytes at byte ${start}, which reaches past the data`,
      );
    }
    if (entries.has(name)) refuse(`the zip archive has two entries named ${name}`);
    spans.push({ from: sizes.header, to: start + sizes.compressedBytes, name });
    entries.set(name, { name, method, crc32, compressedBytes: sizes.compressedBytes, bytes: sizes.bytes, start });
  }
  spans.sort((a, b) => a.from - b.from);
  spans.reduce(
    (before, span) => {
      if (span.from < before.to) refuse(`the zip entries ${before.name} and ${span.name} overlap`);
      return span;
    },
    { from: 0, to: 0, name: "" },
  );
  return entries;
}

/** Input slice for inflating: bounds what one step can produce to about 1,032 times this. */
const SLICE_BYTES = 1024;

function inflate(entry: ZipEntry, content: Uint8Array): Uint8Array {
  const out = new Uint8Array(entry.bytes);
  let length = 0;
  const stream = new Inflate((chunk) => {
    if (length + chunk.byteLength > out.byteLength) {
      refuse(`the zip entry ${entry.name} inflates to more than the ${entry.bytes} bytes it claims`);
    }
    out.set(chunk, length);
    length += chunk.byteLength;
  });
  try {
    for (let at = 0; at < content.byteLength; at += SLICE_BYTES) {
      stream.push(content.subarray(at, at + SLICE_BYTES), at + SLICE_BYTES >= content.byteLength);
    }
  } catch (error) {
    if (error instanceof ScoringError) throw error;
    throw new ScoringError("checkpoint_invalid", `the zip entry ${entry.name} cannot be inflated`, { cause: error });
  }
  if (length !== out.byteLength)
    invalid(`the zip entry ${entry.name} inflates to ${length} bytes and claims ${entry.bytes}`);
  return out;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ 0xedb88320;
  return value >>> 0;
});

/** CRC-32 of ISO 3309, as zip uses it. */
export function computeCrc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * The content of an entry: a view where it is stored, a charged copy where it is deflated.
 *
 * The checksum is verified unless it is 0: PyTorch can be told to leave it out (`set_crc32_options(False)`).
 * @throws ScoringError `checkpoint_invalid`, `checkpoint_refused` (a size beyond the stated multiple of the file)
 */
export function readZipEntry(archive: Uint8Array, entry: ZipEntry, meter: Meter): Uint8Array {
  const content = archive.subarray(entry.start, entry.start + entry.compressedBytes);
  let bytes = content;
  if (entry.method === 8) {
    meter.charge(entry.bytes, `the zip entry ${entry.name}`);
    bytes = inflate(entry, content);
  }
  if (entry.crc32 !== 0 && computeCrc32(bytes) !== entry.crc32) {
    invalid(`the zip entry ${entry.name} is damaged: its checksum does not match`);
  }
  return bytes;
}
