import { deflateSync } from "fflate";
import { computeCrc32 } from "../../../../src/model/checkpoint/zip.ts";
import { join, little } from "./pickle-writer.ts";

/** One entry; what is set beside name and content is a lie that the directory tells. */
export interface EntrySpec {
  readonly name: string;
  readonly content: Uint8Array;
  readonly deflate?: boolean;
  readonly claimedBytes?: number;
  readonly claimedCompressed?: number;
  readonly claimedOffset?: number;
  readonly method?: number;
  readonly flags?: number;
  readonly crc32?: number;
  /** Sizes in a zip64 extra field, the 32-bit ones all ones. */
  readonly zip64?: { bytes: number | bigint; compressed: number | bigint };
}

/** Lies of the end record. */
export interface EndSpec {
  readonly entries?: number;
  readonly directoryOffset?: number;
  /** Adds zip64 end records with these claims. */
  readonly zip64?: { entries: number | bigint; directoryBytes: number | bigint; directoryOffset: number | bigint };
}

/** Writes a zip archive, true or false. */
export function writeZip(entries: readonly EntrySpec[], end: EndSpec = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const entry of entries) {
    const name = new TextEncoder().encode(entry.name);
    const data = entry.deflate === true ? deflateSync(entry.content) : entry.content;
    const method = entry.method ?? (entry.deflate === true ? 8 : 0);
    const crc = entry.crc32 ?? computeCrc32(entry.content);
    const small = entry.zip64 !== undefined;
    const bytes = small ? 0xffffffff : (entry.claimedBytes ?? entry.content.length);
    const compressed = small ? 0xffffffff : (entry.claimedCompressed ?? data.length);
    const sizes = join(little(crc, 4), little(compressed, 4), little(bytes, 4));
    const extra =
      entry.zip64 === undefined
        ? new Uint8Array(0)
        : join(little(1, 2), little(16, 2), little(entry.zip64.bytes, 8), little(entry.zip64.compressed, 8));
    const fixed = join(little(20, 2), little(entry.flags ?? 0, 2), little(method, 2), little(0, 4), sizes);
    parts.push(join("PK\x03\x04", fixed, little(name.length, 2), little(0, 2), name, data));
    directory.push(
      join(
        "PK\x01\x02",
        little(20, 2),
        fixed,
        little(name.length, 2),
        little(extra.length, 2),
        little(0, 2),
        little(0, 8),
        little(entry.claimedOffset ?? at, 4),
        name,
        extra,
      ),
    );
    at += parts.at(-1)?.length ?? 0;
  }
  const central = join(...directory);
  const offset = end.directoryOffset ?? at;
  const zip64 =
    end.zip64 === undefined
      ? []
      : [
          join(
            "PK\x06\x06",
            little(44, 8),
            little(30, 2),
            little(45, 2),
            little(0, 8),
            little(end.zip64.entries, 8),
            little(end.zip64.entries, 8),
            little(end.zip64.directoryBytes, 8),
            little(end.zip64.directoryOffset, 8),
          ),
          join("PK\x06\x07", little(0, 4), little(at + central.length, 8), little(1, 4)),
        ];
  const count = end.entries ?? entries.length;
  return join(
    ...parts,
    central,
    ...zip64,
    "PK\x05\x06",
    little(0, 4),
    little(count, 2),
    little(count, 2),
    little(central.length, 4),
    little(offset, 4),
    little(0, 2),
  );
}

/** A torch.save archive around a pickle and its storages. */
export function writeArchive(
  data: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
  more: readonly EntrySpec[] = [],
): Uint8Array {
  const entries = Object.entries(storages).map(([key, content]) => ({ name: `archive/data/${key}`, content }));
  return writeZip([{ name: "archive/data.pkl", content: data }, ...entries, ...more]);
}
