/** What a job says that its reader should know: failures, waits, warnings, findings in its input. */

import type { ReactNode } from "react";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { formatCount, formatTime } from "../../../src/scoring/report/report-format.ts";
import { describeReason } from "../../../src/scoring/report/reason-words.ts";

/** All of it, the gravest first. */
export function Troubles({ job }: { readonly job: JobView }): ReactNode {
  return (
    <>
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
      {job.pausedFor === "budget" && (
        <p className="alert" role="status">
          <strong>The budget is used up:</strong> ${job.budget?.spent} of ${job.budget?.dollars}. What is scored is
          kept: resume the job with a larger budget, or cancel it to have its labels now.
        </p>
      )}
      {job.pausedFor === "key_budget" && (
        <p className="alert" role="status">
          <strong>The key's budget of the month is used up.</strong> What is scored is kept: resume the job next month,
          or cancel it to have its labels now.
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
    </>
  );
}
