/** One job: live progress, then its report, its pictures and its files. */

import { type KeyboardEvent, type ReactNode, useEffect, useState } from "react";
import type { JobAction } from "../../../src/client/api.ts";
import type { ScoringError } from "../../../src/errors.ts";
import { isEnded } from "../../../src/scoring/job/job-status.ts";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { formatTime } from "../../../src/scoring/report/report-format.ts";
import { api, noteSignedOut, patiently } from "../api.ts";
import { ComputePanel } from "../compute/compute-panel.tsx";
import { Failure, StatusPill } from "../parts.tsx";
import { setQuery } from "../route.ts";
import { ReviewTab } from "../review/review-tab.tsx";
import { describeStatus, nameJob } from "../words.ts";
import type { RatePoint } from "./charts.tsx";
import { Gallery } from "./gallery.tsx";
import { ReportView } from "./report-view.tsx";
import { Live } from "./job-progress.tsx";
import { Commands } from "./job-commands.tsx";
import { Files } from "./job-files.tsx";

const TABS = [
  ["overview", "Overview"],
  ["pictures", "Pictures"],
  ["review", "Review"],
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
            {tab === "review" && <ReviewTab id={id} />}
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
