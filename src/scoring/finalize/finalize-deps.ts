/** What finalization works with. */

import type { ModelCard } from "../../model/card.ts";
import type { ReportedCard } from "../../model/reported-card.ts";
import type { LendScorer } from "../chunk/scorer.ts";
import type { JobSpec } from "../job/job-spec.ts";
import type { PriorRunDeps } from "../prior/prior-run.ts";
import type { OpenSha256 } from "../sha256.ts";
import type { FormatRequest } from "./finalize-pieces.ts";
import type { FormattedPiece } from "./merge-piece.ts";

/** What finalization works with. */
export interface FinalizeDeps extends PriorRunDeps {
  /** Asked for jobs of before their cards were kept alone. */
  readCard(model: string): Promise<ModelCard>;
  /** Other threads, if there are any. Absent: all work is done here. */
  readonly formatting?: {
    readonly threads: number;
    /** Has another thread read and format a chunk. */
    formatChunk(request: FormatRequest): Promise<FormattedPiece>;
    /** Lets the other threads' answers arrive. */
    listen(): Promise<void>;
  };
  /** Lends what decodes pictures, for reports that show faces; absent: they show none. */
  readonly withScorer?: LendScorer;
  /** See `FinalizeContext.openHash`. */
  readonly openHash?: OpenSha256;
}

/** What the report says of the model: the card as it was when the job was made. @throws ScoringError `unknown_model` */
export async function readReportedCard(deps: Pick<FinalizeDeps, "readCard">, spec: JobSpec): Promise<ReportedCard> {
  return spec.card?.reported ?? deps.readCard(spec.model);
}
