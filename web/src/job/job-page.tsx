/** One job: live while it runs, then its findings, its pictures and its files. */

import { type KeyboardEvent, type ReactNode, Suspense, useEffect, useState } from "react";
import { createOpenJobsApi } from "../../../src/client/open-jobs-api.ts";
import type { JobAction } from "../../../src/client/api.ts";
import type { ScoringError } from "../../../src/errors.ts";
import { isEnded } from "../../../src/scoring/job/job-status.ts";
import { formatTime } from "../../../src/scoring/report/report-format.ts";
import { readTab, TABS } from "../address.ts";
import { api, noteSignedOut } from "../api.ts";
import { ComputePanel } from "../compute/compute-panel.tsx";
import { lazyPage } from "../lazy-page.ts";
import { Failure, Skeleton, StatusPill } from "../parts.tsx";
import { setQuery } from "../route.ts";
import "../styles/pictures.css";
import { describeStatus, nameJob } from "../words.ts";
import { Ended } from "./job-ended.tsx";
import { Commands } from "./job-commands.tsx";
import { TAB_PARTS } from "./tab-parts.ts";
import { useJob } from "./use-job.ts";

const TAB_WORDS = {
  overview: "Overview",
  pictures: "Pictures",
  review: "Review",
  compare: "Compare",
  files: "Files",
} as const;

const Live = lazyPage(() => import("./job-progress.tsx").then((part) => part.Live));
const ReportView = lazyPage(() => TAB_PARTS.overview().then((part) => part.ReportView));
const Gallery = lazyPage(() => TAB_PARTS.pictures().then((part) => part.Gallery));
const ReviewTab = lazyPage(() => TAB_PARTS.review().then((part) => part.ReviewTab));
const CompareTab = lazyPage(() => TAB_PARTS.compare().then((part) => part.CompareTab));
const Files = lazyPage(() => TAB_PARTS.files().then((part) => part.Files));

/** `#/jobs/<id>`. */
export function JobPage({ id, query }: { readonly id: string; readonly query: URLSearchParams }): ReactNode {
  const { job, error, rates, refresh } = useJob(id);
  const [failure, setFailure] = useState<ScoringError | null>(null);
  useTitle(job === null ? null : `${nameJob(job)}, ${describeStatus(job.status)}`);
  const tab = readTab(query);
  if (job === null) return error === null ? <Skeleton rows={3} words="Loading the job" /> : <Failure error={error} />;
  const ended = isEnded(job.status);
  const act = async (action: JobAction, budget?: number): Promise<void> => {
    setFailure(null);
    try {
      const after = await api.commandJob(
        id,
        action,
        budget === undefined ? undefined : { budget: { dollars: budget } },
      );
      if (action === "retry-failed") window.location.hash = `#/jobs/${after.id}`;
      else refresh(after);
    } catch (thrown) {
      setFailure(noteSignedOut(thrown));
    }
  };
  const seal = (): void => {
    setFailure(null);
    createOpenJobsApi(api)
      .seal(id)
      .then(refresh, (thrown: unknown) => setFailure(noteSignedOut(thrown)));
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
          {nameJob(job)} <StatusPill status={job.status} pausedFor={job.pausedFor} open={job.open} />
        </h1>
        <Commands job={job} act={(action, budget) => void act(action, budget)} seal={seal} remove={remove} />
      </div>
      {failure !== null && <Failure error={failure} once />}
      {error !== null && <Failure error={error} />}
      {ended ? (
        <Ended job={job} />
      ) : (
        <Suspense fallback={<Skeleton rows={3} words="Loading what the job does" />}>
          <Live job={job} rates={rates} />
        </Suspense>
      )}
      <ComputePanel job={job} />
      {ended && (
        <>
          <div className="tabs" role="tablist" aria-label="Parts of the job" onKeyDown={turnTabs}>
            {TABS.map((name) => (
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
                {TAB_WORDS[name]}
              </button>
            ))}
          </div>
          <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab}`}>
            <Suspense fallback={<Skeleton rows={4} words="Loading the tab" />}>
              {tab === "overview" && <ReportView id={id} />}
              {tab === "pictures" && <Gallery job={job} query={query} />}
              {tab === "review" && <ReviewTab id={id} />}
              {tab === "compare" && <CompareTab id={id} other={query.get("with")} />}
              {tab === "files" && <Files id={id} />}
            </Suspense>
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
