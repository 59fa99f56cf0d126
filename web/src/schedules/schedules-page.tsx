/** All schedules: when each is due, how its last run went. */

import type { ReactNode } from "react";
import { isEnded } from "../../../src/scoring/job/job-status.ts";
import { formatCount, formatTime } from "../../../src/scoring/report/report-format.ts";
import type { ScheduleRunView, ScheduleView } from "../../../src/scoring/schedules/schedule.ts";
import { api, useLoad } from "../api.ts";
import { Failure, Skeleton, StatusPill } from "../parts.tsx";
import { describeCron } from "./cron-words.ts";

const loadSchedules = (signal: AbortSignal) => api.listSchedules(signal);

/** Whether a run's job has not ended: then its page is reloaded sooner. */
export function isRunning({ job }: ScheduleRunView): boolean {
  return job !== null && !isEnded(job.status);
}

/** `#/schedules`. */
export function SchedulesPage(): ReactNode {
  const { value, error } = useLoad(loadSchedules, (all) =>
    all.some(({ lastRuns }) => lastRuns.some(isRunning)) ? 2000 : 15_000,
  );
  return (
    <>
      <div className="head">
        <h1>Schedules</h1>
        <a className="button primary" href="#/schedules/new">
          New schedule
        </a>
      </div>
      {error !== null && <Failure error={error} />}
      {value === null && error === null && <Skeleton rows={3} words="Loading the schedules" />}
      {value?.length === 0 && (
        <section className="card empty">
          <h2>No schedule yet</h2>
          <p>A schedule runs a job again and again, scores only what changed, and tells what moved.</p>
        </section>
      )}
      <ul className="jobs">
        {value?.map((schedule) => (
          <li key={schedule.id} className="card job-row">
            <ScheduleRow schedule={schedule} />
          </li>
        ))}
      </ul>
    </>
  );
}

function ScheduleRow({ schedule }: { readonly schedule: ScheduleView }): ReactNode {
  const { id, name, cron, enabled, nextRuns, lastRuns } = schedule;
  const [last] = lastRuns;
  const said = describeCron(cron, Date.now(), 1);
  return (
    <>
      <a className="job-name" href={`#/schedules/${id}`}>
        {name}
      </a>
      <span className="job-mix">{"words" in said ? said.words : cron}</span>
      {last === undefined ? <span className="pill tone-idle">no run yet</span> : <RunPill run={last} />}
      <span className="job-figures">
        {enabled ? `next ${nextRuns[0] === undefined ? "never" : formatTime(nextRuns[0])}` : "disabled"}
        {last !== undefined && <> · last {formatTime(last.dueAt)}</>}
        {last !== undefined && last.job !== null && (
          <>
            {" "}
            · {formatCount(last.job.scored)} of {formatCount(last.job.listed)} pictures scored
          </>
        )}
      </span>
    </>
  );
}

/** How a run went, with its job or without one. */
export function RunPill({ run }: { readonly run: ScheduleRunView }): ReactNode {
  if (run.failure !== null) {
    return (
      <span className="pill tone-bad" title={run.failure.message}>
        {run.failure.code.replaceAll("_", " ")}
      </span>
    );
  }
  return run.job === null ? <span className="pill tone-idle">deleted</span> : <StatusPill status={run.job.status} />;
}
