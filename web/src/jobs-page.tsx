/** All jobs, newest first, live. */

import { type ReactNode, useCallback, useState } from "react";
import { isEnded } from "../../src/scoring/job-state.ts";
import type { JobView } from "../../src/scoring/job-view.ts";
import { formatCount, formatTime } from "../../src/scoring/report-format.ts";
import { api, useLoad } from "./api.ts";
import { Failure, Progress, StatusPill } from "./parts.tsx";
import { formatDuration, nameJob } from "./words.ts";

/** The start page. */
export function JobsPage(): ReactNode {
  const [limit, setLimit] = useState(25);
  const load = useCallback((signal: AbortSignal) => api.listJobs({ limit, signal }), [limit]);
  const { value, error } = useLoad(load, (page) => (page.jobs.some(({ status }) => !isEnded(status)) ? 1500 : 10_000));
  return (
    <>
      <div className="head">
        <h1>Jobs</h1>
        <a className="button primary" href="#/new">
          New job
        </a>
      </div>
      {error !== null && <Failure error={error} />}
      {value?.jobs.length === 0 && (
        <section className="card empty">
          <h2>No job yet</h2>
          <p>Drop a folder of pictures and see its labels a moment later.</p>
          <p>
            <a className="button primary" href="#/new">
              Start the first job
            </a>
          </p>
        </section>
      )}
      <ul className="jobs">
        {value?.jobs.map((job) => (
          <li key={job.id}>
            <JobRow job={job} />
          </li>
        ))}
      </ul>
      {value !== null && value.cursor !== null && limit < 100 && (
        <button type="button" onClick={() => setLimit(100)}>
          Show more
        </button>
      )}
    </>
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
