/** All jobs, newest first, live, a page of them at a time. */

import { type ReactNode, useCallback } from "react";
import { isEnded, JOB_STATUSES } from "../../src/scoring/job/job-status.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { formatCount } from "../../src/scoring/report/report-format.ts";
import { api, useLoad } from "./api.ts";
import { DemoOffer } from "./demo-offer.tsx";
import { Failure, LabelMix, Progress, Skeleton, StatusPill, When } from "./parts.tsx";
import { setQuery } from "./route.ts";
import { describeStatus, formatDuration, nameJob } from "./words.ts";

const PAGE_SIZE = 25;

/** What the list shows, from the address. */
interface ListFilters {
  readonly status: string | null;
  /** Part of the name, the id or the model, in any case. */
  readonly search: string;
}

/**
 * The start page. `#/jobs?before=<job>` has the jobs that are older than that one: a page keeps its jobs whatever comes or goes
 * before it, and a refresh asks for the one that is in view. `&limit=` holds at most so many; `&status=` and `&q=` filter the page.
 */
export function JobsPage({ query }: { readonly query: URLSearchParams }): ReactNode {
  const before = query.get("before");
  const limit = readLimit(query);
  const load = useCallback(
    (signal: AbortSignal) => api.listJobs({ limit, signal, ...(before === null ? {} : { cursor: before }) }),
    [limit, before],
  );
  const { value, error } = useLoad(load, (page) => (page.jobs.some(({ status }) => !isEnded(status)) ? 1500 : 10_000));
  const older = value?.cursor ?? null;
  const filters: ListFilters = { status: query.get("status"), search: query.get("q")?.toLowerCase() ?? "" };
  const jobs = (value?.jobs ?? []).filter((job) => passes(job, filters));
  const nowMs = Date.now();
  return (
    <>
      <div className="head">
        <h1>{before === null ? "Jobs" : "Older jobs"}</h1>
        <a className="button primary" href="#/new">
          New job
        </a>
      </div>
      {error !== null && <Failure error={error} />}
      {value === null && error === null && <Skeleton rows={4} words="Loading the jobs" />}
      {value?.jobs.length === 0 && (before === null ? <NoJobs /> : <p className="quiet">No job is older.</p>)}
      {value !== null && value.jobs.length > 0 && <Filters jobs={value.jobs} filters={filters} />}
      {value !== null && value.jobs.length > 0 && jobs.length === 0 && (
        <p className="quiet" role="status">
          None of these jobs passes the filters.
        </p>
      )}
      <ul className="jobs">
        {jobs.map((job) => (
          <li key={job.id} className="card job-row">
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

function passes(job: JobView, { status, search }: ListFilters): boolean {
  if (status !== null && job.status !== status) return false;
  return search === "" || [nameJob(job), job.id, job.model].some((text) => text.toLowerCase().includes(search));
}

/** A pill for each status that occurs. */
function Filters({ jobs, filters }: { readonly jobs: readonly JobView[]; readonly filters: ListFilters }): ReactNode {
  const counts = JOB_STATUSES.flatMap((status) => {
    const count = jobs.filter((job) => job.status === status).length;
    return count === 0 ? [] : [{ status, count }];
  });
  return (
    <div className="list-filters">
      <ul className="pills">
        {counts.map(({ status, count }) => (
          <li key={status}>
            <button
              type="button"
              aria-pressed={filters.status === status}
              onClick={() => setQuery("status", filters.status === status ? null : status)}
            >
              {describeStatus(status)} <small>{count}</small>
            </button>
          </li>
        ))}
      </ul>
      <input
        type="search"
        aria-label="Search by name, id or model"
        placeholder="Search by name, id or model"
        value={filters.search}
        onChange={(event) => setQuery("q", event.target.value)}
      />
    </div>
  );
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
      <a className="job-name" href={`#/jobs/${job.id}`}>
        {nameJob(job)}
      </a>
      <span className="job-mix">{ended ? <LabelMix counts={counts.labels} /> : <Progress job={job} />}</span>
      <StatusPill status={job.status} />
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
