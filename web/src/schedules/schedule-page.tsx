/** One schedule: its runs, what moved from night to night, and what can be done with it. */

import { type ReactNode, useCallback, useState } from "react";
import type { ScoringError } from "../../../src/errors.ts";
import { formatCount, formatTime } from "../../../src/scoring/report/report-format.ts";
import type { ScheduleView } from "../../../src/scoring/schedules/schedule.ts";
import { api, noteSignedOut, useLoad } from "../api.ts";
import { Failure, Skeleton } from "../parts.tsx";
import "../styles/tables.css";
import { describeCron } from "./cron-words.ts";
import { DriftTable, Findings, ShareLines } from "./drift-chart.tsx";
import { Alerts, Reviews, ToldAlerts } from "./outlook.tsx";
import { readNights } from "./nights.ts";
import { isRunning, RunPill } from "./schedules-page.tsx";

/** Due times that are told. */
const TIMES = 5;

/** `#/schedules/<id>`. */
export function SchedulePage({ id }: { readonly id: string }): ReactNode {
  const load = useCallback((signal: AbortSignal) => api.readSchedule(id, signal), [id]);
  const { value, error, reload } = useLoad(load, ({ lastRuns }) => (lastRuns.some(isRunning) ? 2000 : 15_000));
  const [failure, setFailure] = useState<ScoringError | null>(null);
  if (value === null)
    return error === null ? <Skeleton rows={3} words="Loading the schedule" /> : <Failure error={error} />;
  const act = async (work: () => Promise<unknown>): Promise<void> => {
    setFailure(null);
    try {
      await work();
      reload();
    } catch (thrown) {
      setFailure(noteSignedOut(thrown));
    }
  };
  return (
    <>
      <p className="crumbs">
        <a href="#/schedules">Schedules</a> /
      </p>
      <div className="head">
        <h1>{value.name}</h1>
        <Commands schedule={value} act={(work) => void act(work)} />
      </div>
      {failure !== null && <Failure error={failure} once />}
      {error !== null && <Failure error={error} />}
      <About schedule={value} />
      <Outlook schedule={value} />
      <Drift schedule={value} />
      <Runs schedule={value} act={(work) => void act(work)} />
    </>
  );
}

type Act = (work: () => Promise<unknown>) => void;

function Commands({ schedule, act }: { readonly schedule: ScheduleView; readonly act: Act }): ReactNode {
  const { id, enabled, name } = schedule;
  const remove = async (): Promise<void> => {
    if (!window.confirm(`Delete the schedule ${name}? The jobs of its runs stay.`)) return;
    await api.removeSchedule(id);
    window.location.hash = "#/schedules";
  };
  return (
    <div className="row">
      <button type="button" className="primary" onClick={() => act(() => api.runSchedule(id))}>
        Run now
      </button>
      <a className="button" href={`#/schedules/${id}/edit`}>
        Edit
      </a>
      <button type="button" onClick={() => act(() => api.changeSchedule(id, { enabled: !enabled }))}>
        {enabled ? "Disable" : "Enable"}
      </button>
      <button type="button" onClick={() => act(remove)}>
        Delete …
      </button>
    </div>
  );
}

function About({ schedule }: { readonly schedule: ScheduleView }): ReactNode {
  const { cron, enabled, nextRuns, windowOffsetHours, manifest } = schedule;
  const said = describeCron(cron, Date.now(), TIMES);
  return (
    <section className="card">
      <dl className="figures">
        <div>
          <dt>Runs</dt>
          <dd className="small">
            {"words" in said ? said.words : cron}
            <small>
              {" "}
              <code>{cron}</code>
            </small>
          </dd>
        </div>
        <div>
          <dt>Next</dt>
          <dd className="small">
            {enabled ? (nextRuns[0] === undefined ? "never" : formatTime(nextRuns[0])) : "disabled"}
          </dd>
        </div>
        <div>
          <dt>Window</dt>
          <dd className="small">
            {windowOffsetHours === 0 ? "the due time" : `${windowOffsetHours} h from the due time`}
          </dd>
        </div>
      </dl>
      {enabled && "times" in said && (
        <ul className="times" aria-label="Next times">
          {said.times.map((time) => (
            <li key={time}>{formatTime(time)}</li>
          ))}
        </ul>
      )}
      <details>
        <summary>Manifest</summary>
        <pre tabIndex={0}>{JSON.stringify(manifest, null, 2)}</pre>
      </details>
    </section>
  );
}

/** What the server says of the last run and of the reviews; answers come in while nobody does anything here. */
function Outlook({ schedule }: { readonly schedule: ScheduleView }): ReactNode {
  const { id, review } = schedule;
  const load = useCallback((signal: AbortSignal) => api.readScheduleAlerts(id, signal), [id]);
  const { value, error } = useLoad(load, () => 15_000);
  if (error !== null) return <Failure error={error} />;
  if (value === null) return null;
  // Without alerts nobody judges, and what moved stands with the nights.
  const hasRun =
    schedule.alerts.enabled && schedule.lastRuns.some(({ failure, job }) => failure !== null || job !== null);
  return (
    <>
      {hasRun && (
        <section className="card">
          <h2>Alerts</h2>
          <Alerts outlook={value} />
          <ToldAlerts outlook={value} />
        </section>
      )}
      <Reviews outlook={value} perRun={review?.perRun ?? null} />
    </>
  );
}

function Drift({ schedule }: { readonly schedule: ScheduleView }): ReactNode {
  // Loaded again when another run has finished, not with every look at the schedule.
  const finished = schedule.lastRuns.map(({ jobId, job }) => `${jobId} ${job?.status}`).join();
  const load = useCallback(
    (signal: AbortSignal) => readNights(schedule, signal),
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- what matters of the schedule
    [finished],
  );
  const { value, error } = useLoad(load);
  if (error !== null) return <Failure error={error} />;
  const last = value?.at(-1);
  if (value === null || last === undefined) return null;
  return (
    <section className="card">
      <h2>From night to night</h2>
      <ShareLines nights={value} />
      {!schedule.alerts.enabled && <Findings night={last} />}
      <DriftTable nights={value} />
    </section>
  );
}

function Runs({ schedule, act }: { readonly schedule: ScheduleView; readonly act: Act }): ReactNode {
  const { id, lastRuns, baselineJobId } = schedule;
  return (
    <section className="card">
      <h2>Runs</h2>
      {lastRuns.length === 0 && <p>None yet.</p>}
      {lastRuns.length > 0 && (
        <div className="scroll" tabIndex={0} role="region" aria-label="Table of runs">
          <table>
            <thead>
              <tr>
                <th scope="col">Due</th>
                <th scope="col">By</th>
                <th scope="col">Result</th>
                <th scope="col">Scored</th>
                <th scope="col">Baseline</th>
              </tr>
            </thead>
            <tbody>
              {lastRuns.map((run) => (
                <tr key={run.dueAt}>
                  <th scope="row">
                    {run.job === null ? (
                      formatTime(run.dueAt)
                    ) : (
                      <a href={`#/jobs/${run.jobId}`}>{formatTime(run.dueAt)}</a>
                    )}
                  </th>
                  <td>{run.trigger === "cron" ? "cron" : "hand"}</td>
                  <td>
                    <RunPill run={run} />
                    {run.failure !== null && <small> {run.failure.message}</small>}
                  </td>
                  <td>{run.job === null ? "–" : `${formatCount(run.job.scored)} of ${formatCount(run.job.listed)}`}</td>
                  <td>
                    {run.jobId !== null && (
                      <button
                        type="button"
                        className="plain"
                        aria-pressed={run.jobId === baselineJobId}
                        aria-label={`${run.jobId === baselineJobId ? "Baseline" : "Choose"}: run of ${formatTime(run.dueAt)}`}
                        onClick={() =>
                          act(() =>
                            api.changeSchedule(id, {
                              baselineJobId: run.jobId === baselineJobId ? null : run.jobId,
                            }),
                          )
                        }
                      >
                        {run.jobId === baselineJobId ? "Baseline" : "Choose"}
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
