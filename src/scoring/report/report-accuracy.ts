/** The section of the report page about the model's accuracy from night to night, as people saw it. */

import { compareAccuracy } from "../statistics/accuracy-drift.ts";
import { html, type SafeHtml } from "./html-text.ts";
import { renderShareBars } from "./report-charts.ts";
import { formatCount, formatPercent, formatPoints } from "./report-format.ts";
import type { ReportLinks } from "./report-links.ts";
import type { Report } from "./report.ts";

/** How often the model was right in the runs before; `null` where none of them was reviewed. */
export function renderAccuracy({ reviewed = [] }: Pick<Report, "reviewed">, links: ReportLinks): SafeHtml | null {
  if (reviewed.length === 0) return null;
  const drift = compareAccuracy(reviewed);
  return html`<section class="card">
    <h2>Is the model as right as it was?</h2>
    ${
      drift !== null &&
      html`<p>
        ${drift.settled ? "The accuracy changed" : "No change of the accuracy is settled"}:
        <b>${formatPoints(drift.change.value)} points</b> (95 % interval ${formatPoints(drift.change.low)} to
        ${formatPoints(drift.change.high)}) against the mean of the ${formatCount(drift.runs)}
        ${drift.runs === 1 ? "review" : "reviews"} before, ${formatPercent(drift.before.value)}.
      </p>`
    }
    ${renderShareBars(
      "Accuracy by night",
      reviewed.map(({ dueMs, jobId, accuracy, faces, answered }) => ({
        label: new Date(dueMs).toISOString().slice(0, 10),
        plain: true,
        share: accuracy,
        link: links.job(jobId),
        cells: [formatCount(answered), formatCount(faces)],
      })),
      ["Labeled", "Faces"],
      { row: "Run", share: "Accuracy" },
    )}
    <p class="caption">
      Reviews of earlier runs, as far as people had read them when this run began: of each run's new pictures some,
      drawn by lot with known chances, were labeled without the model's label in sight.
    </p>
  </section>`;
}
