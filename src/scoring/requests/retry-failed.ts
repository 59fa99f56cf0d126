/** A new job over the failed and skipped inputs of an ended job. */

import { ScoringError } from "../../errors.ts";
import type { Caller } from "../access/access.ts";
import type { JobSpec } from "../job/job-spec.ts";
import { countRetried } from "../job/job-state.ts";
import { isEnded } from "../job/job-status.ts";
import { jobFolder, OUTPUT_NAMES } from "../keys.ts";
import type { SubmitDeps } from "./submit-deps.ts";
import { type Submission, submitJob } from "./submit.ts";

/**
 * Submits a job's failed inputs again.
 * @throws ScoringError `not_found`; `conflict` if the job has not ended or nothing failed; what {@link submitJob} throws
 */
export async function retryFailed(
  deps: SubmitDeps,
  jobId: string,
  options: { readonly idempotencyKey: string | null; readonly caller: Caller },
): Promise<Exclude<Submission, { kind: "dry-run" }>> {
  const known = await deps.openJob(jobId).read();
  if (known === null) throw new ScoringError("not_found", `there is no job ${jobId}`);
  const { spec, state } = known;
  if (!isEnded(state.status)) throw new ScoringError("conflict", `the job is ${state.status}, not ended`);
  if (countRetried(state) === 0) throw new ScoringError("conflict", "no input failed");
  const folder = jobFolder(spec.manifest.output.prefix, jobId, state.generation);
  const manifest = makeRetryManifest(spec, `${folder}${OUTPUT_NAMES.errors}`);
  // The list of failed inputs lies where the job's key may write, so a retry reads no more than that key may.
  const caller = { ...options.caller, grants: spec.owner?.grants ?? null };
  const submission = await submitJob(deps, manifest, { ...options, retryOf: jobId, caller });
  if (submission.kind === "dry-run") throw new ScoringError("internal", "a retry cannot be a dry run");
  return submission;
}

/** The manifest that takes up a finished job's failed and skipped inputs: its `errors.jsonl` is one. */
export function makeRetryManifest(spec: JobSpec, errorsKey: string): Record<string, unknown> {
  const { input, ...rest } = spec.manifest;
  // Failed inputs lie in the input store, the list of them in the output store.
  return { ...rest, input: { store: input.store, manifest: { store: rest.output.store, key: errorsKey } } };
}
