/** What every step of finalizing works with. */

import type { ReportedCard } from "../../model/reported-card.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { JobSpec } from "../job/job-spec.ts";
import type { JobState } from "../job/job-state.ts";
import type { Limits } from "../limits.ts";
import type { OpenSha256 } from "../sha256.ts";

/** What all finalizing steps of a job have in common. */
export interface FinalizeContext {
  readonly store: ObjectStore;
  readonly folder: string;
  readonly spec: JobSpec;
  readonly state: JobState;
  readonly limits: Limits;
  /** Of the model, as it was when the job was made. */
  readonly card: ReportedCard;
  /** Set if the outputs replace others, from which records were erased. */
  readonly generation?: { readonly number: number; readonly replaces: number };
  /** Hashes the outputs, if all is merged in one step; by default a hash that can be saved between steps. */
  readonly openHash?: OpenSha256;
}
