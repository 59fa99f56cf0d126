/** The section of the report page about the groups of a job. */

import { type HtmlValue, html, type SafeHtml } from "./html-text.ts";
import type { Report, ReportGroup, ReportGroups } from "./report.ts";
import { chooseShade } from "./report-charts.ts";
import { renderFairness } from "./report-fairness.ts";
import { formatCount, formatInterval, formatPercent } from "./report-format.ts";
import type { ReportLinks } from "./report-links.ts";

function nameGroup(key: string, group: ReportGroup, links: ReportLinks): HtmlValue {
  if (group.kind === "absent") return html`<i>none given</i>`;
  if (group.kind === "other") return html`<i>all others</i>`;
  const value = group.value ?? "";
  const link = links.group(key, value);
  const name = value === "" ? html`<i>empty</i>` : html`<bdi>${value}</bdi>`;
  return link === null ? name : html`<a href="${link}">${name}</a>`;
}

/** Rows of groups on the page; report.json has them all. */
const MAX_GROUP_ROWS = 100;

function renderGroupTable(groups: ReportGroups, links: ReportLinks): SafeHtml {
  const { hidden } = groups;
  const hasTruth = groups.groups.some(({ figures }) => figures.truth !== null);
  return html`<h3>By <bdi>${groups.key}</bdi></h3>
    ${
      groups.groups.length > 0 &&
      html`<div class="scroll" tabindex="0" role="region" aria-label="Groups by ${groups.key}">
        <table class="groups heat">
          <thead>
            <tr>
              <th scope="col">Group</th>
              <th scope="col">Faces</th>
              ${groups.groups[0]?.figures.labels.map(({ label }) => html`<th scope="col">${label}</th>`) ?? null}${hasTruth && html`<th scope="col">Accuracy</th>`}
            </tr>
          </thead>
          <tbody>
            ${groups.groups.slice(0, MAX_GROUP_ROWS).map(
              (group) =>
                html`<tr>
                  <th scope="row">${nameGroup(groups.key, group, links)}</th>
                  <td class="number">${formatCount(group.figures.faces)}</td>
                  ${group.figures.labels.map(
                    ({ share }) =>
                      html`<td class="shade-${chooseShade(share?.value ?? 0)}">
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
    <p class="caption">
      ${groups.groups.length > MAX_GROUP_ROWS && `${formatCount(groups.groups.length - MAX_GROUP_ROWS)} smaller groups are in report.json. `}${hidden.groups > 0 ? `${formatCount(hidden.groups)} ${hidden.groups === 1 ? "group is" : "groups are"} not shown (${formatCount(hidden.faces)} faces together): groups under ${formatCount(groups.minGroupSize)} faces, and those that would give them away.` : `No group was under ${formatCount(groups.minGroupSize)} faces.`}
    </p>`;
}

/** Groups, one table per name. */
export function renderGroups(report: Report, links: ReportLinks): SafeHtml | null {
  if (report.groups.length === 0) return null;
  return html`<section class="card long">
    <h2>Groups</h2>
    <p class="quiet">
      Share of each label in its group, with its 95 % interval in percent below. With many groups, some differ by chance
      alone.
    </p>
    ${report.groups.map((groups) => html`${renderGroupTable(groups, links)}${groups.fairness !== null && renderFairness(groups.fairness)}`)}
  </section>`;
}
