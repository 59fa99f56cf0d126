/** All merged outputs of a job side by side: a piece in, bytes out, state saved between steps. */

import { ScoringError } from "../../errors.ts";
import { LABEL_FILES, LABEL_FORMATS, type LabelFormat, OUTPUT_NAMES, partName } from "../keys.ts";
import { endStatus } from "../job/job-state.ts";
import { isEnded, JOB_STATUS_FACTS, type JobStatus } from "../job/job-status.ts";
import {
  createMergedOutput,
  type MergedOutput,
  type UploadState,
  type WrittenObject,
} from "../outputs/merged-output.ts";
import { chooseFormats, ROW_BYTES } from "../manifest/output-formats.ts";
import type { FormatOptions, FormattedPiece } from "./merge-piece.ts";
import type { LabelStream } from "../outputs/label-encoder.ts";
import { LABEL_ENCODERS } from "../outputs/label-encoders.ts";
import { choosePartBytes } from "../outputs/part-buffer.ts";
import { readObject } from "../../storage/read-object.ts";
import { type ChunkSummary, emptySummary, mergeSummaries } from "../fold/summary.ts";
import type { FinalizeContext } from "./finalize-context.ts";

/** What the checkpoint holds of a merge; the bytes that it holds lie in the store under `buffer` and `encoder`. */
export interface MergeState {
  readonly summary: ChunkSummary;
  /** Objects that the last output names so far. */
  readonly entries: number;
  readonly outputs: Readonly<Record<string, { upload: UploadState; buffer: string; encoder: string | null }>>;
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

/** A merged output, and which part of a piece goes into it. */
interface Stream {
  readonly output: MergedOutput;
  readonly take: (piece: FormattedPiece) => Uint8Array;
  /** The encoder of a format that is no list of rows. */
  readonly encoder: LabelStream | null;
}

const JSON_TYPE = "application/json";
const LINES_TYPE = LABEL_FILES.jsonl.type;

/** The type that an object is stored with: text says how it is encoded. */
const contentType = (type: string): string => (type === "text/csv" ? `${type}; charset=utf-8` : type);

/** Opens a merge, new or where an earlier step left it. */
export async function openMerge(context: FinalizeContext, saved: MergeState | null): Promise<Merge> {
  const { store, folder, spec, state, limits, openHash } = context;
  const chosen = chooseFormats(spec.manifest.output.formats, state.records, limits);
  // The order is the table's own, so that equal jobs write equal lists.
  const formats = LABEL_FORMATS.filter((format) => chosen.includes(format));
  const groupKeys = [...spec.manifest.groupBy];
  const text = new TextEncoder();
  let summary = saved?.summary ?? emptySummary({ groupBy: groupKeys, faces: spec.manifest.faces });

  const wrong = state.outcomes.failed + state.outcomes.skipped;
  const rows = { input: state.listed, errors: wrong, success: state.chunks.done, labels: state.records };
  /** An upload has a limited number of parts, and a part of each output is held at once. */
  function sizeParts(kind: keyof typeof rows): number {
    const estimatedBytes = rows[kind] * ROW_BYTES[kind];
    const partLimits = { maxParts: limits.maxMultipartParts, maxPartBytes: limits.maxMultipartBytes };
    const fits = estimatedBytes <= limits.multipartBytes * limits.maxMultipartParts;
    return fits ? limits.multipartBytes : choosePartBytes(estimatedBytes, partLimits);
  }

  async function load(key: string): Promise<Uint8Array> {
    const bytes = await readObject(store, key, limits.maxCarryBytes);
    if (bytes === null) throw new ScoringError("internal", `${key} is gone`);
    return bytes;
  }

  async function open(name: string, type: string, kind: keyof typeof rows, head = ""): Promise<MergedOutput> {
    const held = saved?.outputs[name] ?? null;
    const from = held === null ? null : { upload: held.upload, buffer: await load(held.buffer) };
    const hash = openHash === undefined ? {} : { openHash };
    const options = { store, folder, name, contentType: contentType(type), partBytes: sizeParts(kind), ...hash };
    const output = createMergedOutput(options, from);
    if (saved === null) await output.append(text.encode(head));
    return output;
  }

  async function openLabels(format: LabelFormat): Promise<Stream> {
    const { name, type } = LABEL_FILES[format];
    const encoder = LABEL_ENCODERS[format];
    if (encoder.kind === "rows") {
      const output = await open(name, type, "labels", encoder.head(groupKeys));
      return { output, take: (piece) => piece.rows[format] ?? new Uint8Array(), encoder: null };
    }
    const held = saved?.outputs[name]?.encoder ?? null;
    const state = held === null ? undefined : await load(held);
    const stream = encoder.open({ groupKeys, records: context.state.records, limits }, state);
    const output = await open(name, type, "labels");
    return { output, take: ({ piece }) => stream.encode(piece?.records ?? []), encoder: stream };
  }

  const streams: Stream[] = [
    { output: await open(OUTPUT_NAMES.input, LINES_TYPE, "input"), take: (piece) => piece.input, encoder: null },
  ];
  for (const format of formats) streams.push(await openLabels(format));
  const errors = await open(OUTPUT_NAMES.errors, LINES_TYPE, "errors");
  streams.push({ output: errors, take: (piece) => piece.errors, encoder: null });
  const { generation } = context;
  const replaced = generation && { generation: generation.number, replaces: generation.replaces };
  const status = isEnded(state.status) ? state.status : endStatus(state);
  const opening = { job: spec.id, status, manifest: spec.manifestSha256, model: spec.model, ...replaced };
  const head = `${JSON.stringify(opening).slice(0, -1)},"objects":[`;
  const last = await open(nameLast(status), JSON_TYPE, "success", head);
  let entries = saved?.entries ?? 0;

  async function addEntry(object: WrittenObject): Promise<void> {
    const { name, bytes, sha256 } = object;
    await last.append(text.encode(`${entries === 0 ? "\n" : ",\n"}${JSON.stringify({ name, bytes, sha256 })}`));
    entries += 1;
  }

  return {
    format: {
      groupBy: groupKeys,
      faces: spec.manifest.faces,
      formats,
      keepsPiece: formats.some((format) => LABEL_ENCODERS[format].kind === "stream"),
      withCanceled: context.state.verdict === "failed",
    },
    async add(piece) {
      for (const { output, take } of streams) await output.append(take(piece));
      summary = mergeSummaries(summary, piece.summary);
      if (piece.part !== null) await addEntry({ name: partName(piece.chunk.id), ...piece.part });
    },
    summary: () => summary,
    async save(name) {
      const outputs: Record<string, { upload: UploadState; buffer: string; encoder: string | null }> = {};
      for (const { output, encoder: stream } of [...streams, { output: last, encoder: null }]) {
        const buffer = name(`${output.name}.buffer`);
        await store.put(buffer, output.saveBuffer());
        const encoder = stream === null ? null : name(`${output.name}.encoder`);
        if (stream !== null && encoder !== null) await store.put(encoder, stream.save());
        outputs[output.name] = { upload: output.saveUpload(), buffer, encoder };
      }
      return { summary, entries, outputs };
    },
    async finish() {
      const written: WrittenObject[] = [];
      for (const { output, encoder } of streams) {
        if (encoder !== null) await output.append(encoder.finish());
        written.push(await output.finish());
      }
      return written;
    },
    async close(objects) {
      for (const object of objects) await addEntry(object);
      await last.append(text.encode("\n]}\n"));
      await last.finish();
    },
  };
}

/** The output that says how a job ended, by its status. */
export function nameLast(status: JobStatus): string {
  return JOB_STATUS_FACTS[status].whole ? OUTPUT_NAMES.success : OUTPUT_NAMES.failed;
}
