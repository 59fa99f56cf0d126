/** All merged outputs of a job side by side: a piece in, bytes out, state saved between steps. */

import type { ModelCard } from "../model/card.ts";
import { ScoringError } from "../errors.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import type { JobSpec } from "./job-spec.ts";
import type { JobState } from "./job-state.ts";
import { OUTPUT_NAMES, partName } from "./keys.ts";
import type { Limits } from "./limits.ts";
import { createMergedOutput, type MergedOutput, type UploadState, type WrittenObject } from "./merged-output.ts";
import { chooseFormats } from "./output-formats.ts";
import { chooseRowGroupRows } from "./outputs/labels-parquet.ts";
import { createOutputEncoder, type OutputEncoder, type OutputFormat } from "./outputs/output-encoder.ts";
import { choosePartBytes } from "./outputs/part-buffer.ts";
import { readObject } from "./part.ts";
import { serializeItem } from "./plan.ts";
import type { ChunkRow } from "./job-state.ts";
import type { InputItem, ScoreRecord } from "./records.ts";
import { type ChunkSummary, emptySummary, mergeSummaries, summarise } from "./summary.ts";

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
}

/** One chunk with all that its outputs need. */
export interface MergePiece {
  readonly chunk: ChunkRow;
  readonly items: readonly InputItem[];
  readonly records: readonly ScoreRecord[];
  /** SHA-256 and bytes of the part object; `null` for a chunk without one. */
  readonly part: { readonly sha256: string; readonly bytes: number } | null;
  /** The part as it is stored: the lines of `records`, byte for byte. */
  readonly body: Uint8Array | null;
}

/** What the checkpoint holds of a merge; the held bytes lie in the store under `buffer` and `encoder`. */
export interface MergeState {
  readonly summary: ChunkSummary;
  /** Objects that `_SUCCESS` names so far. */
  readonly entries: number;
  readonly outputs: Readonly<Record<string, { upload: UploadState; buffer: string; encoder: string | null }>>;
}

/** All merged outputs of a job, fed piece by piece. */
export interface Merge {
  add(piece: MergePiece): Promise<void>;
  summary(): ChunkSummary;
  save(name: (output: string) => string): Promise<MergeState>;
  /** Completes every output but `_SUCCESS`. */
  finish(): Promise<WrittenObject[]>;
  /** Writes `_SUCCESS`: the parts that were merged, then these. */
  success(objects: readonly WrittenObject[]): Promise<void>;
}

interface Stream {
  readonly output: MergedOutput;
  readonly encoder: OutputEncoder | null;
}

const CONTENT_TYPES = {
  jsonl: "application/x-ndjson",
  csv: "text/csv; charset=utf-8",
  parquet: "application/vnd.apache.parquet",
  json: "application/json",
} as const;

/** Bytes of a row, twice what is usual: a record has about 800, and a key may be long. */
const ROW_BYTES = { labels: 1600, input: 1000, errors: 1000, success: 250 } as const;

/** Opens a merge, new or where an earlier step left it. */
export async function openMerge(context: FinalizeContext, saved: MergeState | null): Promise<Merge> {
  const { store, folder, spec, state, limits } = context;
  const formats = chooseFormats(spec.manifest.output.formats, state.records, limits);
  const groupKeys = [...spec.manifest.groupBy];
  const rowGroupRows = chooseRowGroupRows(state.records, {
    minRows: limits.minParquetRowGroupRows,
    maxRows: limits.maxParquetRowGroupRows,
    targetGroups: limits.targetParquetRowGroups,
  });
  const summaryOptions = { groupBy: groupKeys, faces: spec.manifest.faces };
  const text = new TextEncoder();
  let summary = saved?.summary ?? emptySummary(summaryOptions);

  const wrong = state.outcomes.failed + state.outcomes.skipped;
  const rows = { input: state.listed, errors: wrong, success: state.chunks.done, labels: state.records };
  /** An upload has a limited number of parts, and a part of each output is held at once. */
  function sizeParts(kind: keyof typeof rows): number {
    const estimatedBytes = rows[kind] * ROW_BYTES[kind];
    const partLimits = { maxParts: limits.maxMultipartParts, maxPartBytes: limits.maxMultipartBytes };
    const fits = estimatedBytes <= limits.multipartBytes * limits.maxMultipartParts;
    return fits ? limits.multipartBytes : choosePartBytes(estimatedBytes, partLimits);
  }

  async function open(
    name: string,
    type: keyof typeof CONTENT_TYPES,
    format: OutputFormat | null,
    kind: keyof typeof rows,
  ): Promise<Stream> {
    const held = saved?.outputs[name] ?? null;
    const load = async (key: string): Promise<Uint8Array> => {
      const bytes = await readObject(store, key, limits.maxCarryBytes);
      if (bytes === null) throw new ScoringError("internal", `${key} is gone`);
      return bytes;
    };
    const from = held === null ? null : { upload: held.upload, buffer: await load(held.buffer) };
    const encoderState = held === null || held.encoder === null ? undefined : await load(held.encoder);
    return {
      output: createMergedOutput(store, folder, name, CONTENT_TYPES[type], sizeParts(kind), from),
      encoder: format === null ? null : createOutputEncoder(format, { groupKeys, rowGroupRows }, encoderState),
    };
  }

  const input = await open(OUTPUT_NAMES.input, "jsonl", null, "input");
  const errors = await open(OUTPUT_NAMES.errors, "jsonl", "errors", "errors");
  const success = await open(OUTPUT_NAMES.success, "json", null, "success");
  const lines = formats.includes("jsonl") ? await open(OUTPUT_NAMES.labelsJsonl, "jsonl", "jsonl", "labels") : null;
  const labels: Stream[] = [];
  if (formats.includes("csv")) labels.push(await open(OUTPUT_NAMES.labelsCsv, "csv", "csv", "labels"));
  if (formats.includes("parquet")) labels.push(await open(OUTPUT_NAMES.labelsParquet, "parquet", "parquet", "labels"));
  const merged = [input, ...(lines === null ? [] : [lines]), ...labels, errors];
  if (saved === null) {
    const { generation } = context;
    const replaced = generation && { generation: generation.number, replaces: generation.replaces };
    const head = { job: spec.id, manifest: spec.manifestSha256, model: spec.model, ...replaced };
    await success.output.append(text.encode(`${JSON.stringify(head).slice(0, -1)},"objects":[`));
  }
  let entries = saved?.entries ?? 0;

  async function addEntry(object: WrittenObject): Promise<void> {
    const { name, bytes, sha256 } = object;
    await success.output.append(
      text.encode(`${entries === 0 ? "\n" : ",\n"}${JSON.stringify({ name, bytes, sha256 })}`),
    );
    entries += 1;
  }

  return {
    async add({ chunk, items, records, part, body }) {
      const byId = new Map(items.map((item) => [item.id, item]));
      const findItem = (record: ScoreRecord): InputItem | null => byId.get(record.id) ?? null;
      await input.output.append(text.encode(items.map((item) => `${serializeItem(item)}\n`).join("")));
      // A part holds the very lines: they are not written anew.
      if (lines !== null) await lines.output.append(body ?? lines.encoder!.encode(records));
      for (const { output, encoder } of [...labels, errors]) await output.append(encoder!.encode(records, findItem));
      summary = mergeSummaries(summary, summarise(records, summaryOptions));
      if (part !== null) await addEntry({ name: partName(chunk.id), ...part });
    },
    summary: () => summary,
    async save(name) {
      const outputs: Record<string, { upload: UploadState; buffer: string; encoder: string | null }> = {};
      for (const { output, encoder } of [...merged, success]) {
        const buffer = name(`${output.name}.buffer`);
        await store.put(buffer, output.saveBuffer());
        const encoderKey = encoder === null ? null : name(`${output.name}.encoder`);
        if (encoder !== null && encoderKey !== null) await store.put(encoderKey, encoder.save());
        outputs[output.name] = { upload: output.saveUpload(), buffer, encoder: encoderKey };
      }
      return { summary, entries, outputs };
    },
    async finish() {
      const written: WrittenObject[] = [];
      for (const { output, encoder } of merged) {
        if (encoder !== null) await output.append(encoder.finish());
        written.push(await output.finish());
      }
      return written;
    },
    async success(objects) {
      for (const object of objects) await addEntry(object);
      await success.output.append(text.encode("\n]}\n"));
      await success.output.finish();
    },
  };
}
