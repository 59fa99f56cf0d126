/** The label files of a partitioned range, out of its sorted records: one partition after the other, in steps of bounded time and memory. */

import { RANGE_NAMES } from "../keys.ts";
import type { WrittenObject } from "../outputs/merged-output.ts";
import { parsePart } from "../records/record-line.ts";
import type { FinalizeContext } from "./finalize-context.ts";
import { formatRows, type FormatOptions, type LabelRows } from "./merge-piece.ts";
import { openStreams, type OutputStreams, type SavedOutputs } from "./merge-streams.ts";
import { planPartLabels } from "./part-labels.ts";
import { readSortBlock, type SortBlock, type SortState } from "./partition-sort.ts";

/** What a step of writing partitions carries to the next. */
export interface PartitionsCarry {
  readonly sorted: SortState;
  /** Partitions that are written, in the order of their folders. */
  readonly done: number;
  /** Blocks of the next one that are in its outputs. */
  readonly blocks: number;
  readonly written: readonly WrittenObject[];
  readonly outputs: SavedOutputs | null;
}

/** Before the first partition. */
export function beginPartitions(sorted: SortState): PartitionsCarry {
  return { sorted, done: 0, blocks: 0, written: [], outputs: null };
}

/**
 * Writes the next partitions.
 * @returns what the next step goes on from, unless {@link arePartitionsDone}
 * @throws ScoringError `internal` if what was sorted is gone; transient errors of the store
 */
export async function mergePartitions(
  context: FinalizeContext,
  range: {
    readonly number: number;
    readonly generation: number;
    readonly format: FormatOptions;
    readonly carryName: (output: string) => string;
  },
  carry: PartitionsCarry,
): Promise<PartitionsCarry> {
  const { spec, limits } = context;
  const { sorted } = carry;
  const order = orderPartitions(sorted);
  const written = [...carry.written];
  // As many records as a step merges chunks of, and as many calls.
  let records = limits.maxChunksPerFinalizeStep * spec.manifest.limits.chunkSize;
  let calls = limits.maxChunksPerFinalizeStep;
  let { blocks, outputs } = carry;
  for (let done = carry.done; done < order.length; done++) {
    const number = order[done]!;
    const { folder, values } = sorted.partitions[number]!;
    const own = listBlocks(sorted, number);
    const rows = own.reduce((sum, { block }) => sum + block.records, 0);
    if (records <= 0 || calls <= 0) return { sorted, done, blocks, written, outputs };
    const streams = await openPartition(context, range, { folder, rows }, outputs);
    for (const { key, block } of own.slice(blocks)) {
      if (records <= 0 || calls <= 0) {
        return { sorted, done, blocks, written, outputs: await streams.save(range.carryName) };
      }
      await streams.add(formatBlock(await readSortBlock(context, key, block), range.format));
      blocks += 1;
      records -= block.records;
      calls -= 1;
    }
    for (const object of await streams.finish()) written.push({ ...object, rows, partition: values });
    calls -= range.format.formats.length;
    [blocks, outputs] = [0, null];
  }
  return { sorted, done: order.length, blocks: 0, written, outputs: null };
}

/** Whether all partitions are written. */
export const arePartitionsDone = ({ sorted, done }: PartitionsCarry): boolean => done === sorted.partitions.length;

/** Numbers of the partitions by folder: the same, whatever the chunks were cut into. */
function orderPartitions({ partitions }: SortState): readonly number[] {
  const folderOf = (number: number): string => partitions[number]!.folder;
  return [...partitions.keys()].toSorted((a, b) => (folderOf(a) < folderOf(b) ? -1 : 1));
}

function listBlocks({ runs }: SortState, partition: number): readonly { key: string; block: SortBlock }[] {
  return runs.flatMap(({ key, blocks }) =>
    blocks.flatMap((block) => (block.partition === partition ? [{ key, block }] : [])),
  );
}

function openPartition(
  context: FinalizeContext,
  { number, generation, format }: { number: number; generation: number; format: FormatOptions },
  { folder, rows }: { readonly folder: string; readonly rows: number },
  outputs: SavedOutputs | null,
): Promise<OutputStreams<LabelRows>> {
  const nameOf = (label: FormatOptions["formats"][number]): string =>
    RANGE_NAMES.labels(number, label, generation, folder);
  return openStreams(context, planPartLabels(format, { records: rows, nameOf }, context.limits), outputs);
}

function formatBlock(lines: Uint8Array, format: FormatOptions): LabelRows {
  const records = parsePart(lines);
  return { rows: formatRows(records, lines, format), piece: { records } };
}
