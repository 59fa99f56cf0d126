/** A running job: how far, how fast, what it found so far, what goes wrong. */

import type { ReactNode } from "react";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { OUTCOMES } from "../../../src/scoring/records/records.ts";
import { formatCount, formatPercent } from "../../../src/scoring/report/report-format.ts";
import { describeReason } from "../../../src/scoring/report/reason-words.ts";
import { ShareChart } from "../markup.tsx";
import { Progress } from "../parts.tsx";
import { formatBytes, formatDuration, OUTCOME_WORDS } from "../words.ts";
import { Troubles } from "./job-troubles.tsx";
import { LiveFaces } from "./live-faces.tsx";
import { RateLine, type RatePoint } from "./rate-line.tsx";

/** Counts, distribution, newest faces and failures of a job that goes on. */
export function Live({ job, rates }: { readonly job: JobView; readonly rates: readonly RatePoint[] }): ReactNode {
  const { counts } = job;
  const faces = counts.labels.reduce((sum, count) => sum + count, 0);
  return (
    <>
      <section className="card" aria-label="Progress">
        <div className="live-top">
          <p className="live-share">
            {counts.listed === 0 ? "–" : formatPercent(counts.finished / counts.listed, 0)}
            <small>
              {formatCount(counts.finished)} of {formatCount(counts.listed)}
              {counts.planned ? "" : "+"} pictures
            </small>
          </p>
          <div>
            <Progress job={job} />
            <ul className="legend">
              {OUTCOMES.map((outcome) =>
                counts.outcomes[outcome] === 0 ? null : (
                  <li key={outcome}>
                    <i className={`tone-dot outcome-${outcome}`} />
                    {OUTCOME_WORDS[outcome]} <b>{formatCount(counts.outcomes[outcome])}</b>
                  </li>
                ),
              )}
            </ul>
          </div>
        </div>
        <dl className="tiles">
          <Tile name="Pictures per second" value={job.rate === null ? "–" : job.rate.toFixed(1)} />
          <Tile name="Time left" value={job.etaSeconds === null ? "–" : formatDuration(job.etaSeconds)} />
          <Tile name="Read so far" value={counts.bytes > 0 ? formatBytes(counts.bytes) : "–"} note="of the listing" />
          <Tile name="Scored by" value={describePlace(job)} note={`${describeEngines(job)}, ${job.model}`} />
        </dl>
        {rates.length > 2 && <RateLine points={rates} />}
        <Troubles job={job} />
      </section>
      <div className="live-columns">
        <section className="card">
          <h2>Apparent expressions so far</h2>
          {faces === 0 ? (
            <p className="quiet">No face is scored yet.</p>
          ) : (
            <ShareChart name="Shares of the labels so far" counts={counts.labels} />
          )}
          <p className="caption">
            The share can still move: these are the pictures that came first, not a sample of all.
          </p>
        </section>
        <LiveFaces id={job.id} finished={counts.finished} />
      </div>
      <Failures job={job} />
    </>
  );
}

function Tile(props: { readonly name: string; readonly value: string; readonly note?: string }): ReactNode {
  return (
    <div className="tile">
      <dt>{props.name}</dt>
      <dd>
        <b>{props.value}</b>
        {props.note !== undefined && <span className="note">{props.note}</span>}
      </dd>
    </div>
  );
}

function describePlace({ execution }: JobView): string {
  return { edge: "The server", client: "Browsers", auto: "Both" }[execution];
}

function describeEngines({ engines }: JobView): string {
  return engines.length === 0 ? "no engine yet" : engines.join(", ");
}

function Failures({ job }: { readonly job: JobView }): ReactNode {
  const reasons = Object.entries(job.counts.errors).sort((a, b) => b[1] - a[1]);
  if (reasons.length === 0) return null;
  return (
    <section className="card">
      <h2>Without a label so far</h2>
      <table className="text tight">
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
    </section>
  );
}
