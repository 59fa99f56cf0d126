/** Two jobs side by side: which shares differ, and whether by more than chance. */

import { type ReactNode, useCallback } from "react";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { isEnded } from "../../../src/scoring/job/job-status.ts";
import { renderLabelName } from "../../../src/scoring/report/report-charts.ts";
import {
  formatCount,
  formatInterval,
  formatPercent,
  formatPoints,
  isApart,
} from "../../../src/scoring/report/report-format.ts";
import type { Report } from "../../../src/scoring/report/report.ts";
import { api, useLoad } from "../api.ts";
import { Markup } from "../markup.tsx";
import { Failure, Skeleton } from "../parts.tsx";
import { setQuery } from "../route.ts";
import { FaceComparisonCard } from "./face-comparison.tsx";
import { nameJob } from "../words.ts";

/** A choice of the other job, then both reports. */
export function CompareTab({ id, other }: { readonly id: string; readonly other: string | null }): ReactNode {
  const load = useCallback(async (signal: AbortSignal) => (await api.listJobs({ limit: 100, signal })).jobs, []);
  const { value, error } = useLoad(load);
  const choices = (value ?? []).filter((job: JobView) => job.id !== id && isEnded(job.status));
  return (
    <section className="card">
      <h2>Compared with another job</h2>
      {error !== null && <Failure error={error} />}
      <label className="field">
        <span className="name">The other job</span>
        <select value={other ?? ""} onChange={(event) => setQuery("with", event.target.value)}>
          <option value="">Choose one</option>
          {choices.map((job) => (
            <option key={job.id} value={job.id}>
              {nameJob(job)}, {job.model}, {job.createdAt.slice(0, 16).replace("T", " ")}
            </option>
          ))}
        </select>
      </label>
      {other !== null && <Comparison key={other} id={id} other={other} />}
    </section>
  );
}

function Comparison({ id, other }: { readonly id: string; readonly other: string }): ReactNode {
  const load = useCallback(
    (signal: AbortSignal) => Promise.all([api.readReport(id, signal), api.readReport(other, signal)]),
    [id, other],
  );
  const { value, error } = useLoad(load);
  if (error !== null) return <Failure error={error} />;
  if (value === null) return <Skeleton rows={2} words="Loading both reports" />;
  const [report, before] = value;
  return (
    <>
      <Sides own={report} other={before} />
      <FaceComparisonCard id={id} other={other} faces={Math.max(report.total.faces, before.total.faces)} />
    </>
  );
}

function Sides({ own, other }: { readonly own: Report; readonly other: Report }): ReactNode {
  const accuracy = [own, other].map(({ total }) => total.truth);
  return (
    <>
      {own.provenance.model !== other.provenance.model && (
        <p>
          This job was scored by {own.provenance.model}, the other by {other.provenance.model}: a difference may be the
          models&apos; own.
        </p>
      )}
      <div className="scroll" tabIndex={0} role="region" aria-label="Table of shares in both jobs">
        <table>
          <thead>
            <tr>
              <th scope="col">Label</th>
              <th scope="col">This job</th>
              <th scope="col">The other</th>
              <th scope="col">Difference, points</th>
              <th scope="col">Intervals</th>
            </tr>
          </thead>
          <tbody>
            {own.total.labels.map(({ label, share }) => {
              const before = other.total.labels.find((one) => one.label === label)?.share ?? null;
              const apart = share !== null && before !== null && isApart(share, before);
              return (
                <tr key={label}>
                  <th scope="row">
                    <Markup of={renderLabelName(label)} />
                  </th>
                  {[share, before].map((side, at) => (
                    <td key={at === 0 ? "own" : "other"}>
                      {formatPercent(side?.value ?? null)}
                      <small>{formatInterval(side)}</small>
                    </td>
                  ))}
                  <td>{share === null || before === null ? "–" : formatPoints(share.value - before.value)}</td>
                  <td>
                    <span className={`pill tone-${apart ? "warn" : "idle"}`}>{apart ? "apart" : "overlap"}</span>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p className="caption">
        {formatCount(own.total.faces)} faces here, {formatCount(other.total.faces)} there.
        {accuracy[0] && accuracy[1]
          ? ` Accuracy against the given labels: ${formatPercent(accuracy[0].accuracy)} and ${formatPercent(accuracy[1].accuracy)}.`
          : ""}{" "}
        Intervals that do not touch differ by more than chance; those that touch may differ nevertheless.
      </p>
    </>
  );
}
