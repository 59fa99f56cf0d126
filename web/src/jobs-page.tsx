/** All jobs, newest first, live, a page of them at a time. */

import { type ReactNode, useCallback } from "react";
import { isEnded } from "../../src/scoring/job/job-status.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { formatCount, formatTime } from "../../src/scoring/report/report-format.ts";
import { api, useLoad } from "./api.ts";
import { Failure, Progress, StatusPill } from "./parts.tsx";
import { formatDuration, nameJob } from "./words.ts";

const PAGE_SIZE = 25;

/**
 * The start page. `#/jobs?before=<job>` has the jobs that are older than that one: a page keeps its jobs whatever comes or goes
 * before it, and a refresh asks for the one that is in view. `&limit=` holds at most so many.
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
  return (
    <>
      <div className="head">
        <h1>{before === null ? "Jobs" : "Older jobs"}</h1>
        <a className="button primary" href="#/new">
          New job
        </a>
      </div>
      {error !== null && <Failure error={error} />}
      {value === null && error === null && <p className="quiet">Loading …</p>}
      {value?.jobs.length === 0 && (before === null ? <NoJobs /> : <p className="quiet">No job is older.</p>)}
      <ul className="jobs">
        {value?.jobs.map((job) => (
          <li key={job.id}>
            <JobRow job={job} />
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

/** Jobs a page, 1 to 100; what is no such number counts as not said. */
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
      <p>
        <a className="button primary" href="#/new">
          Start the first job
        </a>
      </p>
    </section>
  );
}

function JobRow({ job }: { readonly job: JobView }): ReactNode {
  const { counts } = job;
  const failed = Object.values(counts.errors).reduce((sum, count) => sum + count, 0);
  return (
    <a className="card job-row" href={`#/jobs/${job.id}`}>
      <span className="job-name">{nameJob(job)}</span>
      <StatusPill status={job.status} />
      <span className="quiet job-when">{formatTime(job.createdAt)}</span>
      <Progress job={job} />
      <span className="job-figures quiet">
        {formatCount(counts.finished)} of {formatCount(counts.listed)}
        {counts.planned ? "" : "+"} pictures
        {failed > 0 && <> · {formatCount(failed)} without a label</>}
        {job.rate !== null && !isEnded(job.status) && <> · {job.rate.toFixed(1)} a second</>}
        {job.etaSeconds !== null && job.etaSeconds > 0 && <> · {formatDuration(job.etaSeconds)} left</>} · {job.model}
        {job.execution !== "edge" && !isEnded(job.status) && <> · can be computed in this browser</>}
      </span>
    </a>
  );
}
