/** Every promise of the batch engine with the test that holds it, and one way to break it that this test must see. */

import { HOSTILE_BYTES } from "./hostile-bytes.ts";
import { INPUTS_AND_STORES } from "./inputs-and-stores.ts";
import { JOB_MACHINE } from "./job-machine.ts";
import { OPEN_JOBS } from "./open-jobs.ts";
import { OPERATIONS } from "./operations.ts";
import { OUTPUTS } from "./outputs.ts";
import { NEWS_AND_NIGHTS } from "./news-and-nights.ts";
import { OPTIONAL_PICTURES } from "./optional-pictures.ts";
import { PLATFORM_LIMITS } from "./platform-limits.ts";
import { STRANGERS_MODELS } from "./strangers-models.ts";
import { TROUBLE } from "./trouble.ts";
import type { Mutation } from "./mutation.ts";

/** In the order of docs/proofs.md. */
export const MUTATIONS: readonly Mutation[] = [
  ...INPUTS_AND_STORES,
  ...JOB_MACHINE,
  ...OPEN_JOBS,
  ...OUTPUTS,
  ...NEWS_AND_NIGHTS,
  ...PLATFORM_LIMITS,
  ...TROUBLE,
  ...HOSTILE_BYTES,
  ...OPTIONAL_PICTURES,
  ...OPERATIONS,
  ...STRANGERS_MODELS,
];
