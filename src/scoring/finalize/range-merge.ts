/** The outputs of one range of a data set side by side: a piece in, bytes out, state saved between steps. */

import { type LabelFormat, PART_FILES, partName, RANGE_NAMES } from "../keys.ts";
import { ROW_BYTES } from "../manifest/output-formats.ts";
import { createGzipMembers } from "../outputs/gzip-members.ts";
import type { RowEncoder } from "../outputs/label-encoder.ts";
import { LABEL_ENCODERS } from "../outputs/label-encoders.ts";
import type { WrittenObject } from "../outputs/merged-output.ts";
import { chooseFormatting, formatEntry, planLines } from "./finalize-merge.ts";
import type { FinalizeContext } from "./finalize-context.ts";
import type { FormatOptions, FormattedPiece } from "./merge-piece.ts";
import { openStreams, type OutputStreams, type SavedOutputs, type StreamPlan } from "./merge-streams.ts";

/** What a range wrote. */
export interface RangeObjects {
  /** Those that `_SUCCESS` names. */
  readonly objects: readonly WrittenObject[];
  /** Bytes of its failed inputs, which joining copies. */
  readonly errorBytes: number;
}

/** Outputs of a range, fed in order. */
export interface RangeMerge extends Pick<OutputStreams, "add" | "save"> {
  readonly format: FormatOptions;
  /** @param records and inputs of the range */
  finish(counts: { readonly records: number; readonly inputs: number }): Promise<RangeObjects>;
}

const text = new TextEncoder();

/** Opens the outputs of a range, new or where an earlier step left them. @param partRows records that a range has, about */
export async function openRangeMerge(
  context: FinalizeContext,
  { number, generation }: { readonly number: number; readonly generation: number },
  partRows: number,
  saved: SavedOutputs | null,
): Promise<RangeMerge> {
  const { limits } = context;
  const format = chooseFormatting(context);

  function planLabels(label: LabelFormat): StreamPlan {
    const encoder = LABEL_ENCODERS[label];
    const { type } = PART_FILES[label];
    const plan = {
      name: RANGE_NAMES.labels(number, label, generation),
      type,
      expectedBytes: partRows * ROW_BYTES.labels,
    };
    if (encoder.kind === "rows")
      return { ...plan, open: compressRows(label, encoder, format, limits.dataset.gzipBytes) };
    return {
      ...plan,
      open(state) {
        const options = { groupKeys: format.groupBy, shape: format.shape, records: partRows, describes: true, limits };
        const stream = encoder.open(options, state);
        return { ...stream, encode: ({ piece }) => stream.encode(piece?.records ?? []) };
      },
    };
  }

  const bytes = partRows * ROW_BYTES.input;
  const streams = await openStreams(
    context,
    [
      ...format.formats.map(planLabels),
      planLines(RANGE_NAMES.input(number, generation), bytes, (piece) => piece.input),
      planLines(RANGE_NAMES.chunks(number, generation), bytes, describeChunk),
      planLines(RANGE_NAMES.errors(number, generation), bytes, (piece) => piece.errors),
    ],
    saved,
  );
  return {
    format,
    add: (piece) => streams.add(piece),
    save: (name) => streams.save(name),
    async finish({ records, inputs }) {
      const written = await streams.finish();
      const errors = written.at(-1);
      const objects = written.map((object, at): WrittenObject => {
        if (at < format.formats.length) return { ...object, rows: records };
        return object.name === RANGE_NAMES.input(number, generation) ? { ...object, rows: inputs } : object;
      });
      return { objects, errorBytes: errors?.bytes ?? 0 };
    },
  };
}

/** A line for the part of a chunk, as `_SUCCESS` of single files names it. */
function describeChunk({ chunk, part }: FormattedPiece): Uint8Array {
  if (part === null) return new Uint8Array();
  return text.encode(`${formatEntry({ name: partName(chunk.id), ...part }, true).trimStart()}\n`);
}

/** A text format, compressed. */
function compressRows(
  label: LabelFormat,
  encoder: RowEncoder,
  { groupBy, shape }: FormatOptions,
  memberBytes: number,
): StreamPlan["open"] {
  return (state) => {
    const members = createGzipMembers({ memberBytes, head: text.encode(encoder.head(groupBy, shape)) }, state);
    return { ...members, encode: (piece) => members.append(piece.rows[label] ?? new Uint8Array()) };
  };
}
