import Table from "cli-table3";
import type { Report } from "../src/scoring/report/report.ts";

/** `0.4 s`, `12 s`, `3 min 5 s`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/**
 * The labels of a report as a table for a terminal: count, share with its 95 % interval, mean probability, and a bar;
 * below it, the outcomes of all inputs.
 */
export function renderLabelTable(report: Report): string {
  const table = new Table({
    head: ["Apparent expression", "Faces", "Share", "95 % interval", "Mean prob.", ""],
    colAligns: ["left", "right", "right", "right", "right", "left"],
    style: { head: [], border: [], compact: true },
  });
  const widest = Math.max(...report.total.labels.map(({ count }) => count), 1);
  for (const { label, count, share, meanProbability } of report.total.labels) {
    table.push([
      label,
      String(count),
      share === null ? "–" : percent(share.value),
      share === null ? "–" : `${percent(share.low)} … ${percent(share.high)}`,
      meanProbability === null ? "–" : meanProbability.toFixed(3),
      "█".repeat(Math.round((24 * count) / widest)),
    ]);
  }
  return `${table.toString()}\n${describeInputs(report)}\n${describeModel(report)}`;
}

function listReasons(reasons: readonly { readonly code: string; readonly count: number }[]): string {
  return reasons.length === 0 ? "" : ` (${reasons.map(({ code, count }) => `${count} ${code}`).join(", ")})`;
}

/** One line: how many inputs there were and their outcomes. */
export function describeInputs({ denominators }: Report): string {
  const rest = [
    [denominators.noFace, "without a face", ""],
    [denominators.skipped, "skipped", listReasons(denominators.skippedByReason)],
    [denominators.failed, "failed", listReasons(denominators.failedByReason)],
    [denominators.cancelled, "cancelled", ""],
    [denominators.expired, "expired", ""],
  ] as const;
  const parts = rest.filter(([count]) => count > 0).map(([count, word, why]) => `, ${count} ${word}${why}`);
  return `${denominators.listed} images: ${denominators.scored} scored${parts.join("")}.`;
}

/** Two lines: what made the labels, and what they do not say. */
function describeModel({ provenance, modelEvaluation }: Report): string {
  const accuracy =
    modelEvaluation === null ? "" : `, right on ${percent(modelEvaluation.accuracy)} of ${modelEvaluation.dataset}`;
  return [
    `${provenance.model} on ${provenance.engine}, pipeline ${provenance.pipeline}${accuracy}.`,
    "A label names an apparent facial expression, never what a person feels.",
  ].join("\n");
}
