/**
 * Tar headers (POSIX.1-1988 ustar, POSIX.1-2001 pax, GNU long names) by random access.
 *
 * Not modern-tar: its decoder reads an archive from its start and gives members without their byte positions; planning
 * needs each member's offset, jumps over the bodies, and resumes in the middle of an archive. The tests hold this parser
 * to archives that modern-tar and GNU tar write.
 */

import { ScoringError } from "../../errors.ts";
import type { RangeReader } from "../inputs/range-reader.ts";

const DECODER = new TextDecoder();

/** Bytes of one tar block. */
export const TAR_BLOCK = 512;

/** One member: its name, and where its bytes lie. */
export interface TarMember {
  readonly name: string;
  /** `sparse`: a file whose holes were left out, so that its bytes as they lie there are not the file's. */
  readonly kind: "file" | "sparse" | "other";
  /** Byte of its own header block, after those of its extensions. */
  readonly headerOffset: number;
  readonly dataOffset: number;
  readonly size: number;
  /** Byte of the next header. */
  readonly nextOffset: number;
}

/** Field positions of a header block (POSIX ustar). */
const FIELDS = {
  name: [0, 100],
  size: [124, 136],
  checksum: [148, 156],
  type: [156, 157],
  magic: [257, 263],
  prefix: [345, 500],
} as const;

/** Where old GNU sparse headers, and the blocks that continue their map, say that another block follows (GNU tar, "Basic Tar Format"). */
const SPARSE_MORE = { header: 482, block: 504 } as const;

/** Extension headers in a row: real archives have two, a chain without end would read for ever. */
const MAX_EXTENSIONS = 8;

/**
 * The member whose header (or first extension header) is at `offset`; null at the end of the archive: a zero block, or the
 * end of the file (truncated archives without the zero blocks exist). Anything else is `input_invalid`.
 */
export async function readTarMember(
  reader: RangeReader,
  archiveBytes: number,
  offset: number,
  maxExtensionBytes: number,
): Promise<TarMember | null> {
  let at = offset;
  let longName: string | null = null;
  let pax: ReadonlyMap<string, string> = new Map();
  for (let extensions = 0; extensions <= MAX_EXTENSIONS; extensions++) {
    const block = await reader.read(at, TAR_BLOCK);
    if (block.length === 0 && extensions === 0) return null;
    if (block.length < TAR_BLOCK) throw invalid(at, "is cut off");
    if (block.every((byte) => byte === 0)) {
      if (extensions > 0) throw invalid(at, "follows an extension header and is empty");
      return null;
    }
    checkChecksum(block, at);
    const type = readText(block, FIELDS.type);
    const size = readNumber(block.subarray(...FIELDS.size), at);
    const dataOffset = at + TAR_BLOCK;
    // Solaris wrote X where POSIX has x.
    if (type === "x" || type === "X" || type === "L" || type === "g") {
      if (size > maxExtensionBytes) throw invalid(at, `announces an extension of ${size} bytes`);
      const data = await reader.read(dataOffset, size);
      if (data.length < size) throw invalid(at, "is cut off");
      if (type === "L") longName = decodeText(data, at);
      else if (type === "g") checkGlobal(parsePax(data, at), at);
      else pax = new Map([...pax, ...parsePax(data, at)]);
    } else if (type !== "K") {
      return describeMember(
        {
          type,
          name: pax.get("GNU.sparse.name") ?? pax.get("path") ?? longName ?? joinName(block),
          size: readPaxSize(pax, at) ?? size,
          headerOffset: at,
          dataOffset: type === "S" ? await skipSparseMap(reader, block, at, maxExtensionBytes) : dataOffset,
          // Sparse files keep a map before their bytes, so what lies there is not a picture.
          sparse: type === "S" || [...pax.keys()].some(isSparseKey),
        },
        archiveBytes,
      );
    }
    at = dataOffset + padToBlock(size);
  }
  throw invalid(at, "comes after too many extension headers");
}

interface MemberHeader {
  readonly type: string;
  readonly name: string;
  readonly size: number;
  readonly headerOffset: number;
  readonly dataOffset: number;
  readonly sparse: boolean;
}

function describeMember(header: MemberHeader, archiveBytes: number): TarMember {
  const { type, name, size, headerOffset, dataOffset, sparse } = header;
  // Links, folders and devices have no bytes, whatever their size field says (GNU tar, "Basic Tar Format").
  const hasData = !["1", "2", "3", "4", "5", "6"].includes(type);
  const bytes = hasData ? size : 0;
  if (dataOffset + bytes > archiveBytes) throw invalid(headerOffset, "announces more bytes than the archive has");
  const regular = ["0", "\0", "", "7", "S"].includes(type) && !name.endsWith("/");
  return {
    name,
    kind: regular ? (sparse ? "sparse" : "file") : "other",
    headerOffset,
    dataOffset,
    size: bytes,
    nextOffset: dataOffset + padToBlock(bytes),
  };
}

function isSparseKey(key: string): boolean {
  return key.startsWith("GNU.sparse.");
}

/** The end of the blocks that continue the map of an old GNU sparse header. */
async function skipSparseMap(
  reader: RangeReader,
  header: Uint8Array,
  at: number,
  maxExtensionBytes: number,
): Promise<number> {
  let end = at + TAR_BLOCK;
  let more = header[SPARSE_MORE.header] !== 0;
  while (more) {
    if (end - at > maxExtensionBytes) throw invalid(at, `has a sparse map of more than ${maxExtensionBytes} bytes`);
    const block = await reader.read(end, TAR_BLOCK);
    if (block.length < TAR_BLOCK) throw invalid(end, "is cut off");
    more = block[SPARSE_MORE.block] !== 0;
    end += TAR_BLOCK;
  }
  return end;
}

/**
 * Records for all members that follow (git writes a comment this way). Names and sizes in them are refused: planning may resume
 * after this header, and would not know them.
 */
function checkGlobal(records: readonly (readonly [string, string])[], at: number): void {
  const used = records.find(([key]) => key === "path" || key === "size" || isSparseKey(key));
  if (used !== undefined) throw invalid(at, `sets ${used[0]} for all members after it, which is not supported`);
}

function padToBlock(size: number): number {
  return Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
}

/** The sum of the header's bytes with its checksum field as spaces; some old archives summed signed bytes. */
function checkChecksum(block: Uint8Array, at: number): void {
  const [from, to] = FIELDS.checksum;
  let unsigned = 0;
  let signed = 0;
  for (let index = 0; index < TAR_BLOCK; index++) {
    const byte = index >= from && index < to ? 32 : block[index]!;
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const stored = readNumber(block.subarray(from, to), at);
  if (stored !== unsigned && stored !== signed) throw invalid(at, "has a wrong checksum");
}

/** Octal text, or GNU's base 256 for what octal cannot hold (first bit set). */
function readNumber(field: Uint8Array, at: number): number {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    let value = field[0]! & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    if (!Number.isSafeInteger(value)) throw invalid(at, "has a number out of range");
    return value;
  }
  const text = readText(field, [0, field.length]).trim();
  if (text === "") return 0;
  if (!/^[0-7]+$/.test(text)) throw invalid(at, "has a number that is not octal");
  return Number.parseInt(text, 8);
}

/** Text up to the first zero byte. */
function readText(block: Uint8Array, [from, to]: readonly [number, number]): string {
  const field = block.subarray(from, to);
  const zero = field.indexOf(0);
  return DECODER.decode(zero === -1 ? field : field.subarray(0, zero));
}

function joinName(block: Uint8Array): string {
  const name = readText(block, FIELDS.name);
  // GNU headers ("ustar  ") use the prefix field for other things.
  const posix = readText(block, FIELDS.magic) === "ustar";
  const prefix = posix ? readText(block, FIELDS.prefix) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function decodeText(data: Uint8Array, at: number): string {
  const text = readText(data, [0, data.length]);
  if (text === "") throw invalid(at, "has an empty long name");
  return text;
}

/** pax records `<length> <key>=<value>\n`, the length counting the whole record in bytes. */
function parsePax(data: Uint8Array, at: number): [string, string][] {
  const records: [string, string][] = [];
  for (let start = 0; start < data.length && data[start] !== 0;) {
    const space = data.indexOf(32, start);
    const length = space === -1 ? Number.NaN : Number(readText(data, [start, space]));
    const end = start + length;
    if (!Number.isInteger(length) || end <= space + 1 || end > data.length || data[end - 1] !== 10) {
      throw invalid(at, "has a broken pax record");
    }
    const record = DECODER.decode(data.subarray(space + 1, end - 1));
    const equals = record.indexOf("=");
    if (equals > 0) records.push([record.slice(0, equals), record.slice(equals + 1)]);
    start = end;
  }
  return records;
}

function readPaxSize(pax: ReadonlyMap<string, string>, at: number): number | null {
  const text = pax.get("size");
  if (text === undefined) return null;
  const size = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(size)) throw invalid(at, "has a broken pax size");
  return size;
}

function invalid(at: number, what: string): ScoringError {
  return new ScoringError("input_invalid", `the tar header at byte ${at} ${what}`);
}
