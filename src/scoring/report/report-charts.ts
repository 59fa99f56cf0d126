/**
 * Charts as SVG strings. Positions across are percentages and positions down are pixels, so that a chart fills a phone or a
 * desk without a script and without shrinking its text. Nothing has a `style` attribute: the console's content security
 * policy refuses them.
 */

import { scaleLinear } from "d3-scale";
import { hueOf } from "./design-tokens.ts";
import { type HtmlValue, html, type SafeHtml, trustHtml } from "./html-text.ts";
import { formatCount, formatInterval, formatPercent } from "./report-format.ts";
import type { ShareInterval } from "../statistics/intervals.ts";

/** One bar with its interval. */
export interface ShareBar {
  readonly label: string;
  readonly share: ShareInterval | null;
  /** A second estimate, drawn as a diamond with a thin line. */
  readonly corrected?: ShareInterval | null;
  /** True for a row that is no label: it has no color of its own. */
  readonly plain?: boolean;
  /** Where the label's name leads; absent: nowhere. */
  readonly link?: string | null;
  /** Cells after the share's own: faces, for instance. */
  readonly cells?: readonly HtmlValue[];
}

const percent = (value: number): string => `${value.toFixed(2)}%`;

/** The end of the axis: the next tenth above the highest bound, so that bars stay comparable with their ticks. */
function chooseDomain(bars: readonly ShareBar[]): number {
  const highest = Math.max(0.1, ...bars.flatMap(({ share, corrected }) => [share?.high ?? 0, corrected?.high ?? 0]));
  return Math.min(1, Math.ceil(highest * 10) / 10);
}

/** A label's name with its hue. */
export function renderLabelName(label: string, link: string | null = null): SafeHtml {
  return html`<span class="label"><i class="dot ${hueOf(label)}"></i>${renderLink(label, link)}</span>`;
}

const renderLink = (text: string, link: string | null): HtmlValue =>
  link === null ? text : html`<a href="${link}">${text}</a>`;

/** Tick labels under a chart; those at its ends stay inside. */
function renderAxis(ticks: readonly number[], scale: (value: number) => number): SafeHtml {
  return html`<svg class="axis" aria-hidden="true">
    ${ticks.map((tick, index) => {
      const at = scale(tick);
      // On a phone every second one, counted from the end, has no room.
      const minor = (ticks.length - 1 - index) % 2 === 1 ? "minor" : "";
      return html`<text
        class="${minor}"
        x="${percent(at)}"
        y="14"
        text-anchor="${at < 2 ? "start" : at > 98 ? "end" : "middle"}"
      >
        ${formatPercent(tick, 0)}
      </text>`;
    })}
  </svg>`;
}

function drawWhisker(name: string, interval: ShareInterval, y: number, scale: (value: number) => number): SafeHtml {
  return html`<line
    class="${name}"
    x1="${percent(scale(interval.low))}"
    x2="${percent(scale(interval.high))}"
    y1="${y}"
    y2="${y}"
  />`;
}

function drawBar(bar: ShareBar, ticks: readonly number[], scale: (value: number) => number): SafeHtml {
  const { share, corrected } = bar;
  const title =
    share === null ? "" : `${bar.label}: ${formatPercent(share.value)}, 95 % interval ${formatInterval(share)}`;
  return html`<svg class="bar ${bar.plain === true ? "" : hueOf(bar.label)}" role="img" aria-label="${title}">
    ${ticks.map((tick) => html`<line class="grid" x1="${percent(scale(tick))}" x2="${percent(scale(tick))}" y1="-3" y2="100%" />`)}
    ${
      share !== null &&
      html`<rect class="bar-fill" x="0" y="5" width="${percent(scale(share.value))}" height="14" rx="2" />
        ${drawWhisker("halo-line", share, 12, scale)}${drawWhisker("whisker", share, 12, scale)}`
    }
    ${
      corrected
        ? html`${drawWhisker("corrected", corrected, 26, scale)}
            <svg x="${percent(scale(corrected.value))}" y="26" overflow="visible">
              <path class="corrected-mark" d="M-5 0L0-5L5 0L0 5Z" />
            </svg>`
        : null
    }
  </svg>`;
}

const KEY_MEASURED = trustHtml(
  '<svg aria-hidden="true"><rect class="bar-fill" x="0" y="2" width="24" height="10" rx="2"/><line class="halo-line" x1="17" x2="31" y1="7" y2="7"/><line class="whisker" x1="17" x2="31" y1="7" y2="7"/></svg>',
);
const KEY_CORRECTED = trustHtml(
  '<svg aria-hidden="true"><line class="corrected" x1="2" x2="32" y1="7" y2="7"/><path class="corrected-mark" d="M12 7L17 2L22 7L17 12Z"/></svg>',
);

/** What bar, line and diamond mean. @param corrected words for the diamond; `null` where there is none */
export function renderShareKey(measured: string, corrected: string | null): SafeHtml {
  return html`<ul class="key">
    <li>${KEY_MEASURED}${measured}</li>
    ${corrected !== null && html`<li>${KEY_CORRECTED}${corrected}</li>`}
  </ul>`;
}

/**
 * Shares as a table whose rows are drawn: a bar with its interval on one axis, the share and its interval in figures, and
 * what else a row has.
 * @param columns names of the cells after the share's own; those after the first are left out on a phone
 * @param names of the first column and of the share's
 */
export function renderShareBars(
  name: string,
  bars: readonly ShareBar[],
  columns: readonly string[] = [],
  names: { readonly row: string; readonly share: string } = { row: "Label", share: "Share" },
): SafeHtml {
  const scale = scaleLinear([0, chooseDomain(bars)], [0, 100]);
  const ticks = scale.ticks(4);
  const rest = columns.map((column, index) => html`<th scope="col" class="${index > 0 ? "wide" : ""}">${column}</th>`);
  return html`<table class="shares" aria-label="${name}">
    <thead>
      <tr>
        <th scope="col">${names.row}</th>
        <td class="chart"></td>
        <th scope="col">${names.share}</th>
        ${rest}
      </tr>
    </thead>
    <tbody>
      ${bars.map(
        (bar) =>
          html`<tr>
            <th scope="row">
              ${bar.plain === true ? html`<span class="label">${renderLink(bar.label, bar.link ?? null)}</span>` : renderLabelName(bar.label, bar.link ?? null)}
            </th>
            <td class="chart">${drawBar(bar, ticks, scale)}</td>
            <td class="figure">
              ${formatPercent(bar.share?.value ?? null)}<small>${formatInterval(bar.share)}</small>
            </td>
            ${(bar.cells ?? []).map((cell, index) => html`<td class="${index > 0 ? "wide" : ""}">${cell}</td>`)}
          </tr>`,
      )}
      <tr aria-hidden="true">
        <td></td>
        <td class="chart">${renderAxis(ticks, scale)}</td>
        <td></td>
        ${columns.map((_, index) => html`<td class="${index > 0 ? "wide" : ""}"></td>`)}
      </tr>
    </tbody>
  </table>`;
}

/** Columns of a histogram over 0…1. */
export function renderHistogram(counts: readonly number[], caption: string): SafeHtml {
  const height = 130;
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
              class="bar-fill"
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

/** Shade 0…9 of a share: the class of a heat map's cell. */
export function chooseShade(share: number): number {
  return Math.max(0, Math.min(9, Math.floor(share * 10)));
}

/** A confusion matrix as a heat map: rows true, columns predicted, shaded by the share of the row. */
export function renderConfusion(
  name: string,
  confusion: readonly (readonly number[])[],
  labels: readonly string[],
): SafeHtml {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${name}">
      <table class="heat">
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
              <th scope="row">${renderLabelName(labels[index] ?? "")}</th>
              ${row.map(
                (count, column) =>
                  html`<td
                    class="shade-${chooseShade(total === 0 ? 0 : count / total)}${column === index ? " hit-cell" : ""}"
                    title="${formatCount(count)} of ${formatCount(total)}"
                  >
                    ${total === 0 ? "–" : formatPercent(count / total, 0)}
                  </td>`,
              )}
              <td class="number">${formatCount(total)}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
    <p class="caption">Rows: given label. Columns: the model's label. Each cell: its share of the row.</p>`;
}

/** Parts of a whole as one stacked bar with a legend; parts of 0 are left out. */
export function renderParts(
  parts: readonly { readonly name: string; readonly count: number; readonly tone: string }[],
): SafeHtml {
  const total = parts.reduce((sum, { count }) => sum + count, 0);
  const scale = scaleLinear([0, Math.max(1, total)], [0, 100]);
  const present = parts.filter(({ count }) => count > 0);
  const starts = present.map((_, index) => present.slice(0, index).reduce((sum, { count }) => sum + count, 0));
  return html`<svg
      class="parts"
      role="img"
      aria-label="${present.map(({ name, count }) => `${name} ${formatCount(count)}`).join(", ")}"
    >
      ${present.map(
        ({ count, tone }, index) =>
          html`<rect
            class="tone-fill-${tone}"
            x="${percent(scale(starts[index] ?? 0))}"
            width="${percent(scale(count))}"
            height="100%"
          />`,
      )}
    </svg>
    <ul class="legend">
      ${present.map(
        ({ name, count, tone }) =>
          html`<li>
            <svg aria-hidden="true"><rect class="tone-fill-${tone}" width="100%" height="100%" /></svg>${name}
            <b>${formatCount(count)}</b> <small>${formatPercent(total === 0 ? null : count / total)}</small>
          </li>`,
      )}
    </ul>`;
}
