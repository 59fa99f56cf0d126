/** A running job, as far as it is. */

import type { ReactNode } from "react";
import { isEnded } from "../../../src/scoring/job/job-status.ts";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { OUTCOMES } from "../../../src/scoring/records/records.ts";
import { formatCount, formatTime } from "../../../src/scoring/report/report-format.ts";
import { describeReason } from "../../../src/scoring/report/reason-words.ts";
import { Progress } from "../parts.tsx";
import { formatBytes, formatDuration, OUTCOME_WORDS } from "../words.ts";
import { RateLine, type RatePoint } from "./charts.tsx";

/** Counts, reasons and rate of a job, under way or ended. */
export function Live({ job, rates }: { readonly job: JobView; readonly rates: readonly RatePoint[] }): ReactNode {
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
