/** One job: live progress, then its report, its pictures and its files. */

import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useState } from "react";
import type { JobAction } from "../../../src/client/api.ts";
import type { ScoringError } from "../../../src/errors.ts";
import { isEnded } from "../../../src/scoring/job/job-state.ts";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { OUTCOMES } from "../../../src/scoring/records/records.ts";
import { describeReason, formatCount, formatTime } from "../../../src/scoring/report/report-format.ts";
import { api, noteSignedOut, patiently, useLoad } from "../api.ts";
import { ComputePanel } from "../compute/compute-panel.tsx";
import { Failure, Progress, StatusPill } from "../parts.tsx";
import { setQuery } from "../route.ts";
import { describeStatus, formatBytes, formatDuration, nameJob, OUTCOME_WORDS } from "../words.ts";
import { RateLine, type RatePoint } from "./charts.tsx";
import { Gallery } from "./gallery.tsx";
import { ReportView } from "./report-view.tsx";

const TABS = [
  ["overview", "Overview"],
  ["pictures", "Pictures"],
  ["files", "Files"],
] as const;

/** `#/jobs/<id>`. */
export function JobPage({ id, query }: { readonly id: string; readonly query: URLSearchParams }): ReactNode {
  const { job, error, rates, refresh } = useJob(id);
  const [failure, setFailure] = useState<ScoringError | null>(null);
  useTitle(job === null ? null : `${nameJob(job)}, ${describeStatus(job.status)}`);
  const tab = TABS.find(([name]) => name === query.get("tab"))?.[0] ?? "overview";
  if (job === null) return error === null ? <p className="quiet">Loading …</p> : <Failure error={error} />;
  const hasOutputs = isEnded(job.status);
  const act = async (action: JobAction): Promise<void> => {
    setFailure(null);
    try {
      const after = await api.commandJob(id, action);
      if (action === "retry-failed") window.location.hash = `#/jobs/${after.id}`;
      else refresh(after);
    } catch (thrown) {
      setFailure(noteSignedOut(thrown));
    }
  };
  const remove = (): void => {
    setFailure(null);
    api.deleteJob(id).then(
      () => (window.location.hash = "#/jobs"),
      (thrown: unknown) => setFailure(noteSignedOut(thrown)),
    );
  };
  return (
    <>
      <p className="crumbs">
        <a href="#/jobs">Jobs</a> /
        {job.schedule !== undefined && (
          <>
            {" "}
            run of <a href={`#/schedules/${job.schedule.id}`}>a schedule</a>, due {formatTime(job.schedule.dueAt)}
          </>
        )}
      </p>
      <div className="head">
        <h1>
          {nameJob(job)} <StatusPill status={job.status} />
        </h1>
        <Commands job={job} act={(action) => void act(action)} remove={remove} />
      </div>
      {failure !== null && <Failure error={failure} once />}
      {error !== null && <Failure error={error} />}
      <Live job={job} rates={rates} />
      <ComputePanel job={job} />
      {hasOutputs && (
        <>
          <div className="tabs" role="tablist" aria-label="Parts of the job" onKeyDown={turnTabs}>
            {TABS.map(([name, words]) => (
              <button
                key={name}
                type="button"
                role="tab"
                id={`tab-${name}`}
                aria-selected={tab === name}
                aria-controls="tab-panel"
                tabIndex={tab === name ? 0 : -1}
                onClick={() => setQuery("tab", name)}
              >
                {words}
              </button>
            ))}
          </div>
          <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab}`}>
            {tab === "overview" && <ReportView id={id} />}
            {tab === "pictures" && <Gallery id={id} query={query} />}
            {tab === "files" && <Files id={id} />}
          </div>
        </>
      )}
    </>
  );
}

/** What the browser's tab says while the job is open: which of many it is, and whether it is done. */
function useTitle(title: string | null): void {
  useEffect(() => {
    if (title === null) return undefined;
    const before = document.title;
    document.title = `${title} · Countenance`;
    return () => void (document.title = before);
  }, [title]);
}

/** Arrows go from tab to tab, as in every tab list. */
function turnTabs(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined) return;
  const tabs = [...event.currentTarget.querySelectorAll<HTMLElement>('[role="tab"]')];
  const at = tabs.findIndex((tab) => tab === document.activeElement);
  const next = tabs.at((at + step) % tabs.length);
  next?.focus();
  next?.click();
}

/** The job as the event stream tells it, and its rate over time. */
function useJob(id: string) {
  const [job, setJob] = useState<JobView | null>(null);
  const [error, setError] = useState<ScoringError | null>(null);
  const [rates, setRates] = useState<readonly RatePoint[]>([]);
  useEffect(() => {
    const controller = new AbortController();
    const follow = async (): Promise<void> => {
      try {
        setJob(await patiently(() => api.readJob(id, controller.signal), controller.signal, setError));
        for await (const event of api.followJob(id, controller.signal, setError)) {
          // A stream that is resumed tells old events first.
          setJob((before) => (before !== null && isEnded(before.status) ? before : event.job));
          const { rate, counts } = event.job;
          if (rate !== null) setRates((before) => [...before.slice(-300), { finished: counts.finished, rate }]);
        }
      } catch (thrown) {
        if (controller.signal.aborted) return;
        setError(noteSignedOut(thrown));
      }
    };
    void follow();
    return () => controller.abort();
  }, [id]);
  return { job, error, rates, refresh: setJob };
}

function Commands(props: {
  readonly job: JobView;
  readonly act: (action: JobAction) => void;
  readonly remove: () => void;
}): ReactNode {
  const { job, act, remove } = props;
  const { status, counts } = job;
  const ended = isEnded(status);
  const canPause = ["validating", "queued", "running"].includes(status);
  const [asked, setAsked] = useState<"not yet" | "yes" | "taken back">("not yet");
  return (
    <div className="row">
      {canPause && (
        <button type="button" onClick={() => act("pause")}>
          Pause
        </button>
      )}
      {status === "paused" && (
        <button type="button" className="primary" onClick={() => act("resume")}>
          Resume
        </button>
      )}
      {!ended && status !== "cancelling" && status !== "finalizing" && (
        <button type="button" onClick={() => act("cancel")}>
          Cancel
        </button>
      )}
      {ended && countRetried(job) > 0 && (
        <button type="button" onClick={() => act("retry-failed")}>
          {counts.outcomes.failed + counts.outcomes.skipped > 0 ? "Retry what failed" : "Score what was left"}
        </button>
      )}
      {ended && asked !== "yes" && (
        <button type="button" autoFocus={asked === "taken back"} onClick={() => setAsked("yes")}>
          Delete …
        </button>
      )}
      {ended && asked === "yes" && (
        <button
          type="button"
          className="danger"
          // The button that asked is gone, and the focus with it.
          autoFocus
          onBlur={() => setAsked("not yet")}
          onKeyDown={(event) => event.key === "Escape" && setAsked("taken back")}
          onClick={remove}
        >
          Delete job and outputs
        </button>
      )}
    </div>
  );
}

function Live({ job, rates }: { readonly job: JobView; readonly rates: readonly RatePoint[] }): ReactNode {
  const { counts } = job;
  const ended = isEnded(job.status);
  const reasons = Object.entries(counts.errors).sort((a, b) => b[1] - a[1]);
  const start = job.times.running ?? job.createdAt;
  const end = ended ? job.times[job.status] : undefined;
  return (
    <section className="card" aria-label="Progress">
      <Progress job={job} />
      <ul className="legend">
        {OUTCOMES.map((outcome) =>
          counts.outcomes[outcome] === 0 ? null : (
            <li key={outcome}>
              <i className={`outcome-${outcome}`} /> {OUTCOME_WORDS[outcome]} {formatCount(counts.outcomes[outcome])}
            </li>
          ),
        )}
      </ul>
      <dl className="figures">
        <div>
          <dt>Finished</dt>
          <dd>
            {formatCount(counts.finished)}
            <small>
              {" "}
              of {formatCount(counts.listed)}
              {counts.planned ? "" : "+"}
            </small>
          </dd>
        </div>
        {!ended && (
          <>
            <div>
              <dt>Pictures a second</dt>
              <dd>{job.rate === null ? "–" : job.rate.toFixed(1)}</dd>
            </div>
            <div>
              <dt>Time left</dt>
              <dd>{job.etaSeconds === null ? "–" : formatDuration(job.etaSeconds)}</dd>
            </div>
          </>
        )}
        {end !== undefined && (
          <div>
            <dt>Took</dt>
            <dd>{formatDuration((Date.parse(end) - Date.parse(start)) / 1000)}</dd>
          </div>
        )}
        {counts.bytes > 0 && (
          <div>
            <dt>Size</dt>
            <dd>{formatBytes(counts.bytes)}</dd>
          </div>
        )}
        <div>
          <dt>Model</dt>
          <dd className="small">{job.model}</dd>
        </div>
        <div>
          <dt>Created</dt>
          <dd className="small">{formatTime(job.createdAt)}</dd>
        </div>
      </dl>
      {!ended && rates.length > 2 && <RateLine points={rates} />}
      {job.failure !== null && (
        <p className="alert">
          <strong>The job failed:</strong> {job.failure.message}
        </p>
      )}
      {job.waiting !== undefined && (
        <p className="alert" role="status">
          <strong>Waiting for store {job.waiting.store}</strong> since {formatTime(job.waiting.since)} (
          {describeReason(job.waiting.code)}). Nothing is lost: the job goes on when the store answers.
        </p>
      )}
      {job.outranked && (
        <p className="quiet">Jobs of a higher priority go first: one chunk at a time until they are done.</p>
      )}
      {job.warnings.map((warning) => (
        <p key={warning} className="alert">
          {warning}
        </p>
      ))}
      {job.issues.length > 0 && (
        <details open>
          <summary>{job.issues.length === 1 ? "1 finding" : `${formatCount(job.issues.length)} findings`}</summary>
          <ul>
            {job.issues.map(({ path, line, column, message }) => (
              <li key={`${path} ${line} ${message}`}>
                <code>{path}</code>{" "}
                {line !== undefined && `line ${line}${column === undefined ? "" : `, column ${column}`}: `}
                {message}
              </li>
            ))}
          </ul>
        </details>
      )}
      {reasons.length > 0 && (
        <details>
          <summary>Why {formatCount(reasons.reduce((sum, [, count]) => sum + count, 0))} have no label</summary>
          <table>
            <thead>
              <tr>
                <th scope="col">Reason</th>
                <th scope="col">Pictures</th>
              </tr>
            </thead>
            <tbody>
              {reasons.map(([code, count]) => (
                <tr key={code}>
                  <th scope="row">{describeReason(code)}</th>
                  <td>{formatCount(count)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </section>
  );
}

const ABOUT: Readonly<Record<string, string>> = {
  "labels.jsonl": "One record a picture, in input order",
  "labels.csv": "The same as a table",
  "labels.parquet": "The same, in columns",
  "errors.jsonl": "Failed and skipped inputs; itself a list that can be run",
  "report.html": "The report as one page that needs no network",
  "report.json": "The report's figures",
  "summary.json": "The exact fold that the schedule's next run is compared with",
  "input.jsonl": "The inputs as they were listed",
  "run.lock.json": "What produced the labels: model, engine, hashes, receipt",
  _SUCCESS: "Every output with its size and SHA-256",
  _FAILED: "The same, of a job that did not end well",
};

function Files({ id }: { readonly id: string }): ReactNode {
  const load = useCallback((signal: AbortSignal) => api.listOutputs(id, signal), [id]);
  const { value, error } = useLoad(load);
  return (
    <section className="card">
      <h2>Outputs</h2>
      {error !== null && <Failure error={error} />}
      <table className="files">
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">Size</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {value?.map(({ name, size }) => (
            <tr key={name}>
              <th scope="row">
                {name}
                <small>{ABOUT[name]}</small>
              </th>
              <td>{formatBytes(size)}</td>
              <td className="actions">
                {name === "report.html" && (
                  <a href={api.outputUrl(id, name, false)} target="_blank" rel="noreferrer">
                    Open
                  </a>
                )}
                <a href={api.outputUrl(id, name, true)} download={name} aria-label={`Download ${name}`}>
                  Download
                </a>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Inputs that a retry takes up: what a job canceled that failed itself is among them. */
function countRetried({ status, counts: { outcomes } }: JobView): number {
  return outcomes.failed + outcomes.skipped + outcomes.expired + (status === "failed" ? outcomes.cancelled : 0);
}
