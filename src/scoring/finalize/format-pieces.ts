/** The chunks of a step, read and formatted: here, or on other threads too where there are any. */

import type { InputSpan } from "../job/merge-range.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import type { Verdict } from "../job/job-state.ts";
import { isTransient } from "../../storage/retry.ts";
import { clipPiece } from "./clip-piece.ts";
import type { FinalizeContext } from "./finalize-context.ts";
import type { FinalizeDeps } from "./finalize-deps.ts";
import { formatChunk, type FormatRequest, openSource, readPieces } from "./finalize-pieces.ts";
import { mapShared } from "./map-ahead.ts";
import { type FormatOptions, formatPiece, type FormattedPiece } from "./merge-piece.ts";

/** How the pieces of a step are formatted. */
export interface PieceFormat {
  readonly verdict: Verdict;
  readonly options: FormatOptions;
  /** The inputs that are wanted; absent: all of every chunk. */
  readonly span?: InputSpan;
}

/** Ends before the first piece that its store does not give, unless it is the first of all: what was merged by then is kept. */
export async function* untilTrouble<T>(pieces: AsyncIterable<T>): AsyncGenerator<T> {
  let given = 0;
  try {
    for await (const piece of pieces) {
      yield piece;
      given += 1;
    }
  } catch (error) {
    if (given === 0 || !isTransient(error)) throw error;
  }
}

/** The pieces in order. Errors as for {@link readPieces}. */
export async function* formatPieces(
  deps: FinalizeDeps,
  { store, spec, limits }: FinalizeContext,
  rows: readonly ChunkRow[],
  { verdict, options, span }: PieceFormat,
): AsyncGenerator<FormattedPiece> {
  const { formatting } = deps;
  if (formatting !== undefined) {
    const request = (chunk: ChunkRow): FormatRequest => ({ spec, verdict, chunk, options, ...(span && { span }) });
    // More than one per thread: while one result is on its way back, the thread has the next chunk.
    yield* mapShared(
      rows,
      4 * (formatting.threads - 1),
      (chunk) => formatting.formatChunk(request(chunk)),
      async (chunk) => {
        const formatted = await formatChunk(deps, request(chunk));
        await formatting.listen();
        return formatted;
      },
    );
    return;
  }
  // One at a time: what is read ahead is held once, not again in every format.
  for await (const piece of readPieces(openSource(store, spec, verdict, limits), rows)) {
    yield formatPiece(span === undefined ? piece : clipPiece(piece, span, spec.manifest.faces), options);
  }
}
