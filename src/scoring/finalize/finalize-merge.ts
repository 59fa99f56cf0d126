/** All merged outputs of a job side by side: a piece in, bytes out, state saved between steps. */

import type { ModelCard } from "../../model/card.ts";
import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { JobSpec } from "../job/job-spec.ts";
import { endStatus, isEnded, type JobState, type JobStatus } from "../job/job-state.ts";
import { OUTPUT_NAMES, partName } from "../keys.ts";
import type { Limits } from "../limits.ts";
import {
  createMergedOutput,
  type MergedOutput,
  type UploadState,
  type WrittenObject,
} from "../outputs/merged-output.ts";
import { chooseFormats, ROW_BYTES } from "../manifest/output-formats.ts";
import type { FormatOptions, FormattedPiece } from "./merge-piece.ts";
import { chooseRowGroupRows, createParquetEncoder, type ParquetEncoder } from "../outputs/labels-parquet.ts";
import { choosePartBytes } from "../outputs/part-buffer.ts";
import type { OpenSha256 } from "../sha256.ts";
import { formatHead, type TextFormat } from "../outputs/text-rows.ts";
import { readObject } from "../chunk/part.ts";
import { type ChunkSummary, emptySummary, mergeSummaries } from "../fold/summary.ts";

/** What all finalising steps of a job have in common. */
export interface FinalizeContext {
  readonly store: ObjectStore;
  readonly folder: string;
  readonly spec: JobSpec;
  readonly state: JobState;
  readonly limits: Limits;
  readonly card: ModelCard;
  /** Set where the outputs replace others that hold records which were erased. */
  readonly generation?: { readonly number: number; readonly replaces: number };
  /** What hashes the outputs, where all is merged in one step; absent: a hash that can be saved between steps. */
  readonly openHash?: OpenSha256;
}

/** What the checkpoint holds of a merge; the held bytes lie in the store under `buffer` and `encoder`. */
export interface MergeState {
  readonly summary: ChunkSummary;
  /** Objects that the last output names so far. */
  readonly entries: number;
  readonly outputs: Readonly<Record<string, { upload: UploadState; buffer: string; encoder: string | null }>>;
}

/** All merged outputs of a job, fed piece by piece, in order. */
export interface Merge {
  /** How pieces are to be formatted for it. */
  readonly format: FormatOptions;
  add(piece: FormattedPiece): Promise<void>;
  summary(): ChunkSummary;
  save(name: (output: string) => string): Promise<MergeState>;
  /** Completes every output but the last. */
  finish(): Promise<WrittenObject[]>;
  /** Writes the last one, `_SUCCESS` or `_FAILED`: the parts that were merged, then these. */
  close(objects: readonly WrittenObject[]): Promise<void>;
}

/** A merged output, and the part of a piece that goes into it. */
interface Stream {
  readonly output: MergedOutput;
  readonly take: (piece: FormattedPiece) => Uint8Array;
  readonly parquet: ParquetEncoder | null;
}

const CONTENT_TYPES = {
  jsonl: "application/x-ndjson",
  csv: "text/csv; charset=utf-8",
  parquet: "application/vnd.apache.parquet",
  json: "application/json",
} as const;

/** Opens a merge, new or where an earlier step left it. */
export async function openMerge(context: FinalizeContext, saved: MergeState | null): Promise<Merge> {
  const { store, folder, spec, state, limits, openHash } = context;
  const formats = chooseFormats(spec.manifest.output.formats, state.records, limits);
  const groupKeys = [...spec.manifest.groupBy];
  const rowGroupRows = chooseRowGroupRows(state.records, {
    minRows: limits.minParquetRowGroupRows,
    maxRows: limits.maxParquetRowGroupRows,
    targetGroups: limits.targetParquetRowGroups,
  });
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

  async function open(
    name: string,
    type: keyof typeof CONTENT_TYPES,
    kind: keyof typeof rows,
    head = "",
  ): Promise<MergedOutput> {
    const held = saved?.outputs[name] ?? null;
    const from = held === null ? null : { upload: held.upload, buffer: await load(held.buffer) };
    const hash = openHash === undefined ? {} : { openHash };
    const options = { store, folder, name, contentType: CONTENT_TYPES[type], partBytes: sizeParts(kind), ...hash };
    const output = createMergedOutput(options, from);
    if (saved === null) await output.append(text.encode(head));
    return output;
  }

  async function openRows(name: string, format: TextFormat, kind: keyof typeof rows): Promise<Stream> {
    const output = await open(name, format === "csv" ? "csv" : "jsonl", kind, formatHead(format, groupKeys));
    return { output, take: (piece) => piece.rows[format] ?? new Uint8Array(), parquet: null };
  }

  async function openParquet(): Promise<Stream> {
    const name = OUTPUT_NAMES.labelsParquet;
    const held = saved?.outputs[name]?.encoder ?? null;
    const parquet = createParquetEncoder({ groupKeys, rowGroupRows }, held === null ? undefined : await load(held));
    const output = await open(name, "parquet", "labels");
    return { output, take: ({ piece }) => parquet.encode(piece?.records ?? []), parquet };
  }

  const streams: Stream[] = [
    { output: await open(OUTPUT_NAMES.input, "jsonl", "input"), take: (piece) => piece.input, parquet: null },
  ];
  const { labelsJsonl, labelsCsv, errors } = OUTPUT_NAMES;
  if (formats.includes("jsonl")) streams.push(await openRows(labelsJsonl, "jsonl", "labels"));
  if (formats.includes("csv")) streams.push(await openRows(labelsCsv, "csv", "labels"));
  if (formats.includes("parquet")) streams.push(await openParquet());
  streams.push(await openRows(errors, "errors", "errors"));
  const { generation } = context;
  const replaced = generation && { generation: generation.number, replaces: generation.replaces };
  const status = isEnded(state.status) ? state.status : endStatus(state);
  const opening = { job: spec.id, status, manifest: spec.manifestSha256, model: spec.model, ...replaced };
  const head = `${JSON.stringify(opening).slice(0, -1)},"objects":[`;
  const last = await open(nameLast(status), "json", "success", head);
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
      formats: [...formats.filter((format) => format !== "parquet"), "errors"],
      keepsPiece: formats.includes("parquet"),
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
      for (const { output, parquet } of [...streams, { output: last, parquet: null }]) {
        const buffer = name(`${output.name}.buffer`);
        await store.put(buffer, output.saveBuffer());
        const encoder = parquet === null ? null : name(`${output.name}.encoder`);
        if (parquet !== null && encoder !== null) await store.put(encoder, parquet.save());
        outputs[output.name] = { upload: output.saveUpload(), buffer, encoder };
      }
      return { summary, entries, outputs };
    },
    async finish() {
      const written: WrittenObject[] = [];
      for (const { output, parquet } of streams) {
        if (parquet !== null) await output.append(parquet.finish());
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
  const isWhole = status === "completed" || status === "completed_with_errors";
  return isWhole ? OUTPUT_NAMES.success : OUTPUT_NAMES.failed;
}
