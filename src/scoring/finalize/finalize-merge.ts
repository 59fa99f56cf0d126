/** All merged outputs of a job side by side: a piece in, bytes out, state saved between steps. */

import { LABEL_FILES, LABEL_FORMATS, type LabelFormat, OUTPUT_NAMES, partName } from "../keys.ts";
import { labelsOf, shapeOf } from "../job/job-spec.ts";
import { endStatus } from "../job/job-state.ts";
import { isEnded, JOB_STATUS_FACTS, type JobStatus } from "../job/job-status.ts";
import type { WrittenObject } from "../outputs/merged-output.ts";
import { chooseFormats, ROW_BYTES } from "../manifest/output-formats.ts";
import type { FormatOptions, FormattedPiece } from "./merge-piece.ts";
import { openOutput, openStreams, passRows, type SavedOutputs, saveOutput, type StreamPlan } from "./merge-streams.ts";
import { LABEL_ENCODERS } from "../outputs/label-encoders.ts";
import { type ChunkSummary, emptySummary, mergeSummaries } from "../fold/summary.ts";
import type { FinalizeContext } from "./finalize-context.ts";

/** What the checkpoint holds of a merge. */
export interface MergeState {
  readonly summary: ChunkSummary;
  /** Objects that the last output names so far. */
  readonly entries: number;
  readonly outputs: SavedOutputs;
}

/** All merged outputs of a job, fed piece by piece, in order. */
export interface Merge {
  /** How pieces must be formatted for it. */
  readonly format: FormatOptions;
  add(piece: FormattedPiece): Promise<void>;
  summary(): ChunkSummary;
  save(name: (output: string) => string): Promise<MergeState>;
  /** Completes every output but the last. */
  finish(): Promise<WrittenObject[]>;
  /** Writes the last one, `_SUCCESS` or `_FAILED`: the parts that were merged, then these. */
  close(objects: readonly WrittenObject[]): Promise<void>;
}

/** How pieces must be formatted for a job's outputs. */
export function chooseFormatting({ spec, state, limits }: FinalizeContext): FormatOptions {
  const { output, groupBy, faces } = spec.manifest;
  const chosen = chooseFormats(output, state.records, limits);
  // The order is the table's own, so that equal jobs write equal lists.
  const formats = LABEL_FORMATS.filter((format) => chosen.includes(format));
  return {
    groupBy: [...groupBy],
    faces,
    shape: shapeOf(spec),
    formats,
    keepsPiece: formats.some((format) => LABEL_ENCODERS[format].kind === "stream"),
    withExamples: spec.manifest.thumbnails === true,
    withCanceled: state.verdict === "failed",
  };
}

/** Opens a merge, new or where an earlier step left it. */
export async function openMerge(context: FinalizeContext, saved: MergeState | null): Promise<Merge> {
  const { spec, state, limits } = context;
  const format = chooseFormatting(context);
  const groupKeys = format.groupBy;
  const text = new TextEncoder();
  let summary =
    saved?.summary ?? emptySummary({ groupBy: groupKeys, faces: spec.manifest.faces, labels: labelsOf(spec) });

  function planLabels(label: LabelFormat): StreamPlan {
    const { name, type } = LABEL_FILES[label];
    const expectedBytes = state.records * ROW_BYTES.labels;
    const encoder = LABEL_ENCODERS[label];
    if (encoder.kind === "rows") {
      const open = passRows((piece) => piece.rows[label] ?? new Uint8Array());
      return { name, type, expectedBytes, head: encoder.head(groupKeys, format.shape), open };
    }
    return {
      name,
      type,
      expectedBytes,
      open(held) {
        const stream = encoder.open({ groupKeys, shape: format.shape, records: state.records, limits }, held);
        return { ...stream, encode: ({ piece }) => stream.encode(piece?.records ?? []) };
      },
    };
  }

  const wrong = state.outcomes.failed + state.outcomes.skipped;
  const streams = await openStreams(
    context,
    [
      planLines(OUTPUT_NAMES.input, state.listed * ROW_BYTES.input, (piece) => piece.input),
      ...format.formats.map(planLabels),
      planLines(OUTPUT_NAMES.errors, wrong * ROW_BYTES.errors, (piece) => piece.errors),
    ],
    saved?.outputs ?? null,
  );
  const closing = {
    name: nameLast(findEnd(state)),
    type: "application/json",
    expectedBytes: state.chunks.done * ROW_BYTES.success,
    head: formatOpening(context),
  };
  const last = await openOutput(context, closing, saved?.outputs ?? null);
  let entries = saved?.entries ?? 0;

  async function addEntry(object: WrittenObject): Promise<void> {
    await last.append(text.encode(formatEntry(object, entries === 0)));
    entries += 1;
  }

  return {
    format,
    async add(piece) {
      await streams.add(piece);
      summary = mergeSummaries(summary, piece.summary);
      if (piece.part !== null) await addEntry({ name: partName(piece.chunk.id), ...piece.part });
    },
    summary: () => summary,
    async save(name) {
      const outputs = await streams.save(name);
      return { summary, entries, outputs: { ...outputs, [last.name]: await saveOutput(context, last, null, name) } };
    },
    finish: () => streams.finish(),
    async close(objects) {
      for (const object of objects) await addEntry(object);
      await last.append(text.encode(CLOSING));
      await last.finish();
    },
  };
}

/** An output of lines that pieces have as they are. */
export function planLines(
  name: string,
  expectedBytes: number,
  take: (piece: FormattedPiece) => Uint8Array,
): StreamPlan {
  return { name, type: LABEL_FILES.jsonl.type, expectedBytes, open: passRows(take) };
}

const findEnd = (state: FinalizeContext["state"]): JobStatus =>
  isEnded(state.status) ? state.status : endStatus(state);

/** What stands before the first object that the last output names. */
export function formatOpening({ spec, state, generation }: FinalizeContext): string {
  const replaced = generation && { generation: generation.number, replaces: generation.replaces };
  const opening = {
    job: spec.id,
    status: findEnd(state),
    manifest: spec.manifestSha256,
    model: spec.model,
    ...replaced,
  };
  return `${JSON.stringify(opening).slice(0, -1)},"objects":[`;
}

/** One object in the last output. */
export function formatEntry({ name, bytes, sha256, rows, partition }: WrittenObject, isFirst: boolean): string {
  const more = { ...(rows !== undefined && { rows }), ...(partition && { partition }) };
  return `${isFirst ? "\n" : ",\n"}${JSON.stringify({ name, bytes, sha256, ...more })}`;
}

/** What stands behind the last object. */
export const CLOSING = "\n]}\n";

/** The output that says how a job ended, by its status. */
export function nameLast(status: JobStatus): string {
  return JOB_STATUS_FACTS[status].whole ? OUTPUT_NAMES.success : OUTPUT_NAMES.failed;
}
