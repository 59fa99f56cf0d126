import { ScoringError } from "../../src/errors.ts";
import { suggest } from "../../src/scoring/manifest/did-you-mean.ts";
import type { JobFilter } from "../../src/scoring/job/job-filter.ts";
import { JOB_STATUSES } from "../../src/scoring/job/job-status.ts";

/** Texts of an option that holds several, separated by commas. */
export function readTexts(text: string | undefined): readonly string[] {
  return (text ?? "").split(",").flatMap((one) => (one.trim() === "" ? [] : [one.trim()]));
}

/** The filter of `list`. @throws ScoringError `validation_failed` for a status that there is not */
export function readFilter(flags: {
  readonly status?: string | undefined;
  readonly tag?: string | undefined;
  readonly search?: string | undefined;
}): JobFilter {
  const statuses = readTexts(flags.status).map((text) => {
    const known = JOB_STATUSES.find((status) => status === text);
    if (known !== undefined) return known;
    const detail = `no status is named ${text}${suggest(text, JOB_STATUSES)}; there are ${JOB_STATUSES.join(", ")}`;
    throw new ScoringError("validation_failed", detail);
  });
  return { statuses, tags: readTexts(flags.tag), search: flags.search ?? "" };
}
