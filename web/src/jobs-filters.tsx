/** Filters of the list of jobs, as its address holds them: `?status=failed&tag=ward-3&q=spring`, like the API's. */

import { type ReactNode, useRef } from "react";
import type { JobFilter } from "../../src/scoring/job/job-filter.ts";
import { JOB_STATUSES, type JobStatus } from "../../src/scoring/job/job-status.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { setQuery, setQueryValues } from "./route.ts";
import { describeStatus } from "./words.ts";

/** Tags that are offered without being chosen. */
const MAX_TAGS = 12;

/** Without one text, or with it at the end. */
function toggle<T extends string>(texts: readonly T[], text: T): readonly T[] {
  return texts.includes(text) ? texts.filter((one) => one !== text) : [...texts, text];
}

/** Pills for the statuses and tags that occurred so far, and a search. */
export function JobFilters(props: {
  readonly jobs: readonly JobView[];
  readonly filter: JobFilter;
  readonly children?: ReactNode;
}): ReactNode {
  const { statuses, tags, search } = props.filter;
  const seen = useSeen(props.jobs);
  const knownStatuses = JOB_STATUSES.filter((status) => seen.statuses.has(status) || statuses.includes(status));
  const knownTags = [...new Set([...tags, ...[...seen.tags].toSorted().slice(0, MAX_TAGS)])];
  return (
    <div className="list-filters">
      <ul className="pills">
        {knownStatuses.map((status) => (
          <li key={status}>
            <button
              type="button"
              aria-pressed={statuses.includes(status)}
              onClick={() => setQueryValues("status", toggle(statuses, status))}
            >
              {describeStatus(status)}
            </button>
          </li>
        ))}
        {knownTags.map((tag) => (
          <li key={`#${tag}`}>
            <button
              type="button"
              className="tag"
              aria-pressed={tags.includes(tag)}
              onClick={() => setQueryValues("tag", toggle(tags, tag))}
            >
              {tag}
            </button>
          </li>
        ))}
      </ul>
      <input
        type="search"
        aria-label="Search by name, id or model"
        placeholder="Search by name, id or model"
        value={search}
        onChange={(event) => setQuery("q", event.target.value)}
      />
      {props.children}
    </div>
  );
}

/** Statuses and tags of every job that the list has shown: a filter does not take its neighbors away. */
function useSeen(jobs: readonly JobView[]) {
  const seen = useRef({ statuses: new Set<JobStatus>(), tags: new Set<string>() });
  const { statuses, tags } = seen.current;
  // While it draws, so that the pills come with their jobs and move nothing.
  for (const job of jobs) {
    statuses.add(job.status);
    for (const tag of job.tags ?? []) tags.add(tag);
  }
  return seen.current;
}
