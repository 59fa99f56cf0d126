/** Which jobs a list holds: the same for the API, the console's address and the command line. */

import { JOB_STATUSES, type JobStatus } from "./job-status.ts";

/** What a job must be to be listed. */
export interface JobFilter {
  /** One of these; any where there are none. */
  readonly statuses: readonly JobStatus[];
  /** All of these. */
  readonly tags: readonly string[];
  /** A part of the name, the id or the model, in any case; empty: all. */
  readonly search: string;
}

/** Every job. */
export const NO_FILTER: JobFilter = { statuses: [], tags: [], search: "" };

/** `status=failed&status=expired&tag=ward-3&q=spring`; empty for every job. */
export function formatFilter({ statuses, tags, search }: JobFilter): URLSearchParams {
  return new URLSearchParams([
    ...statuses.map((status) => ["status", status]),
    ...tags.map((tag) => ["tag", tag]),
    ...(search === "" ? [] : [["q", search]]),
  ]);
}

/** The filter of an address; a status that there is not counts as not said. */
export function parseFilter(query: URLSearchParams): JobFilter {
  const statuses = query.getAll("status").flatMap((text) => JOB_STATUSES.find((status) => status === text) ?? []);
  return { statuses, tags: query.getAll("tag"), search: query.get("q") ?? "" };
}
