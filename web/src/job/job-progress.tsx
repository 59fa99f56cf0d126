/** A running job: how far, how fast, what it found so far, what goes wrong. */

import type { ReactNode } from "react";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { OUTCOMES } from "../../../src/scoring/records/records.ts";
import { formatCount, formatPercent } from "../../../src/scoring/report/report-format.ts";
import { describeReason } from "../../../src/scoring/report/reason-words.ts";
import { ShareChart } from "../markup.tsx";
import { Progress } from "../parts.tsx";
import { formatAgo, formatDollars, formatDuration, OUTCOME_WORDS } from "../words.ts";
import { nameEngine } from "../engine/engine-names.ts";
import { describeNow } from "./job-now.ts";
import { Troubles } from "./job-troubles.tsx";
import { LiveFaces } from "./live-faces.tsx";
import { RateLine, type RatePoint } from "./rate-line.tsx";

/** Counts, distribution, newest faces and failures of a job that goes on. */
export function Live({ job, rates }: { readonly job: JobView; readonly rates: readonly RatePoint[] }): ReactNode {
  const { counts } = job;
  const now = describeNow(job);
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
            <Outcomes job={job} />
          </div>
        </div>
        <dl className="tiles">
          <Tile name="Pictures per second" value={job.rate === null ? "–" : formatRate(job.rate)}>
            {rates.length > 2 && <RateLine points={rates} />}
          </Tile>
          <Tile name="Time left" value={job.etaSeconds === null ? "–" : formatDuration(job.etaSeconds)}>
            <span className="note">started {formatAgo(job.times.running ?? job.createdAt, Date.now())}</span>
          </Tile>
          <Tile name="Cost so far" value={formatDollars(job.dollars)}>
            <span className="note">at Cloudflare’s prices</span>
          </Tile>
          <Tile name="Scored by" value={PLACES[job.execution]}>
            <span className="note">
              {job.model}
              {job.engines.length > 0 && ` on ${job.engines.map(nameEngine).join(", ")}`}
            </span>
          </Tile>
        </dl>
        {now !== null && <p className="quiet live-now">{now}.</p>}
        <Troubles job={job} />
      </section>
      <div className="live-columns">
        <Shares counts={counts.labels} labels={counts.labelNames} />
        <LiveFaces id={job.id} finished={counts.finished} />
      </div>
      <Failures job={job} />
    </>
  );
}

const PLACES = { edge: "The server", client: "Browsers", auto: "Server, browsers" } as const;

const formatRate = (rate: number): string => (rate < 100 ? rate.toFixed(1) : formatCount(Math.round(rate)));

function Outcomes({ job }: { readonly job: JobView }): ReactNode {
  const { outcomes } = job.counts;
  return (
    <ul className="legend">
      {OUTCOMES.map((outcome) =>
        outcomes[outcome] === 0 ? null : (
          <li key={outcome}>
            <i className={`tone-dot outcome-${outcome}`} />
            {OUTCOME_WORDS[outcome]} <b>{formatCount(outcomes[outcome])}</b>
          </li>
        ),
      )}
    </ul>
  );
}

function Shares({
  counts,
  labels,
}: {
  readonly counts: readonly number[];
  readonly labels: readonly string[];
}): ReactNode {
  const faces = counts.reduce((sum, count) => sum + count, 0);
  return (
    <section className="card">
      <h2>Apparent expressions so far</h2>
      {faces === 0 ? (
        <p className="quiet">No face is scored yet.</p>
      ) : (
        <>
          <ShareChart name="Shares of the labels so far" counts={counts} labels={labels} />
          <p className="caption">
            The shares can still move: these are the pictures that came first, not a sample of all.
          </p>
        </>
      )}
    </section>
  );
}

function Tile(props: { readonly name: string; readonly value: string; readonly children?: ReactNode }): ReactNode {
  return (
    <div className="tile">
      <dt>{props.name}</dt>
      <dd>
        <b>{props.value}</b>
        {props.children}
      </dd>
    </div>
  );
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
