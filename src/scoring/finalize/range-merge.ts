/** The outputs of one range of a data set side by side: a piece in, bytes out, state saved between steps. */

import { partName, RANGE_NAMES } from "../keys.ts";
import { ROW_BYTES } from "../manifest/output-formats.ts";
import type { WrittenObject } from "../outputs/merged-output.ts";
import { chooseFormatting, formatEntry, planLines } from "./finalize-merge.ts";
import type { FinalizeContext } from "./finalize-context.ts";
import type { FormatOptions, FormattedPiece } from "./merge-piece.ts";
import { openStreams, type OutputStreams, type SavedOutputs } from "./merge-streams.ts";
import { planPartLabels } from "./part-labels.ts";

/** What a range wrote. */
export interface RangeObjects {
  /** Those that `_SUCCESS` names. */
  readonly objects: readonly WrittenObject[];
  /** Bytes of its failed inputs, which joining copies. */
  readonly errorBytes: number;
}

/** Outputs of a range, fed in order. */
export interface RangeMerge extends Pick<OutputStreams, "add" | "save"> {
  /** How pieces must be formatted for it. */
  readonly format: FormatOptions;
  /** @param records and inputs of the range */
  finish(counts: { readonly records: number; readonly inputs: number }): Promise<RangeObjects>;
}

const text = new TextEncoder();

/**
 * Opens the outputs of a range, new or where an earlier step left them. Labels that are sorted by partition first are not among them.
 * @param partRows records that a range has, about
 */
export async function openRangeMerge(
  context: FinalizeContext,
  { number, generation }: { readonly number: number; readonly generation: number },
  partRows: number,
  saved: SavedOutputs | null,
): Promise<RangeMerge> {
  const { limits, spec } = context;
  const chosen = chooseFormatting(context);
  const isSorted = spec.manifest.output.partitionBy !== undefined;
  const format = isSorted ? { ...chosen, formats: [], keepsPiece: true } : chosen;
  const labels = planPartLabels(
    format,
    { records: partRows, nameOf: (label) => RANGE_NAMES.labels(number, label, generation) },
    limits,
  );
  const bytes = partRows * ROW_BYTES.input;
  const streams = await openStreams(
    context,
    [
      ...labels,
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
