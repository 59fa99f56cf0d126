/** Removes an image's name from what a job says besides its records. Pure. */

import type { JobSpec } from "./job-spec.ts";
import type { JobState } from "./job-state.ts";
import type { JobFailure } from "./job-task.ts";
import type { EraseTarget } from "./erasure-state.ts";

/** Replaces a text that named an erased image. */
export const ERASED_TEXT = "(erased)";

/** The accepted manifest without the targets. Its hash stays that of what was submitted. */
export function scrubSpec(spec: JobSpec, targets: readonly EraseTarget[]): JobSpec {
  const { manifest } = spec;
  const { input } = manifest;
  const objects = input.objects?.filter(
    (object) => !targets.some(({ key, id }) => key === object.key && (id === null || id === (object.id ?? object.key))),
  );
  // To list one object, its key serves as the prefix.
  const isNamed = targets.some(({ key, id }) => key === input.prefix && id === null);
  const scrubbed = {
    ...input,
    ...(objects === undefined ? {} : { objects }),
    ...(isNamed ? { prefix: ERASED_TEXT } : {}),
  };
  return { ...spec, manifest: { ...manifest, input: scrubbed } };
}

/** The job's failure and findings without texts that name a target. */
export function scrubState(state: JobState, targets: readonly EraseTarget[]): JobState {
  const scrub = (text: string): string => (namesTarget(text, targets) ? ERASED_TEXT : text);
  const failure: JobFailure | null =
    state.failure === null ? null : { ...state.failure, message: scrub(state.failure.message) };
  const issues = state.issues.map((issue) => ({ ...issue, path: scrub(issue.path), message: scrub(issue.message) }));
  return { ...state, failure, issues };
}

/** Whether a text holds the key (or the id, where only that is erased) of a target, plain or as JSON writes it. */
export function namesTarget(text: string, targets: readonly EraseTarget[]): boolean {
  return targets.some(({ key, id }) => {
    const name = id ?? key;
    return text.includes(name) || text.includes(JSON.stringify(name).slice(1, -1));
  });
}
