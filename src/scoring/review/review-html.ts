/** A review's figures as one page to share, in the form of the report. */

import type { Agreement } from "../statistics/agreement.ts";
import type { ShareInterval } from "../statistics/intervals.ts";
import type { ReviewedFaces, ReviewFigures } from "./review-figures.ts";
import type { ReviewFit } from "./review-fit.ts";
import type { ReviewView } from "./review-desk.ts";
import { html, type HtmlValue, type SafeHtml } from "../report/html-text.ts";
import { renderShareBars } from "../report/report-charts.ts";
import { formatCount, formatInterval, formatNumber, formatPercent, formatTime } from "../report/report-format.ts";
import { renderFairness } from "../report/report-fairness.ts";
import { renderPage } from "../report/report-html.ts";
import { describeLead } from "./review-lead.ts";
import { REPORT_STYLE } from "../report/report-style.ts";

/** What the figures assume; it is shown beside them. */
const ASSUMPTIONS =
  "The faces were drawn by lot with known chances and labeled without the model's label in sight. The figures hold however wrong the model is; they assume that the readers are right, and that faces which nobody could label are like the others of their stratum.";

/** The page as text. */
export function renderReviewHtml(
  job: { readonly id: string; readonly name: string | null; readonly model: string },
  view: ReviewView,
): string {
  const { figures } = view;
  const name = job.name ?? job.id;
  return renderPage(
    `${name}: review`,
    REPORT_STYLE,
    html`<main>
      <header class="head">
        <h1><bdi>${name}</bdi> <span class="pill">review</span></h1>
        <p class="quiet">
          Apparent facial expression by ${formatCount(figures.readers.length)}
          ${figures.readers.length === 1 ? "reader" : "readers"} and model ${job.model}; drawn
          ${formatTime(view.createdAt)}, seed ${view.seed}
        </p>
      </header>
      <p class="lead">${describeLead(view)}</p>
      ${figures.total !== null && renderFaces("Apparent expressions", figures.total)}
      ${figures.groups.map(({ value, figures: group }) => renderFaces(value ?? "All other groups", group))}
      ${
        figures.fairness !== null &&
        html`<section class="card">
          <h2>Are the groups treated alike?</h2>
          ${renderFairness(figures.fairness)}
        </section>`
      }
      ${figures.agreement !== null && renderAgreement(figures.agreement)}
      ${figures.fit !== null && renderFit(figures.fit)}
      <section class="card">
        <h2>How to read this</h2>
        <p>${ASSUMPTIONS}</p>
        ${
          figures.cannotSay !== null &&
          html`<p>
            ${formatPercent(figures.cannotSay.value)} of the job's faces (${formatInterval(figures.cannotSay)}) cannot
            be labeled by a reader; all other figures are about the rest.
          </p>`
        }
        <p class="quiet">
          Review and model: stratified prediction-powered inference. Review alone: Horvitz–Thompson. Corrected: the
          model's share without the confusions of its evaluation set, as in the report. All intervals 95 %. The method
          and its sources: docs/review.md.
        </p>
      </section>
    </main>`,
  );
}

const formatShare = (share: ShareInterval | null): HtmlValue =>
  share === null ? "–" : html`${formatPercent(share.value)}<small>${formatInterval(share)}</small>`;

function renderFaces(title: string, { labels, faces, answered, accuracy }: ReviewedFaces): SafeHtml {
  return html`<section class="card">
    <h2><bdi>${title}</bdi></h2>
    <p class="quiet">
      ${formatCount(faces)} faces, ${formatCount(answered)} of them labeled by readers; accuracy
      ${formatPercent(accuracy.value)} (${formatInterval(accuracy)}).
    </p>
    ${renderShareBars(
      `Shares of the labels: ${title}`,
      labels.map(({ label, powered }) => ({ label, share: powered })),
    )}
    <div class="scroll" tabindex="0" role="region" aria-label="Table of labels: ${title}">
      <table>
        <thead>
          <tr>
            <th scope="col">Label</th>
            <th scope="col">Model alone</th>
            <th scope="col">Corrected</th>
            <th scope="col">Review alone</th>
            <th scope="col">Review and model</th>
            <th scope="col">Precision</th>
            <th scope="col">Recall</th>
          </tr>
        </thead>
        <tbody>
          ${labels.map(
            ({ label, model, corrected, review, powered, precision, recall }) =>
              html`<tr>
                <th scope="row">${label}</th>
                <td>${formatPercent(model)}</td>
                <td>${formatShare(corrected)}</td>
                <td>${formatShare(review)}</td>
                <td>${formatShare(powered)}</td>
                <td>${formatShare(precision)}</td>
                <td>${formatShare(recall)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

const describeAgreement = (name: string, one: Agreement | null): HtmlValue =>
  one !== null &&
  html`<p>
    ${name} ${formatNumber(one.value)} (${formatNumber(one.low)} to ${formatNumber(one.high)}) on
    ${formatCount(one.units)} faces that two readers or more labeled; 1 is perfect, 0 is chance.
  </p>`;

function renderAgreement({ alpha, kappa }: NonNullable<ReviewFigures["agreement"]>): SafeHtml {
  return html`<section class="card">
    <h2>Do the readers agree?</h2>
    ${describeAgreement("Krippendorff's α", alpha)} ${describeAgreement("Cohen's κ", kappa)}
    ${alpha === null && html`<p>No face was labeled by two readers yet.</p>`}
  </section>`;
}

function renderFit({ temperature, calibrationError, precisionAim, thresholds }: ReviewFit): SafeHtml {
  return html`<section class="card">
    <h2>For the next run</h2>
    <p>
      Temperature: multiply the model's by <b>${formatNumber(temperature)}</b>; the calibration error goes from
      ${formatPercent(calibrationError.before)} to ${formatPercent(calibrationError.after)} on the faces it was fitted
      on.
    </p>
    <p>
      Labels are right for ${formatPercent(precisionAim, 0)} of the faces from these probabilities on:
      ${thresholds.map(({ label, threshold }) => `${label} ${threshold === null ? "none" : formatPercent(threshold, 0)}`).join(", ")}.
    </p>
  </section>`;
}
