/** The sections of the report page about this job's own figures. */

import { describeAbstentions } from "./abstentions.ts";
import { describeNoFace } from "../records/no-face.ts";
import { LABELS } from "../../model/labels.ts";
import { type HtmlValue, html, type SafeHtml, trustHtml } from "./html-text.ts";
import type { Report, ReportGroup, ReportGroups } from "./report.ts";
import { renderConfusion, renderHistogram, renderParts, renderShareBars } from "./report-charts.ts";
import { renderFairness } from "./report-fairness.ts";
import type { LabelFigures } from "./report-figures.ts";
import { formatCount, formatInterval, formatNumber, formatPercent, isApart } from "./report-format.ts";
import { describeReason } from "./reason-words.ts";

/** One figure with its name, as a tile. */
function renderTile(value: string, name: string, note: HtmlValue = null): SafeHtml {
  return html`<div class="tile"><span>${name}</span><b>${value}</b><span>${note}</span></div>`;
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

/** Sentence and tiles at the top. */
export function renderOverview(report: Report): SafeHtml {
  const { denominators: counts, total, modelEvaluation } = report;
  const lost = counts.skipped + counts.failed;
  const [first] = rankLabels(report);
  const unsure = describeAbstentions(total.abstained, counts.faces, report.provenance.abstain);
  const faceless = describeNoFace(counts.noFace, counts.listed - counts.unaccounted);
  return html`<p class="lead">${describeResult(report)}</p>
    ${
      counts.missingChunks > 0 &&
      html`<section class="alert">
        <h2>This report is incomplete</h2>
        <p>
          ${formatCount(counts.missingChunks)} ${counts.missingChunks === 1 ? "chunk" : "chunks"} with
          ${formatCount(counts.unaccounted)} inputs ${counts.missingChunks === 1 ? "is" : "are"} missing from it.
        </p>
      </section>`
    }
    ${faceless !== null && html`<p class="alert">${faceless}</p>`} ${unsure !== null && html`<p>${unsure}</p>`}
    <div class="tiles">
      ${renderTile(formatCount(counts.faces), "Faces scored", `from ${formatCount(counts.scored)} of ${formatCount(counts.listed)} inputs`)}
      ${first?.share ? renderTile(first.label, "Most frequent", `${formatPercent(first.share.value)} of faces`) : null}
      ${renderTile(formatCount(counts.noFace), "Without a face", formatPercent(counts.listed === 0 ? null : counts.noFace / counts.listed))}
      ${renderTile(formatCount(lost), "Failed or skipped", formatPercent(counts.listed === 0 ? null : lost / counts.listed))}
      ${total.truth !== null ? renderTile(formatPercent(total.truth.accuracy), "Accuracy in this job", formatInterval(total.truth.interval)) : null}
      ${modelEvaluation !== null ? renderTile(formatPercent(modelEvaluation.accuracy), "Model's accuracy", modelEvaluation.dataset) : null}
    </div>`;
}

const KEY_MEASURED = trustHtml(
  '<svg aria-hidden="true"><rect class="fill" x="0" y="2" width="24" height="10" rx="2"/><line class="whisker" x1="17" x2="31" y1="7" y2="7"/><line class="whisker" x1="17" x2="17" y1="3" y2="11"/><line class="whisker" x1="31" x2="31" y1="3" y2="11"/></svg>',
);
const KEY_CORRECTED = trustHtml(
  '<svg aria-hidden="true"><line class="corrected" x1="2" x2="32" y1="7" y2="7"/><path class="corrected-mark" d="M12 7L17 2L22 7L17 12Z"/></svg>',
);

/** Shares of the labels: chart and table. */
export function renderLabels(report: Report): SafeHtml | null {
  const { total, prevalence } = report;
  if (total.faces === 0) return null;
  return html`<section>
    <h2>Apparent expressions</h2>
    <p class="quiet">Share of ${formatCount(total.faces)} scored faces by the model's most probable label.</p>
    ${renderShareBars(
      total.labels.map(({ label, share, count, corrected }) => ({
        label,
        share,
        corrected,
        note: html`<b>${formatPercent(share?.value ?? null)}</b><small>${formatCount(count)}</small>`,
      })),
    )}
    <ul class="key">
      <li>${KEY_MEASURED}Labels as given, with 95 % interval</li>
      ${prevalence !== null && html`<li>${KEY_CORRECTED}Corrected for the model's confusions, with ${formatPercent(prevalence.level, 0)} interval</li>`}
    </ul>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of labels">
      <table>
        <thead>
          <tr>
            <th scope="col">Label</th>
            <th scope="col">Faces</th>
            <th scope="col">Share</th>
            <th scope="col">95 % interval</th>
            <th scope="col">Mean probability</th>
            ${prevalence !== null && html`<th scope="col">Corrected share</th>`}
          </tr>
        </thead>
        <tbody>
          ${total.labels.map(
            ({ label, count, share, meanProbability, corrected }) =>
              html`<tr>
                <th scope="row">${label}</th>
                <td>${formatCount(count)}</td>
                <td>${formatPercent(share?.value ?? null)}</td>
                <td>${formatInterval(share)}</td>
                <td>${formatPercent(meanProbability)}</td>
                ${prevalence !== null && html`<td>${formatPercent(corrected?.value ?? null)}<small>${formatInterval(corrected)}</small></td>`}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="quiet">
      The first interval holds the chance of the sample alone, not the model's
      errors.${prevalence !== null && html` The corrected share undoes the confusions that the model showed on its evaluation set. ${prevalence.assumption} Interval: Bayesian bootstrap, ${formatCount(prevalence.replicates)} resamples, seed ${prevalence.seed}.`}
    </p>
  </section>`;
}

/** How sure the model was. */
export function renderConfidence(report: Report): SafeHtml | null {
  const { total } = report;
  if (total.faces === 0) return null;
  return html`<section>
    <h2>Confidence</h2>
    <p class="quiet">
      Mean margin between the first and the second label ${formatPercent(total.meanMargin)}; mean entropy
      ${formatNumber(total.meanEntropy)} nats of ${formatNumber(Math.log(LABELS.length))}.
    </p>
    ${renderHistogram(total.confidence, "Faces by the probability of their label.")}
  </section>`;
}

/** Where every input went, with the reasons. */
export function renderInputs(report: Report): SafeHtml {
  const counts = report.denominators;
  const rows = [
    ...counts.failedByReason.map((reason) => ({ outcome: "Failed", ...reason })),
    ...counts.skippedByReason.map((reason) => ({ outcome: "Skipped", ...reason })),
  ];
  return html`<section>
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
            ${rows.map(
              ({ outcome, code, count }) =>
                html`<tr>
                  <td>${outcome}</td>
                  <td>
                    ${describeReason(code)} <small><code>${code}</code></small>
                  </td>
                  <td>${formatCount(count)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`
    }
  </section>`;
}

/** Accuracy against the labels that came with the inputs. */
export function renderTruth(report: Report): SafeHtml | null {
  const { truth } = report.total;
  if (truth === null) return null;
  return html`<section class="long">
    <h2>Against the given labels</h2>
    <p class="quiet">
      ${formatCount(truth.faces)} scored faces came with a label (of ${formatCount(report.denominators.labelled)} inputs
      that did).
    </p>
    <div class="tiles">
      ${renderTile(formatPercent(truth.accuracy), "Accuracy", formatInterval(truth.interval))}${renderTile(formatPercent(truth.balancedAccuracy), "Balanced accuracy", "mean recall")}${renderTile(formatNumber(truth.macroF1, 3), "Macro F1")}${renderTile(formatPercent(truth.calibrationError), "Calibration error", "expected, 15 bins")}
    </div>
    ${renderConfusion("Confusion matrix of this job", truth.confusion, LABELS)}
    ${renderPerClass("Classes in this job", truth.perClass)}
  </section>`;
}

/** Precision, recall and F1 of each class. */
export function renderPerClass(
  name: string,
  perClass: readonly { label: string; precision: number; recall: number; f1: number; support: number }[],
): SafeHtml {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${name}">
    <table>
      <thead>
        <tr>
          <th scope="col">Label</th>
          <th scope="col">Precision</th>
          <th scope="col">Recall</th>
          <th scope="col">F1</th>
          <th scope="col">Faces</th>
        </tr>
      </thead>
      <tbody>
        ${perClass.map(
          ({ label, precision, recall, f1, support }) =>
            html`<tr>
              <th scope="row">${label}</th>
              <td>${formatPercent(precision)}</td>
              <td>${formatPercent(recall)}</td>
              <td>${formatNumber(f1, 3)}</td>
              <td>${formatCount(support)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function nameGroup(group: ReportGroup): HtmlValue {
  if (group.kind === "absent") return html`<i>none given</i>`;
  if (group.kind === "other") return html`<i>all others</i>`;
  return group.value === "" ? html`<i>empty</i>` : html`<bdi>${group.value ?? ""}</bdi>`;
}

/** Rows of groups on the page; report.json has them all. */
const MAX_GROUP_ROWS = 100;

function renderGroupTable(groups: ReportGroups): SafeHtml {
  const { hidden } = groups;
  const hasTruth = groups.groups.some(({ figures }) => figures.truth !== null);
  return html`<h3>By <bdi>${groups.key}</bdi></h3>
    ${
      groups.groups.length > 0 &&
      html`<div class="scroll" tabindex="0" role="region" aria-label="Groups by ${groups.key}">
        <table class="groups">
          <thead>
            <tr>
              <th scope="col">Group</th>
              <th scope="col">Faces</th>
              ${LABELS.map((label) => html`<th scope="col">${label}</th>`)}${hasTruth && html`<th scope="col">Accuracy</th>`}
            </tr>
          </thead>
          <tbody>
            ${groups.groups.slice(0, MAX_GROUP_ROWS).map(
              (group) =>
                html`<tr>
                  <th scope="row">${nameGroup(group)}</th>
                  <td>${formatCount(group.figures.faces)}</td>
                  ${group.figures.labels.map(
                    ({ share }) =>
                      html`<td class="shade-${share === null ? 0 : Math.min(9, Math.floor(share.value * 10))}">
                        ${formatPercent(share?.value ?? null, 0)}<small
                          >${share === null ? "" : `${(100 * share.low).toFixed(0)}–${(100 * share.high).toFixed(0)}`}</small
                        >
                      </td>`,
                  )}${hasTruth && html`<td>${formatPercent(group.figures.truth?.accuracy ?? null, 0)}<small>${formatInterval(group.figures.truth?.interval ?? null)}</small></td>`}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`
    }
    <p class="quiet">
      ${groups.groups.length > MAX_GROUP_ROWS && `${formatCount(groups.groups.length - MAX_GROUP_ROWS)} smaller groups are in report.json. `}${hidden.groups > 0 ? `${formatCount(hidden.groups)} ${hidden.groups === 1 ? "group is" : "groups are"} not shown (${formatCount(hidden.faces)} faces together): groups under ${formatCount(groups.minGroupSize)} faces, and those that would give them away.` : `No group was under ${formatCount(groups.minGroupSize)} faces.`}
    </p>`;
}

/** Groups, one table a name. */
export function renderGroups(report: Report): SafeHtml | null {
  if (report.groups.length === 0) return null;
  return html`<section class="long">
    <h2>Groups</h2>
    <p class="quiet">
      Share of each label in its group, with its 95 % interval in percent below. With many groups, some differ by chance
      alone.
    </p>
    ${report.groups.map((groups) => html`${renderGroupTable(groups)}${groups.fairness !== null && renderFairness(groups.fairness)}`)}
  </section>`;
}
