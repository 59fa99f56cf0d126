/** The section of the report page about how differently the model treats groups. */

import { describeGaps, type FairnessAudit } from "../statistics/fairness.ts";
import { html, type SafeHtml } from "./html-text.ts";
import { formatCount, formatInterval, formatPercent } from "./report-format.ts";

/** Gaps that one table shows; report.json has them all. */
const MAX_GAP_ROWS = 10;

/** The gaps of one `groupBy` name, in words and as a table. */
export function renderFairness(audit: FairnessAudit): SafeHtml {
  return html`<h3>Errors by <bdi>${audit.key}</bdi></h3>
    ${describeGaps(audit).map((sentence) => html`<p>${sentence}</p>`)}
    <div class="scroll" tabindex="0" role="region" aria-label="Gaps between groups by ${audit.key}">
      <table class="text tight">
        <thead>
          <tr>
            <th scope="col">Label</th>
            <th scope="col">Rate</th>
            <th scope="col">Highest in</th>
            <th scope="col">Lowest in</th>
            <th scope="col">Gap</th>
          </tr>
        </thead>
        <tbody>
          ${audit.gaps.slice(0, MAX_GAP_ROWS).map(
            ({ label, kind, highest, lowest, gap, settled }) =>
              html`<tr>
                <th scope="row">${label}</th>
                <td>${kind}</td>
                <td><bdi>${highest}</bdi></td>
                <td><bdi>${lowest}</bdi></td>
                <td>
                  ${settled ? html`<b>${formatPercent(gap.value)}</b>` : formatPercent(gap.value)}<small
                    >${formatInterval(gap)}</small
                  >
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="quiet">
      Recall: of the faces that have a label, those that the model gave it. False label: of the faces that do not have
      it, those that it gave it nevertheless. Intervals: 95 % for all ${formatCount(audit.comparisons)} comparisons
      together; bold where 0 is outside. ${audit.meaning}
    </p>`;
}
