/** Taking targets out of the chunks of one range of a data set: a chunk with one falls into the pieces around it, and places stay. */

import { labelsOf } from "../job/job-spec.ts";
import { describePart } from "../chunk/part.ts";
import { clipPiece } from "../finalize/clip-piece.ts";
import type { FinalizeContext } from "../finalize/finalize-context.ts";
import { openSource, readPieces } from "../finalize/finalize-pieces.ts";
import type { RangeWork } from "../finalize/finalize-range.ts";
import { formatPiece, type MergePiece } from "../finalize/merge-piece.ts";
import { readInputs } from "../inputs/job-inputs.ts";
import { namePiece } from "../job/chunk-split.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import type { EraseTarget, Removed } from "../job/erasure-state.ts";
import { findSpan } from "../job/merge-range.ts";
import { partKey } from "../keys.ts";
import type { InputItem } from "../records/input-item.ts";
import { groupByInput } from "../records/record-groups.ts";
import { serializeRecords } from "../records/record-line.ts";
import { addRemoved, countRemoved, NOTHING } from "./removed.ts";
import { isTarget } from "./search-input.ts";

/** Edits the chunks of one step. */
export interface ChunkEditor {
  readonly format: RangeWork["format"];
  /** What it took out of its own range. */
  removed(): Removed;
  /** Rows of the chunks that changed: those that fell apart, and their pieces. */
  staged(): readonly ChunkRow[];
  /** Other ranges into which a changed chunk reaches: their lists of parts change too. */
  reached(): readonly number[];
}

/** @param context of the data set: its folder holds the parts */
export function createChunkEditor(
  context: FinalizeContext,
  number: number,
  targets: readonly EraseTarget[],
): ChunkEditor {
  const { store, folder, spec, limits, state } = context;
  const { faces } = spec.manifest;
  const merge = state.merge!;
  const span = findSpan(merge, number);
  const staged: ChunkRow[] = [];
  const reached = new Set<number>();
  let removed = NOTHING;

  const isOwn = (index: number): boolean => index >= span.first && index < span.end;

  async function edit(piece: MergePiece): Promise<readonly MergePiece[]> {
    const goes = piece.items.map((item) => isTarget(item, targets));
    if (!goes.includes(true)) return [piece];
    const { chunk } = piece;
    const groups = groupByInput(piece.records, faces);
    const gone = [...piece.items.keys()].filter((at) => goes[at] === true && isOwn(chunk.first + at));
    removed = addRemoved(
      removed,
      countRemoved(
        gone.map((at) => piece.items[at]!),
        gone.flatMap((at) => groups[at] ?? []),
        faces,
        labelsOf(spec),
      ),
    );
    for (const end of [chunk.first, chunk.first + chunk.count - 1]) reached.add(Math.floor(end / merge.inputs));
    staged.push({ ...chunk, status: "split", dueMs: 0, result: null });
    const pieces: MergePiece[] = [];
    for (let from = 0; from < goes.length;) {
      if (goes[from] === true) {
        from += 1;
        continue;
      }
      const to = goes.indexOf(true, from) === -1 ? goes.length : goes.indexOf(true, from);
      pieces.push(await keep(piece, from, to));
      from = to;
    }
    return pieces;
  }

  /** The inputs `from` up to `to` of a piece as a chunk of their own, its part stored. */
  async function keep(piece: MergePiece, from: number, to: number): Promise<MergePiece> {
    const { chunk } = piece;
    const [first, count] = [chunk.first + from, to - from];
    const records = groupByInput(piece.records, faces).slice(from, to).flat();
    const kept = { ...chunk, id: namePiece(first, count), first, count };
    const items = piece.items.slice(from, to);
    if (piece.body === null || chunk.result === null) {
      staged.push(kept);
      return { chunk: kept, items, records, part: null, body: null };
    }
    const body = new TextEncoder().encode(serializeRecords(records));
    const { reads, readBytes, engine } = chunk.result;
    const result = await describePart(
      { bytes: body, records },
      faces,
      { reads, readBytes, engine },
      undefined,
      labelsOf(spec),
    );
    await store.put(partKey(folder, kept.id), body, { contentType: "application/x-ndjson" });
    staged.push({ ...kept, result });
    const part = { sha256: result.sha256, bytes: body.length };
    return { chunk: { ...kept, result }, items, records, part, body };
  }

  /** The inputs of all these chunks: each run of neighbors is looked for once. */
  async function readItems(rows: readonly ChunkRow[]): Promise<ReadonlyMap<string, readonly InputItem[]>> {
    const found = new Map<string, readonly InputItem[]>();
    const windowBytes = Math.max(limits.plan.windowBytes, limits.plan.maxLineBytes);
    for (let from = 0; from < rows.length;) {
      let to = from + 1;
      while (to < rows.length && rows[to]!.first === rows[to - 1]!.first + rows[to - 1]!.count) to += 1;
      const { first } = rows[from]!;
      const count = rows[to - 1]!.first + rows[to - 1]!.count - first;
      const items = await readInputs({ store, folder, merge }, first, count, windowBytes);
      for (const row of rows.slice(from, to)) {
        found.set(row.id, items.slice(row.first - first, row.first - first + row.count));
      }
      from = to;
    }
    return found;
  }

  return {
    async *format(rows, { verdict, options }) {
      const items = await readItems(rows);
      const source = {
        ...openSource(store, spec, verdict, limits),
        folder,
        readItems: async (chunk: ChunkRow) => items.get(chunk.id) ?? [],
      };
      for await (const piece of readPieces(source, rows)) {
        const inside = (await edit(piece)).filter(
          ({ chunk }) => chunk.first < span.end && chunk.first + chunk.count > span.first,
        );
        yield inside.map((one) => formatPiece(clipPiece(one, span, faces), options));
      }
    },
    removed: () => removed,
    staged: () => staged,
    reached: () => [...reached].filter((range) => range !== number),
  };
}
