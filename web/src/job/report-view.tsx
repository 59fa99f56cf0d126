/** The figures of a finished job. */

import { type ReactNode, useCallback } from "react";
import type { Report, ReportGroups } from "../../../src/scoring/report/report.ts";
import type { TruthFigures } from "../../../src/scoring/report/report-figures.ts";
import { formatCount, formatInterval, formatNumber, formatPercent } from "../../../src/scoring/report/report-format.ts";
import { describeReason } from "../../../src/scoring/report/reason-words.ts";
import { LABELS } from "../../../src/model/labels.ts";
import { api, useLoad } from "../api.ts";
import { Failure } from "../parts.tsx";
import { ConfidenceHistogram, ConfusionMatrix, LabelBars } from "./charts.tsx";
import { RunDrift } from "./run-drift.tsx";

/** Loads the report and shows it. */
export function ReportView({ id }: { readonly id: string }): ReactNode {
  const load = useCallback((signal: AbortSignal) => api.readReport(id, signal), [id]);
  const { value, error } = useLoad(load);
  if (error !== null) return <Failure error={error} />;
  if (value === null) return <p className="quiet">Loading the report …</p>;
  return <ReportSections id={id} report={value} />;
}

function ReportSections({ id, report }: { readonly id: string; readonly report: Report }): ReactNode {
  const { total, denominators, provenance } = report;
  const failures = [...denominators.failedByReason, ...denominators.skippedByReason];
  return (
    <>
      {denominators.missingChunks > 0 && (
        <p className="alert">
          <strong>Not complete:</strong> {formatCount(denominators.missingChunks)} chunks are missing, with{" "}
          {formatCount(denominators.unaccounted)} inputs.
        </p>
      )}
      <section className="card">
        <h2>Apparent facial expression</h2>
        {total.faces === 0 ? (
          <p>No face was scored.</p>
        ) : (
          <>
            <p className="quiet">
              Shares of {formatCount(total.faces)} scored faces, with 95 % intervals.
              {report.prevalence !== null &&
                " The second mark is the share corrected for the model's measured confusions."}
            </p>
            <LabelBars
              labels={total.labels}
              link={(label) => `#/jobs/${id}?tab=pictures&label=${encodeURIComponent(label)}`}
            />
            <ul className="legend">
              <li>
                <i className="key-fill" /> share
              </li>
              <li>
                <i className="key-whisker" /> its 95 % interval
              </li>
              {report.prevalence !== null && (
                <li>
                  <i className="key-dot" /> corrected share, 95 %
                </li>
              )}
            </ul>
            {report.prevalence !== null && (
              <details>
                <summary>What the correction assumes</summary>
                <p>{report.prevalence.assumption}</p>
              </details>
            )}
          </>
        )}
      </section>
      {total.faces > 0 && (
        <section className="card">
          <h2>How sure the model is</h2>
          <ConfidenceHistogram bins={total.confidence} />
          <p className="quiet">
            Mean margin {formatNumber(total.meanMargin)}, mean entropy {formatNumber(total.meanEntropy)} nats.{" "}
            <a href={`#/jobs/${id}?tab=pictures&sort=margin`}>See the least certain</a>
          </p>
        </section>
      )}
      {total.truth !== null && total.truth.faces > 0 && <Truth truth={total.truth} />}
      {report.groups.map((group) => (
        <Groups key={group.key} id={id} group={group} />
      ))}
      {failures.length > 0 && (
        <section className="card">
          <h2>Inputs without a label</h2>
          <table>
            <thead>
              <tr>
                <th scope="col">Reason</th>
                <th scope="col">Inputs</th>
              </tr>
            </thead>
            <tbody>
              {failures.map(({ code, count }) => (
                <tr key={code}>
                  <th scope="row">{describeReason(code)}</th>
                  <td>{formatCount(count)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      <RunDrift report={report} />
      <section className="card">
        <h2>How the labels were made</h2>
        <dl className="pairs">
          <dt>Model</dt>
          <dd>
            <a href="#/models">{provenance.model}</a>
            {report.modelEvaluation !== null && (
              <>
                , accuracy {formatPercent(report.modelEvaluation.accuracy)} on {report.modelEvaluation.dataset}
              </>
            )}
          </dd>
          <dt>Engine</dt>
          <dd>{provenance.engine}</dd>
          <dt>Weights</dt>
          <dd>
            <code>{provenance.sha256}</code>
          </dd>
          <dt>Preprocessing</dt>
          <dd>
            version {provenance.pipeline}, faces: {provenance.faces}, mirrored:{" "}
            {provenance.tta === "flip" ? "yes" : "no"}
          </dd>
        </dl>
        <div className="notice">
          {[report.notice.wording, report.notice.error, ...report.notice.law].map((line) => (
            <p key={line}>{line}</p>
          ))}
        </div>
      </section>
    </>
  );
}

function Truth({ truth }: { readonly truth: TruthFigures }): ReactNode {
  return (
    <section className="card">
      <h2>Against the true labels</h2>
      <dl className="figures">
        <div>
          <dt>Accuracy</dt>
          <dd>
            {formatPercent(truth.accuracy)} <small>{formatInterval(truth.interval)}</small>
          </dd>
        </div>
        <div>
          <dt>Balanced accuracy</dt>
          <dd>{formatPercent(truth.balancedAccuracy)}</dd>
        </div>
        <div>
          <dt>Macro F1</dt>
          <dd>{formatNumber(truth.macroF1)}</dd>
        </div>
        <div>
          <dt>Calibration error</dt>
          <dd>{formatNumber(truth.calibrationError, 3)}</dd>
        </div>
      </dl>
      <ConfusionMatrix rows={truth.confusion} name="Confusion matrix of the job" />
    </section>
  );
}

function nameGroup(kind: string, value: string | null): string {
  if (kind === "value") return value ?? "";
  return kind === "absent" ? "(none)" : "(all others)";
}

function Groups({ id, group }: { readonly id: string; readonly group: ReportGroups }): ReactNode {
  return (
    <section className="card">
      <h2>
        By <q>{group.key}</q>
      </h2>
      <div className="scroll" tabIndex={0} role="region" aria-label={`Groups by ${group.key}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">{group.key}</th>
              <th scope="col">Faces</th>
              {LABELS.map((label) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {group.groups.map(({ kind, value, figures }) => (
              <tr key={`${kind} ${value}`}>
                <th scope="row">
                  {kind === "value" ? (
                    <a href={`#/jobs/${id}?tab=pictures&group=${encodeURIComponent(`${group.key}=${value}`)}`}>
                      {nameGroup(kind, value)}
                    </a>
                  ) : (
                    nameGroup(kind, value)
                  )}
                </th>
                <td>{formatCount(figures.faces)}</td>
                {figures.labels.map(({ label, share }) => (
                  <td
                    key={label}
                    className={`shade-${Math.round(9 * (share?.value ?? 0))}`}
                    title={formatInterval(share)}
                  >
                    {formatPercent(share?.value ?? null, 0)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {group.hidden.groups > 0 && (
        <p className="quiet">
          {formatCount(group.hidden.groups)} groups with {formatCount(group.hidden.faces)} faces together are not shown:
          the smallest group shown has {formatCount(group.minGroupSize)} faces.
        </p>
      )}
    </section>
  );
}
