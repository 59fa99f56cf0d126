/** Small parts of several pages. */

import type { ReactNode } from "react";
import { mayPass, type ScoringError } from "../../src/errors.ts";
import type { JobStatus } from "../../src/scoring/job/job-status.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { OUTCOMES } from "../../src/scoring/records/records.ts";
import { formatCount } from "../../src/scoring/report/report-format.ts";
import { describeStatus, OUTCOME_WORDS, toneOf } from "./words.ts";

/** A status with its color; the word says it too. */
export function StatusPill({ status }: { readonly status: JobStatus }): ReactNode {
  return <span className={`pill tone-${toneOf(status)}`}>{describeStatus(status)}</span>;
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
