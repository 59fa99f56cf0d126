/**
 * The records of a range sorted by partition, over as many steps as it takes: what has come is held up to a bound and then stored as one
 * run, a compressed block per partition. So memory does not grow with the number of partitions, and each of them can be written by itself.
 */

import { ScoringError } from "../../errors.ts";
import { concatUint8Arrays } from "uint8array-extras";
import { gunzip, gzip } from "../outputs/gzip-members.ts";
import { namePartition, type PartitionValues, readPartition } from "../records/partitions.ts";
import { serializeRecords } from "../records/record-line.ts";
import type { ScoreRecord } from "../records/records.ts";
import type { FinalizeContext } from "./finalize-context.ts";

/** A partition's records in one run. */
export interface SortBlock {
  /** Number of the partition. */
  readonly partition: number;
  /** Bytes of the run, compressed. */
  readonly offset: number;
  readonly length: number;
  readonly records: number;
}

/** What was sorted so far. */
export interface SortState {
  /** In the order in which they were first met. */
  readonly partitions: readonly { readonly folder: string; readonly values: PartitionValues }[];
  readonly runs: readonly { readonly key: string; readonly blocks: readonly SortBlock[] }[];
}

/** A sort under way. */
export interface PartitionSort {
  add(records: readonly ScoreRecord[]): Promise<void>;
  /** Stores what is held. */
  save(): Promise<SortState>;
}

/** Before the first record. */
export const NOTHING_SORTED: SortState = { partitions: [], runs: [] };

/** @param nameRun key of a run by its number */
export function openPartitionSort(
  { store, limits }: Pick<FinalizeContext, "store" | "limits">,
  names: readonly string[],
  nameRun: (run: number) => string,
  saved: SortState,
): PartitionSort {
  const partitions = [...saved.partitions];
  const runs = [...saved.runs];
  const numbers = new Map(partitions.map(({ folder }, number) => [folder, number]));
  const held = new Map<number, { readonly lines: Uint8Array[]; records: number }>();
  const text = new TextEncoder();
  let bytes = 0;

  function findPartition({ groups }: ScoreRecord): number {
    const folder = namePartition(names, groups);
    const known = numbers.get(folder);
    if (known !== undefined) return known;
    partitions.push({ folder, values: readPartition(names, groups) });
    numbers.set(folder, partitions.length - 1);
    return partitions.length - 1;
  }

  async function storeRun(): Promise<void> {
    if (held.size === 0) return;
    const blocks: SortBlock[] = [];
    const packed: Uint8Array[] = [];
    let offset = 0;
    for (const [partition, { lines, records }] of held) {
      const block = await gzip(concatUint8Arrays(lines));
      blocks.push({ partition, offset, length: block.length, records });
      packed.push(block);
      offset += block.length;
    }
    const key = nameRun(runs.length);
    await store.put(key, concatUint8Arrays(packed));
    runs.push({ key, blocks });
    held.clear();
    bytes = 0;
  }

  return {
    async add(records) {
      // not Map.groupBy, which Node 20 lacks
      const byPartition = new Map<number, ScoreRecord[]>();
      for (const record of records) {
        const partition = findPartition(record);
        const own = byPartition.get(partition);
        if (own === undefined) byPartition.set(partition, [record]);
        else own.push(record);
      }
      for (const [partition, own] of byPartition) {
        const lines = text.encode(serializeRecords(own));
        const one = held.get(partition) ?? { lines: [], records: 0 };
        one.lines.push(lines);
        one.records += own.length;
        held.set(partition, one);
        bytes += lines.length;
      }
      if (bytes >= limits.dataset.sortBytes) await storeRun();
    },
    async save() {
      await storeRun();
      return { partitions, runs };
    },
  };
}

/** The lines of a block. @throws ScoringError `internal` if its run is gone */
export async function readSortBlock(
  { store, limits }: Pick<FinalizeContext, "store" | "limits">,
  key: string,
  { offset, length }: SortBlock,
): Promise<Uint8Array> {
  const found = await store.read(key, { range: { offset, length }, maxBytes: limits.maxCarryBytes });
  if (found.kind !== "found") throw new ScoringError("internal", `${key} is gone`);
  return gunzip(found.bytes);
}
