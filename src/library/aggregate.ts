/** Aggregates of records, without a job. */

import { ScoringError } from "../errors.ts";
import { FACE_FINDER } from "../model/face-levels.ts";
import type { Registry } from "../model/registry.ts";
import type { FaceMode } from "../scoring/records/face-mode.ts";
import { type ChunkSummary, emptySummary, mergeSummaries, summarize } from "../scoring/fold/summary.ts";
import { parseRecord } from "../scoring/records/record-line.ts";
import type { ScoreRecord } from "../scoring/records/records.ts";
import { buildReport, type Report } from "../scoring/report/report.ts";

/** What {@link aggregateRecords} says about the records, besides what is in them. */
export interface AggregateOptions {
  /** Name of the report. */
  readonly name?: string;
  /** Names of groups to aggregate by, at most four. */
  readonly groupBy?: readonly string[];
  /** Groups with fewer faces are not shown. Default 10. */
  readonly minGroupSize?: number;
  /** How the records were made; with `all` a picture may have several. Default `largest`. */
  readonly faces?: FaceMode;
  /** Whether the records are averages with the mirrored face. Default `none`. */
  readonly tta?: "none" | "flip";
  /** What computed them, for the provenance. Default `unknown`. */
  readonly engine?: string;
  /** When the report was made; default now. */
  readonly madeAt?: Date;
}

/**
 * The report of some records of one model.
 * @throws ScoringError `validation_failed` without a record; `internal` where records of two models or pipelines are mixed;
 * `unknown_model`
 */
export async function aggregateRecords(
  registry: Registry,
  records: AsyncIterable<ScoreRecord> | Iterable<ScoreRecord>,
  options: AggregateOptions,
): Promise<Report> {
  const { faces = "auto", groupBy = [], madeAt = new Date() } = options;
  let summary: ChunkSummary | null = null;
  for await (const piece of cut(records)) {
    const fold = { faces, groupBy, labels: (await registry.card(piece[0]!.model)).labels };
    summary = mergeSummaries(summary ?? emptySummary(fold), summarize(piece, fold));
  }
  summary ??= emptySummary({ faces, groupBy });
  const { model, pipeline } = summary;
  if (model === null || pipeline === null) {
    throw new ScoringError("validation_failed", "there are no records to aggregate");
  }
  const listed = Object.values(summary.total.inputs).reduce((sum, count) => sum + count, 0);
  const at = madeAt.toISOString();
  return buildReport(summary, {
    job: {
      id: "00000000-0000-0000-0000-000000000000",
      name: options.name ?? null,
      purpose: null,
      status: "completed",
      createdAt: at,
      finishedAt: at,
    },
    listed,
    missingChunks: 0,
    card: await registry.card(model),
    engine: options.engine ?? "unknown",
    pipeline,
    faces,
    faceFinder: faces === "aligned" ? null : FACE_FINDER,
    tta: options.tta ?? "none",
    minGroupSize: options.minGroupSize ?? 10,
  });
}

/** Records that are folded together: millions never lie in memory. */
const PIECE = 1000;

async function* cut(records: AsyncIterable<ScoreRecord> | Iterable<ScoreRecord>): AsyncGenerator<ScoreRecord[]> {
  let piece: ScoreRecord[] = [];
  for await (const record of records) {
    if (piece.push(record) < PIECE) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}

/**
 * The records of a `labels.jsonl`.
 * @param lines its bytes, or something with a body of them: a `Blob`, a `Response`, a stream
 * @throws ScoringError `validation_failed` with the line
 * @example
 * ```ts
 * for await (const record of readRecords(await fetch(url))) console.log(record.id, record.label);
 * ```
 */
export async function* readRecords(
  lines: ReadableStream<Uint8Array<ArrayBuffer>> | Blob | Response | Uint8Array<ArrayBuffer>,
): AsyncGenerator<ScoreRecord, void, undefined> {
  let held = "";
  let line = 0;
  const reader = openStream(lines).pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const whole = `${held}${value ?? ""}`.split("\n");
      held = done ? "" : (whole.pop() ?? "");
      for (const text of whole) {
        line += 1;
        if (text !== "") yield parseLine(text, line);
      }
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function openStream(
  lines: ReadableStream<Uint8Array<ArrayBuffer>> | Blob | Response | Uint8Array<ArrayBuffer>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  if (lines instanceof ReadableStream) return lines;
  if (lines instanceof Blob) return lines.stream();
  if (lines instanceof Response) return lines.body ?? new Blob().stream();
  return new Blob([lines]).stream();
}

function parseLine(text: string, line: number): ScoreRecord {
  try {
    return parseRecord(text);
  } catch (cause) {
    throw new ScoringError("validation_failed", `line ${line} is not a record`, { cause });
  }
}
