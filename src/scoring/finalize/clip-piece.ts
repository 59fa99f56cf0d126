/** The share of a chunk that falls into one range of a data set. */

import type { InputSpan } from "../job/merge-range.ts";
import type { FaceMode } from "../records/face-mode.ts";
import { groupByInput } from "../records/record-groups.ts";
import type { MergePiece } from "./merge-piece.ts";

/** A piece without the inputs outside of the span; the part is counted where its first input is. */
export function clipPiece(piece: MergePiece, span: InputSpan, faces: FaceMode): MergePiece {
  const { chunk } = piece;
  if (chunk.first >= span.first && chunk.first + chunk.count <= span.end) return piece;
  const from = Math.max(0, span.first - chunk.first);
  const to = Math.min(chunk.count, span.end - chunk.first);
  return {
    chunk: { ...chunk, first: chunk.first + from, count: to - from },
    items: piece.items.slice(from, to),
    records: groupByInput(piece.records, faces).slice(from, to).flat(),
    part: from === 0 ? piece.part : null,
    body: null,
  };
}
