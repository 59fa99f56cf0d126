/** The chunks of a job with their inputs and records, as merging takes them. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { readChunkItems } from "../inputs/chunk-items.ts";
import { findSealCode } from "../job/chunk-split.ts";
import type { JobSpec } from "../job/job-spec.ts";
import type { Verdict } from "../job/job-state.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import { jobFolder, partKey } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { clipPiece } from "./clip-piece.ts";
import type { InputSpan } from "../job/merge-range.ts";
import { mapAhead } from "./map-ahead.ts";
import { type FormatOptions, formatPiece, type FormattedPiece, type MergePiece } from "./merge-piece.ts";
import { type OpenSha256, digestHex } from "../sha256.ts";
import { parsePart } from "../records/record-line.ts";
import { readObject } from "../../storage/read-object.ts";
import type { PipelineVersion, ScoreRecord } from "../records/records.ts";
import type { InputItem } from "../records/input-item.ts";
import { makePlainRecord } from "../chunk/score-record.ts";

/** Where pieces come from. */
export interface PieceSource {
  readonly store: ObjectStore;
  /** Holds the parts. */
  readonly folder: string;
  readonly spec: JobSpec;
  /** The outcome of inputs that nobody scored. */
  readonly verdict: Verdict;
  readonly limits: Pick<Limits, "maxPartBytes">;
  /** See {@link digestHex}. */
  readonly openHash?: OpenSha256 | undefined;
  /** The inputs of a chunk; called in the order of the chunks, before the previous call has ended. */
  readItems(chunk: ChunkRow): Promise<readonly InputItem[]>;
}

/**
 * The chunks in order, two ahead: four reads, so that an upload beside them stays within the limit of connections.
 * @throws ScoringError `output_conflict` if a part is not what its chunk reported; transient errors of the store
 */
export function readPieces(source: PieceSource, rows: readonly ChunkRow[]): AsyncGenerator<MergePiece> {
  return mapAhead(rows, 2, (row) => readPiece(source, row));
}

/** What is needed to read and format one chunk; plain values, which cross threads. */
export interface FormatRequest {
  readonly spec: JobSpec;
  readonly verdict: Verdict;
  readonly chunk: ChunkRow;
  /** The inputs that are wanted of it; absent: all. */
  readonly span?: InputSpan;
  readonly options: FormatOptions;
}

/** Reads and formats one chunk of a job that is being finalized. Errors as for {@link readPieces}. */
export async function formatChunk(
  deps: { openStore(name: string): ObjectStore; readonly limits: Limits; readonly openHash?: OpenSha256 },
  { spec, verdict, chunk, span, options }: FormatRequest,
): Promise<FormattedPiece> {
  const store = deps.openStore(spec.manifest.output.store);
  const source: PieceSource = { ...openSource(store, spec, verdict, deps.limits), openHash: deps.openHash };
  const piece = await readPiece(source, chunk);
  return formatPiece(span === undefined ? piece : clipPiece(piece, span, spec.manifest.faces), options);
}

/** The pieces of a job that is being finalized. */
export function openSource(store: ObjectStore, spec: JobSpec, verdict: Verdict, limits: Limits): PieceSource {
  const folder = jobFolder(spec.manifest.output.prefix, spec.id);
  return { store, folder, spec, verdict, limits, readItems: (one) => readChunkItems(store, one, limits.maxPageBytes) };
}

async function readPiece(source: PieceSource, chunk: ChunkRow): Promise<MergePiece> {
  const { store, folder, spec, verdict, limits } = source;
  const items = await source.readItems(chunk);
  if (chunk.status !== "done" || chunk.result === null) {
    const stamp = { model: spec.model, pipeline: spec.pipeline };
    const records = items.map((item) => makeUnscored(item, chunk, verdict, stamp));
    return { chunk, items, records, part: null, body: null };
  }
  const key = partKey(folder, chunk.id);
  const body = await readObject(store, key, limits.maxPartBytes);
  if (body === null) throw new ScoringError("output_conflict", `${key} is gone`);
  if ((await digestHex(body, source.openHash)) !== chunk.result.sha256) {
    throw new ScoringError("output_conflict", `${key} is not what its chunk wrote`);
  }
  const { sha256, bytes } = chunk.result;
  return { chunk, items, records: parsePart(body), part: { sha256, bytes }, body };
}

const POISONED = "the consumer died each time it scored this input";

function makeUnscored(
  item: InputItem,
  chunk: ChunkRow,
  verdict: Verdict,
  stamp: { model: string; pipeline: PipelineVersion },
): ScoreRecord {
  if (chunk.status === "sealed") {
    const code = findSealCode(chunk);
    const message = code === "item_poisoned" ? POISONED : "the store kept failing for this object while it gave others";
    return makePlainRecord(item, stamp, "failed", { code, message });
  }
  return verdict === "expired"
    ? makePlainRecord(item, stamp, "expired", { code: "item_expired", message: "the job expired before this input" })
    : makePlainRecord(item, stamp, "cancelled", { code: "item_cancelled", message: "the job ended before this input" });
}
