/** The chunks of a job with their inputs and records, as merging takes them. */

import { ScoringError } from "../errors.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import type { MergePiece } from "./finalize-merge.ts";
import type { JobSpec } from "./job-spec.ts";
import type { ChunkRow, Verdict } from "./job-state.ts";
import { partKey } from "./keys.ts";
import type { Limits } from "./limits.ts";
import { digestHex, parsePart, readObject } from "./part.ts";
import type { InputItem, PipelineVersion, ScoreRecord } from "./records.ts";
import { makePlainRecord } from "./score-record.ts";

/** Where pieces come from. */
export interface PieceSource {
  readonly store: ObjectStore;
  /** Holds the parts. */
  readonly folder: string;
  readonly spec: JobSpec;
  /** What becomes of inputs that nobody scored. */
  readonly verdict: Verdict;
  readonly limits: Pick<Limits, "maxPartBytes">;
  /** The inputs of a chunk; asked in the order of the chunks, before the last answer came. */
  readItems(chunk: ChunkRow): Promise<readonly InputItem[]>;
}

/**
 * The chunks in order, two ahead: four reads, so that an upload beside them stays within the connections.
 * @throws ScoringError `output_conflict` if a part is not what its chunk reported; transient errors of the store
 */
export async function* readPieces(source: PieceSource, rows: readonly ChunkRow[]): AsyncGenerator<MergePiece> {
  const ahead: Promise<MergePiece | { readonly error: unknown }>[] = [];
  let next = 0;
  try {
    for (let index = 0; index < rows.length; index++) {
      while (next < rows.length && next < index + 2) {
        ahead.push(readPiece(source, rows[next++]!).catch((error: unknown) => ({ error })));
      }
      const piece = await ahead.shift()!;
      if ("error" in piece) throw piece.error;
      yield piece;
    }
  } finally {
    // Whoever stops early leaves no read behind.
    await Promise.all(ahead);
  }
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
  if ((await digestHex(body)) !== chunk.result.sha256) {
    throw new ScoringError("output_conflict", `${key} is not what its chunk wrote`);
  }
  const { sha256, bytes } = chunk.result;
  return { chunk, items, records: parsePart(body), part: { sha256, bytes }, body };
}

function makeUnscored(
  item: InputItem,
  chunk: ChunkRow,
  verdict: Verdict,
  stamp: { model: string; pipeline: PipelineVersion },
): ScoreRecord {
  if (chunk.status === "sealed") {
    const message = "the consumer died each time it scored this input";
    return makePlainRecord(item, stamp, "failed", { code: "item_poisoned", message });
  }
  return verdict === "expired"
    ? makePlainRecord(item, stamp, "expired", { code: "item_expired", message: "the job expired before this input" })
    : makePlainRecord(item, stamp, "cancelled", { code: "item_cancelled", message: "the job ended before this input" });
}
