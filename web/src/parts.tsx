/** Small parts of several pages. */

import type { ReactNode } from "react";
import { mayPass, type ScoringError } from "../../src/errors.ts";
import { describeJobStatus, type JobStatus, type Spent } from "../../src/scoring/job/job-status.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { OUTCOMES } from "../../src/scoring/records/records.ts";
import { LABELS } from "../../src/model/labels.ts";
import { hueOf } from "../../src/scoring/report/design-tokens.ts";
import { formatCount, formatTime } from "../../src/scoring/report/report-format.ts";
import { formatAgo, OUTCOME_WORDS, toneOf } from "./words.ts";

/** A status with its color; the word says it too. */
export function StatusPill(job: {
  readonly status: JobStatus;
  readonly pausedFor?: Spent | undefined;
  readonly open?: JobView["open"] | undefined;
}): ReactNode {
  return <span className={`pill tone-${toneOf(job.status)}`}>{describeJobStatus(job)}</span>;
}

/** A bar of outcomes over everything that is listed. */
export function Progress({ job }: { readonly job: JobView }): ReactNode {
  const { listed, finished, outcomes } = job.counts;
  const total = Math.max(1, listed);
  return (
    <span
      className="progress"
      role="progressbar"
      aria-label="Pictures finished"
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={Math.min(finished, total)}
      aria-valuetext={`${formatCount(finished)} of ${formatCount(listed)}`}
    >
      {OUTCOMES.map((outcome) =>
        outcomes[outcome] === 0 ? null : (
          <span
            key={outcome}
            className={`part outcome-${outcome}`}
            title={`${OUTCOME_WORDS[outcome]}: ${formatCount(outcomes[outcome])}`}
            style={{ width: `${(100 * outcomes[outcome]) / total}%` }}
          />
        ),
      )}
    </span>
  );
}

/** As `ref`: the element takes the focus when it comes. Browsers heed `autofocus` once a page only. */
export function takeFocus(element: HTMLElement | null): void {
  element?.focus();
}

/** Where something will stand in a moment. @param props.words what is loaded, for those who do not see it */
export function Skeleton({ rows, words }: { readonly rows: number; readonly words: string }): ReactNode {
  return (
    <div className="skeleton" role="status" aria-label={words}>
      {Array.from({ length: rows }, (_, row) => (
        <i key={row} />
      ))}
    </div>
  );
}

/** Shares of the labels as one narrow bar; nothing where no face was scored. */
export function LabelMix({
  counts,
  labels = LABELS,
}: {
  readonly counts: readonly number[];
  readonly labels?: readonly string[];
}): ReactNode {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const shares = labels
    .map((label, index) => {
      const before = counts.slice(0, index).reduce((sum, count) => sum + count, 0);
      return { label, from: (100 * before) / total, width: (100 * (counts[index] ?? 0)) / total };
    })
    .filter(({ width }) => width > 0);
  const ranked = shares.toSorted((a, b) => b.width - a.width);
  const words = ranked.map(({ label, width }) => `${label} ${width.toFixed(0)} %`);
  return (
    <>
      <svg className="mix" role="img" aria-label={words.join(", ")}>
        <title>{words.join(", ")}</title>
        {shares.map(({ label, from, width }) => (
          <rect key={label} className={hueOf(label)} x={`${from}%`} width={`${width}%`} height="100%" />
        ))}
      </svg>
      <span>{words.slice(0, 2).join(" · ")}</span>
    </>
  );
}

/** A moment as time ago, with the full time in UTC on hover. */
export function When({ iso, nowMs }: { readonly iso: string; readonly nowMs: number }): ReactNode {
  return (
    <time dateTime={iso} title={formatTime(iso)}>
      {formatAgo(iso, nowMs)}
    </time>
  );
}

/** What kind of trouble it is, in two words. */
export function nameTrouble({ code }: ScoringError): string {
  if (code === "api_unavailable") return "No answer:";
  return code === "rate_limited" ? "Too fast:" : "That did not work:";
}

/** What went wrong, in the server's words. @param props.once nobody tries again but the reader */
export function Failure({ error, once }: { readonly error: ScoringError; readonly once?: boolean }): ReactNode {
  return (
    <div className="alert" role="alert">
      <strong>{nameTrouble(error)}</strong> {error.detail}
      {mayPass(error) && (once === true ? ". Try again in a moment." : ". The page tries again in a moment.")}
    </div>
  );
}
