/** The sections of the report page about this job's own figures. */

import { describeQuiet, listReportFindings } from "./findings.ts";
import { type HtmlValue, html, type SafeHtml } from "./html-text.ts";
import type { Report } from "./report.ts";
import {
  renderConfusion,
  renderHistogram,
  renderLabelName,
  renderParts,
  renderShareBars,
  renderShareKey,
} from "./report-charts.ts";
import type { LabelFigures } from "./report-figures.ts";
import { formatCount, formatInterval, formatNumber, formatPercent, isApart } from "./report-format.ts";
import type { ReportLinks } from "./report-links.ts";
import { describeReason } from "./reason-words.ts";
import { listAccuracyAlerts } from "./schedule-alerts.ts";
import { computeWilson } from "../statistics/intervals.ts";

/** One figure with its name, as a tile. */
function renderTile(value: HtmlValue, name: string, note: HtmlValue = null): SafeHtml {
  return html`<div class="tile">
    <dt>${name}</dt>
    <dd><b>${value}</b><span class="note">${note}</span></dd>
  </div>`;
}

/** Labels from most to least frequent. */
function rankLabels(report: Report): LabelFigures[] {
  return [...report.total.labels].sort((a, b) => b.count - a.count);
}

/** The result in one or two sentences. */
function describeResult(report: Report): string {
  const { listed, scored, faces } = report.denominators;
  const [first, second] = rankLabels(report);
  const inputs = `${formatCount(scored)} of ${formatCount(listed)} listed ${listed === 1 ? "input was" : "inputs were"} scored`;
  if (!first?.share || !second?.share) return `${inputs}. There are no faces to describe.`;
  const counted = faces === scored ? "" : `, ${formatCount(faces)} faces in all`;
  const lead = isApart(first.share, second.share)
    ? `The most frequent apparent expression is ${first.label}: ${formatPercent(first.share.value)} of the faces (95 % interval ${formatInterval(first.share)}).`
    : `${first.label} (${formatPercent(first.share.value)}) and ${second.label} (${formatPercent(second.share.value)}) are the most frequent apparent expressions; with ${formatCount(faces)} faces their order is not settled.`;
  return `${inputs}${counted}. ${lead}`;
}

/** What to look into first, and what was looked at where there is nothing. */
export function renderFindings(report: Report): SafeHtml {
  const found = [...listAccuracyAlerts(report.reviewed ?? []), ...listReportFindings(report)];
  const findings = found.length === 0 ? [describeQuiet(report)] : found;
  return html`<section class="card">
    <h2>${found.length === 0 ? "Nothing stands out" : "Look at this first"}</h2>
    <ul class="findings">
      ${findings.map(
        ({ tone, subject, text }) =>
          html`<li><span class="pill tone-${tone}">${subject}</span><span>${text}</span></li>`,
      )}
    </ul>
  </section>`;
}

/** Shares of the labels: the result in a sentence, one chart with its figures, and what the intervals hold. */
export function renderLabels(report: Report, links: ReportLinks): SafeHtml {
  const { total, prevalence, denominators: counts, modelEvaluation } = report;
  return html`<section class="card">
    <h2>Apparent expressions</h2>
    <p class="lead">${describeResult(report)}</p>
    ${
      total.faces > 0 &&
      html`${renderShareBars(
          "Shares of the labels",
          total.labels.map(({ label, share, count, corrected }) => ({
            label,
            share,
            corrected,
            link: count === 0 ? null : links.label(label),
            cells: [
              formatCount(count),
              ...(prevalence === null
                ? []
                : [html`${formatPercent(corrected?.value ?? null)}<small>${formatInterval(corrected)}</small>`]),
            ],
          })),
          ["Faces", ...(prevalence === null ? [] : ["Corrected"])],
        )}
        ${renderShareKey(
          "Share of the labels as given, with 95 % interval",
          prevalence === null ? null : "Corrected for the model's confusions",
        )}
        <p class="caption">
          The first interval holds the chance of the sample alone, not the model's
          errors.${prevalence !== null && html` The corrected share undoes the confusions that the model showed on its evaluation set. ${prevalence.assumption} Its ${formatPercent(prevalence.level, 0)} interval: Bayesian bootstrap, ${formatCount(prevalence.replicates)} resamples, seed ${prevalence.seed}.`}
        </p>`
    }
    <dl class="tiles">
      ${renderTile(formatCount(counts.faces), "Faces scored", `in ${formatCount(counts.scored)} of ${formatCount(counts.listed)} inputs`)}
      ${renderTile(formatCount(counts.noFace), "Without a face", formatPercent(counts.listed === 0 ? null : counts.noFace / counts.listed))}
      ${renderTile(formatCount(counts.failed + counts.skipped), "Failed or skipped", formatPercent(counts.listed === 0 ? null : (counts.failed + counts.skipped) / counts.listed))}
      ${total.truth !== null ? renderTile(formatPercent(total.truth.accuracy), "Accuracy in this job", formatInterval(total.truth.interval)) : null}
      ${modelEvaluation !== null ? renderTile(formatPercent(modelEvaluation.accuracy), "Model's accuracy", `on ${modelEvaluation.dataset}`) : null}
    </dl>
  </section>`;
}

/** How sure the model was. */
export function renderConfidence(report: Report, links: ReportLinks): SafeHtml | null {
  const { total } = report;
  if (total.faces === 0) return null;
  const unsure = links.unsure();
  return html`<section class="card">
    <h2>Confidence</h2>
    <p class="quiet">
      Mean margin between the first and the second label ${formatPercent(total.meanMargin)}; mean entropy
      ${formatNumber(total.meanEntropy)} nats of
      ${formatNumber(Math.log(total.labels.length))}.${unsure !== null && html` <a href="${unsure}">See the least certain</a>`}
    </p>
    ${renderHistogram(total.confidence, "Faces by the probability of their label.")}
  </section>`;
}

/** Where every input went, with the reasons. */
export function renderInputs(report: Report, links: ReportLinks): SafeHtml {
  const counts = report.denominators;
  const rows = [
    ...counts.failedByReason.map((reason) => ({ outcome: "Failed", ...reason })),
    ...counts.skippedByReason.map((reason) => ({ outcome: "Skipped", ...reason })),
  ];
  return html`<section class="card">
    <h2>Where the inputs went</h2>
    <p class="quiet">${formatCount(counts.listed)} inputs listed; each has one outcome.</p>
    ${renderParts([
      { name: "Scored", count: counts.scored, tone: "main" },
      { name: "No face", count: counts.noFace, tone: "idle" },
      { name: "Skipped", count: counts.skipped, tone: "warn" },
      { name: "Failed", count: counts.failed, tone: "bad" },
      { name: "Cancelled", count: counts.cancelled, tone: "idle" },
      { name: "Expired", count: counts.expired, tone: "idle" },
      { name: "Not accounted for", count: Math.max(0, counts.unaccounted), tone: "bad" },
    ])}
    ${
      rows.length > 0 &&
      html`<div class="scroll" tabindex="0" role="region" aria-label="Table of reasons">
        <table class="text">
          <thead>
            <tr>
              <th scope="col">Outcome</th>
              <th scope="col">Reason</th>
              <th scope="col">Inputs</th>
            </tr>
          </thead>
          <tbody>
            ${rows.map(({ outcome, code, count }) => {
              const link = links.outcome(outcome.toLowerCase());
              return html`<tr>
                <td>${link === null ? outcome : html`<a href="${link}">${outcome}</a>`}</td>
                <td>
                  ${describeReason(code)} <small><code>${code}</code></small>
                </td>
                <td>${formatCount(count)}</td>
              </tr>`;
            })}
          </tbody>
        </table>
      </div>`
    }
  </section>`;
}

/** Accuracy against the labels that came with the inputs. */
export function renderTruth(report: Report): SafeHtml | null {
  const { truth } = report.total;
  if (truth === null || truth.faces === 0) return null;
  return html`<section class="card long">
    <h2>Against the given labels</h2>
    <p class="quiet">
      ${formatCount(truth.faces)} scored faces came with a label (of ${formatCount(report.denominators.labelled)} inputs
      that did).
    </p>
    <dl class="tiles">
      ${renderTile(formatPercent(truth.accuracy), "Accuracy", formatInterval(truth.interval))}${renderTile(formatPercent(truth.balancedAccuracy), "Balanced accuracy", "mean recall")}${renderTile(formatNumber(truth.macroF1, 3), "Macro F1")}${renderTile(formatPercent(truth.calibrationError), "Calibration error", "expected, 15 bins")}
    </dl>
    ${renderClasses("this job", truth.confusion, namesIn(report))}
  </section>`;
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

/** The labels of a report, in the model's order. */
export function namesIn({ total }: Pick<Report, "total">): string[] {
  return total.labels.map(({ label }) => label);
}

/** A confusion matrix and, beside it, precision and recall of each class with their Wilson intervals. */
export function renderClasses(
  of: string,
  confusion: readonly (readonly number[])[],
  labels: readonly string[],
): SafeHtml {
  return html`<div class="columns">
    <div>
      <h3>Which labels are confused</h3>
      ${renderConfusion(`Confusion matrix of ${of}`, confusion, labels)}
    </div>
    <div>
      <h3>How far each label can be trusted</h3>
      <div class="scroll" tabindex="0" role="region" aria-label="Classes of ${of}">
        <table class="tight">
          <thead>
            <tr>
              <th scope="col">Label</th>
              <th scope="col">Precision</th>
              <th scope="col">Recall</th>
            </tr>
          </thead>
          <tbody>
            ${labels.map((label, index) => {
              const row = confusion[index] ?? [];
              const hits = row[index] ?? 0;
              const called = sum(confusion.map((other) => other[index] ?? 0));
              return html`<tr>
                <th scope="row">${renderLabelName(label)}</th>
                ${[called, sum(row)].map((total) => {
                  const share = computeWilson(hits, total);
                  return html`<td>${formatPercent(share?.value ?? null)}<small>${formatInterval(share)}</small></td>`;
                })}
              </tr>`;
            })}
          </tbody>
        </table>
      </div>
    </div>
  </div>`;
}
