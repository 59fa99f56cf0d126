/**
 * Charts as SVG strings. Positions across are percentages and positions down are pixels, so that a chart fills a phone or a
 * desk without a script and without shrinking its text.
 */

import { scaleLinear } from "d3-scale";
import { type HtmlValue, html, type SafeHtml } from "./html-text.ts";
import { formatCount, formatInterval, formatPercent } from "./report-format.ts";
import type { ShareInterval } from "../statistics/intervals.ts";

/** One bar with its interval. */
export interface ShareBar {
  readonly label: string;
  readonly share: ShareInterval | null;
  /** A second estimate, drawn as a diamond with a thin line. */
  readonly corrected?: ShareInterval | null;
  /** What stands at the right end. */
  readonly note: HtmlValue;
}

/** Tick labels under a chart; those at its ends stay inside. */
function renderAxis(ticks: readonly number[], scale: (value: number) => number): SafeHtml {
  return html`<div class="axis" aria-hidden="true">
    ${ticks.map((tick) => {
      const at = scale(tick);
      return html`<span class="${at < 2 ? "start" : at > 98 ? "end" : ""}" style="left:${percent(at)}"
        >${formatPercent(tick, 0)}</span
      >`;
    })}
  </div>`;
}

const percent = (value: number): string => `${value.toFixed(3)}%`;

/** The smallest round share that holds all bars. */
function chooseDomain(bars: readonly ShareBar[]): number {
  const highest = Math.max(0.1, ...bars.flatMap(({ share, corrected }) => [share?.high ?? 0, corrected?.high ?? 0]));
  return Math.min(1, Math.ceil(highest * 10) / 10);
}

function drawBar(bar: ShareBar, scale: (value: number) => number): SafeHtml {
  const { share, corrected } = bar;
  const title =
    share === null ? "" : `${bar.label}: ${formatPercent(share.value)}, 95 % interval ${formatInterval(share)}`;
  return html`<svg class="bar" role="img" aria-label="${title}">
    <rect class="track" x="0" y="5" width="100%" height="18" rx="3" />
    ${
      share !== null &&
      html`<rect class="fill" x="0" y="5" width="${percent(scale(share.value))}" height="18" rx="3" />
        <line class="whisker" x1="${percent(scale(share.low))}" x2="${percent(scale(share.high))}" y1="14" y2="14" />
        <line class="whisker" x1="${percent(scale(share.low))}" x2="${percent(scale(share.low))}" y1="9" y2="19" />
        <line class="whisker" x1="${percent(scale(share.high))}" x2="${percent(scale(share.high))}" y1="9" y2="19" />`
    }
    ${
      corrected
        ? html`<line
              class="corrected"
              x1="${percent(scale(corrected.low))}"
              x2="${percent(scale(corrected.high))}"
              y1="27"
              y2="27"
            />
            <svg x="${percent(scale(corrected.value))}" y="27" overflow="visible">
              <path class="corrected-mark" d="M-5 0L0-5L5 0L0 5Z" />
            </svg>`
        : null
    }
  </svg>`;
}

/** Horizontal bars with intervals, one row each, and an axis below. */
export function renderShareBars(bars: readonly ShareBar[]): SafeHtml {
  const domain = chooseDomain(bars);
  const scale = scaleLinear([0, domain], [0, 100]);
  const ticks = scale.ticks(3);
  return html`<div class="bars">
    ${bars.map(
      (bar) =>
        html`<div class="bar-label">${bar.label}</div>
          <div class="bar-cell">${drawBar(bar, scale)}</div>
          <div class="bar-note">${bar.note}</div>`,
    )}
    <div></div>
    ${renderAxis(ticks, scale)}
    <div></div>
  </div>`;
}

/** Columns of a histogram over 0…1. */
export function renderHistogram(counts: readonly number[], caption: string): SafeHtml {
  const height = 150;
  const highest = Math.max(1, ...counts);
  const scale = scaleLinear([0, highest], [0, height - 22]);
  const width = 100 / counts.length;
  const share = (index: number): string =>
    `${formatPercent(index / counts.length, 0)} to ${formatPercent((index + 1) / counts.length, 0)}`;
  const fullest = counts.indexOf(highest);
  return html`<figure>
    <svg class="histogram" height="${height}" role="img" aria-label="${caption}">
      ${counts.map(
        (count, index) =>
          html`<g>
            <title>${share(index)}: ${formatCount(count)} faces</title>
            <rect class="hit" x="${percent(index * width)}" y="0" width="${percent(width)}" height="${height}" />
            <rect
              class="fill"
              x="${percent(index * width + width * 0.08)}"
              y="${(height - scale(count)).toFixed(1)}"
              width="${percent(width * 0.84)}"
              height="${scale(count).toFixed(1)}"
          /></g>`,
      )}
      ${fullest >= 0 && html`<text x="${percent((fullest + 0.5) * width)}" y="${(height - scale(highest) - 6).toFixed(1)}" text-anchor="${fullest > counts.length - 3 ? "end" : fullest < 2 ? "start" : "middle"}">${formatCount(highest)}</text>`}
      <line class="base" x1="0" x2="100%" y1="${height - 0.5}" y2="${height - 0.5}" />
    </svg>
    ${renderAxis([0, 0.25, 0.5, 0.75, 1], (tick) => 100 * tick)}
    <figcaption>${caption}</figcaption>
  </figure>`;
}

/** Shade 0…9 of a share of its row. */
function chooseShade(share: number): number {
  return Math.min(9, Math.floor(share * 10));
}

/** A confusion matrix as a table: rows true, columns predicted, shaded by the share of the row. */
export function renderConfusion(
  name: string,
  confusion: readonly (readonly number[])[],
  labels: readonly string[],
): SafeHtml {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${name}">
      <table class="matrix">
        <thead>
          <tr>
            <td></td>
            ${labels.map((label) => html`<th scope="col">${label}</th>`)}
            <th scope="col">Faces</th>
          </tr>
        </thead>
        <tbody>
          ${confusion.map((row, index) => {
            const total = row.reduce((sum, count) => sum + count, 0);
            return html`<tr>
              <th scope="row">${labels[index] ?? ""}</th>
              ${row.map(
                (count, column) =>
                  html`<td
                    class="shade-${chooseShade(total === 0 ? 0 : count / total)}${column === index ? " hit-cell" : ""}"
                  >
                    ${total === 0 ? "–" : formatPercent(count / total, 0)}<small>${formatCount(count)}</small>
                  </td>`,
              )}
              <td class="number">${formatCount(total)}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
    <p class="caption">Rows: given label. Columns: the model's label. Each cell: share of its row, and faces.</p>`;
}

/** Parts of a whole as one stacked bar with a legend; parts of 0 are left out. */
export function renderParts(parts: readonly { name: string; count: number; tone: string }[]): SafeHtml {
  const total = parts.reduce((sum, { count }) => sum + count, 0);
  const scale = scaleLinear([0, Math.max(1, total)], [0, 100]);
  const present = parts.filter(({ count }) => count > 0);
  return html`<div
      class="parts"
      role="img"
      aria-label="${present.map(({ name, count }) => `${name} ${formatCount(count)}`).join(", ")}"
    >
      ${present.map(
        ({ count, tone }) => html`<span class="tone-${tone}" style="width:${percent(scale(count))}"></span>`,
      )}
    </div>
    <ul class="legend">
      ${present.map(({ name, count, tone }) => html`<li><i class="tone-${tone}"></i>${name} <b>${formatCount(count)}</b> <small>${formatPercent(total === 0 ? null : count / total)}</small></li>`)}
    </ul>`;
}
