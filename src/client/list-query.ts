/** What a list of jobs is asked for. */

import { formatFilter, type JobFilter, NO_FILTER } from "../scoring/job/job-filter.ts";

/** A page of the list: at most `limit` jobs older than that of `cursor`, which pass the filter. */
export interface ListOptions {
  readonly cursor?: string;
  readonly limit?: number;
  readonly filter?: JobFilter;
  readonly signal?: AbortSignal;
}

/** The path of the request. */
export function listPath({ cursor, limit = 50, filter = NO_FILTER }: ListOptions): string {
  const query = formatFilter(filter);
  query.set("limit", String(limit));
  if (cursor !== undefined) query.set("cursor", cursor);
  return `/v1/jobs?${query}`;
}
