/** All jobs, newest first, live, a page of them at a time. */

import { type ReactNode, useCallback, useMemo, useState } from "react";
import { formatFilter, parseFilter } from "../../src/scoring/job/job-filter.ts";
import { isEnded } from "../../src/scoring/job/job-status.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { formatCount } from "../../src/scoring/report/report-format.ts";
import { api, useLoad } from "./api.ts";
import { DeadLetters } from "./dead-letters.tsx";
import { DemoOffer } from "./demo-offer.tsx";
import { BulkBar } from "./jobs-bulk.tsx";
import { JobFilters } from "./jobs-filters.tsx";
import { Failure, LabelMix, Progress, Skeleton, StatusPill, When } from "./parts.tsx";
import { formatDuration, nameJob } from "./words.ts";

const PAGE_SIZE = 25;
const NO_JOBS: readonly JobView[] = [];

/**
 * The start page. `#/jobs?before=<job>` has the jobs that are older than that one: a page keeps its jobs whatever comes or goes
 * before it, and a refresh asks for the one that is in view. `&limit=` holds at most so many; `&status=`, `&tag=` and `&q=` filter, as
 * they do in the API.
 */
export function JobsPage({ query }: { readonly query: URLSearchParams }): ReactNode {
  const before = query.get("before");
  const limit = readLimit(query);
  const wanted = formatFilter(parseFilter(query)).toString();
  const filter = useMemo(() => parseFilter(new URLSearchParams(wanted)), [wanted]);
  const isFiltered = wanted !== "";
  const load = useCallback(
    (signal: AbortSignal) => api.listJobs({ limit, filter, signal, ...(before === null ? {} : { cursor: before }) }),
    [limit, filter, before],
  );
  const { value, error, reload } = useLoad(load, (page) =>
    page.jobs.some(({ status }) => !isEnded(status)) ? 1500 : 10_000,
  );
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  const older = value?.cursor ?? null;
  const jobs = value?.jobs ?? NO_JOBS;
  const isEmpty = value !== null && jobs.length === 0;
  const nowMs = Date.now();
  const choose = (id: string): void =>
    setChosen((ids) => new Set(ids?.has(id) === true ? [...ids].filter((one) => one !== id) : [...(ids ?? []), id]));
  return (
    <>
      <div className="head">
        <h1>{before === null ? "Jobs" : "Older jobs"}</h1>
        <a className="button primary" href="#/new">
          New job
        </a>
      </div>
      {error !== null && <Failure error={error} />}
      {before === null && <DeadLetters />}
      {value === null && error === null && <Skeleton rows={4} words="Loading the jobs" />}
      {isEmpty && !isFiltered && (before === null ? <NoJobs /> : <p className="quiet">No job is older.</p>)}
      {value !== null && (!isEmpty || isFiltered) && (
        <JobFilters jobs={jobs} filter={filter}>
          {chosen === null && !isEmpty && (
            <button type="button" onClick={() => setChosen(new Set())}>
              Choose several
            </button>
          )}
        </JobFilters>
      )}
      {isEmpty && isFiltered && (
        <p className="quiet" role="status">
          No job passes the filters. <a href="#/jobs">Show all</a>
        </p>
      )}
      {chosen !== null && (
        <BulkBar chosen={jobs.filter(({ id }) => chosen.has(id))} done={reload} close={() => setChosen(null)} />
      )}
      <ul className={`jobs ${chosen === null ? "" : "choosing"}`}>
        {jobs.map((job) => (
          <li key={job.id} className="card job-row">
            {chosen !== null && (
              <input
                type="checkbox"
                aria-label={`Choose ${nameJob(job)}`}
                checked={chosen.has(job.id)}
                onChange={() => choose(job.id)}
              />
            )}
            <JobRow job={job} nowMs={nowMs} />
          </li>
        ))}
      </ul>
      {(before !== null || older !== null) && (
        <nav className="row" aria-label="Pages of jobs">
          {before !== null && (
            <a className="button" href={makeAddress(query, null)}>
              Newest jobs
            </a>
          )}
          {older !== null && (
            <a className="button" href={makeAddress(query, older)}>
              Older jobs
            </a>
          )}
        </nav>
      )}
    </>
  );
}

/** Jobs per page, 1 to 100; what is no such number counts as not said. */
function readLimit(query: URLSearchParams): number {
  const limit = Number(query.get("limit"));
  return Number.isInteger(limit) && limit >= 1 && limit <= LIMITS.maxJobsPerPage ? limit : PAGE_SIZE;
}

/** The page before a job, or the first. */
function makeAddress(query: URLSearchParams, before: string | null): string {
  const wanted = new URLSearchParams(query);
  wanted.delete("before");
  if (before !== null) wanted.set("before", before);
  return wanted.size === 0 ? "#/jobs" : `#/jobs?${wanted}`;
}

function NoJobs(): ReactNode {
  return (
    <section className="card empty">
      <h2>No job yet</h2>
      <p>Drop a folder of pictures and see its labels a moment later.</p>
      <div className="row centered">
        <a className="button primary" href="#/new">
          Start the first job
        </a>
        <DemoOffer />
      </div>
    </section>
  );
}

function JobRow({ job, nowMs }: { readonly job: JobView; readonly nowMs: number }): ReactNode {
  const { counts } = job;
  const failed = Object.values(counts.errors).reduce((sum, count) => sum + count, 0);
  const ended = isEnded(job.status);
  const rest = counts.outcomes.cancelled;
  return (
    <>
      <span className="job-title">
        <a className="job-name" href={`#/jobs/${job.id}`}>
          {nameJob(job)}
        </a>
        {(job.tags ?? []).map((tag) => (
          <a key={tag} className="tag" href={`#/jobs?tag=${encodeURIComponent(tag)}`}>
            {tag}
          </a>
        ))}
      </span>
      <span className="job-mix">
        {ended ? <LabelMix counts={counts.labels} labels={counts.labelNames} /> : <Progress job={job} />}
      </span>
      <StatusPill status={job.status} pausedFor={job.pausedFor} open={job.open} />
      <span className="job-figures">
        {job.status === "cancelled" ? (
          <>
            {formatCount(counts.finished - rest)} of {formatCount(counts.listed)} pictures done before it was canceled
          </>
        ) : (
          <>
            {formatCount(counts.finished)} of {formatCount(counts.listed)}
            {counts.planned ? "" : "+"} pictures
          </>
        )}
        {failed > 0 && <> · {formatCount(failed)} without a label</>}
        {job.rate !== null && !ended && <> · {job.rate.toFixed(1)} per second</>}
        {job.etaSeconds !== null && job.etaSeconds > 0 && <> · {formatDuration(job.etaSeconds)} left</>} · {job.model}
        {job.execution !== "edge" && !ended && <> · can be computed in this browser</>}
      </span>
      <When iso={job.createdAt} nowMs={nowMs} />
    </>
  );
}
