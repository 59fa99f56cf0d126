import Table from "cli-table3";
import {
  formatCount,
  formatInterval,
  formatNumber,
  formatP,
  formatPercent,
  formatPoints,
} from "../../src/scoring/report/report-format.ts";
import type { FaceComparison } from "../../src/scoring/statistics/compare-faces.ts";
import type { ShareInterval } from "../../src/scoring/statistics/intervals.ts";
import { showText } from "../terminal-text.ts";

const STYLE = { head: [], border: [], compact: true };

const formatShare = (share: ShareInterval | null): string =>
  share === null ? "–" : `${formatPercent(share.value)} (${formatInterval(share)})`;

/** "+1.2 (−0.3 to 2.7)", in points. */
const formatDifference = (difference: ShareInterval | null): string =>
  difference === null
    ? "–"
    : `${formatPoints(difference.value)} (${formatPoints(difference.low)} to ${formatPoints(difference.high)})`;

/** A comparison for a terminal, a piece a line or table. */
export function renderComparison(first: string, second: string, compared: FaceComparison): readonly string[] {
  const { faces, agreement, confusion, shares, truth, farthest } = compared;
  const lines = [`A: ${showText(first)}`, `B: ${showText(second)}`, "", describeFaces(faces)];
  if (faces.compared === 0) return lines;
  lines.push(`agreement ${formatShare(agreement.share)}, Cohen's kappa ${formatNumber(agreement.kappa)}`);
  if (truth !== null) {
    const { first: a, second: b, onlyFirst, onlySecond } = truth;
    lines.push(
      `right on ${formatCount(truth.faces)} faces with a true label: A ${formatShare(a)}, B ${formatShare(b)}`,
      `difference in points ${formatDifference(truth.difference)}; only A is right ${formatCount(onlyFirst)} times, only B ${formatCount(onlySecond)}; McNemar's mid-p ${formatP(truth.p)}`,
    );
  }
  const table = new Table({
    head: ["label", "A", "B", "B − A, points (95 %)"],
    colAligns: ["left", "right", "right", "right"],
    style: STYLE,
  });
  for (const { label, first: a, second: b, difference } of shares) {
    table.push([showText(label), formatPercent(a), formatPercent(b), formatDifference(difference)]);
  }
  const matrix = new Table({ head: ["A \\ B", ...confusion.second.map(showText)], style: STYLE });
  for (const [row, label] of confusion.first.entries()) {
    matrix.push([showText(label), ...(confusion.counts[row] ?? []).map(formatCount)]);
  }
  lines.push("", table.toString(), "", "labels of A (rows) by labels of B (columns)", matrix.toString());
  if (farthest.length > 0) {
    const list = new Table({ head: ["differ most", "A", "B", "distance", "true"], style: STYLE });
    for (const { id, first: a, second: b, distance, truth: known } of farthest) {
      const [one, two] = [a, b].map(({ label, probability }) => `${showText(label)} ${formatNumber(probability)}`);
      list.push([showText(id), one, two, formatNumber(distance), known === null ? "" : showText(known)]);
    }
    lines.push("", list.toString());
  }
  return lines;
}

function describeFaces({ compared, ...rest }: FaceComparison["faces"]): string {
  const parts = [
    [rest.scoredByFirst, "scored by A alone"],
    [rest.scoredBySecond, "scored by B alone"],
    [rest.scoredByNone, "by neither"],
    [rest.onlyFirst, "in A alone"],
    [rest.onlySecond, "in B alone"],
  ] as const;
  const others = parts.filter(([count]) => count > 0).map(([count, words]) => `, ${formatCount(count)} ${words}`);
  return `${formatCount(compared)} faces scored by both${others.join("")}`;
}
