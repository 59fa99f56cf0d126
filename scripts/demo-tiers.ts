import Table from "cli-table3";
import { findTopLabel, type ScoreRecord } from "../src/scoring/records/records.ts";
import type { Report } from "../src/scoring/report/report.ts";

/** One job's records with its report. */
export interface Scored {
  readonly report: Report;
  readonly records: readonly ScoreRecord[];
}

/** The labels of two models over the same pictures, side by side, and how often they agree. */
export function renderTiers(fast: Scored, accurate: Scored): string {
  const table = new Table({
    head: ["Apparent expression", fast.report.provenance.model, accurate.report.provenance.model, "both"],
    colAligns: ["left", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  const other = new Map(accurate.records.map((record) => [record.id, findTopLabel(record)]));
  const pairs = fast.records.flatMap((record) => {
    const [one, two] = [findTopLabel(record), other.get(record.id) ?? null];
    return one === null || two === null ? [] : [[one, two] as const];
  });
  for (const { label } of fast.report.total.labels) {
    const count = (test: (pair: (typeof pairs)[number]) => boolean) => String(pairs.filter(test).length);
    table.push([
      label,
      count(([one]) => one === label),
      count(([, two]) => two === label),
      count(([one, two]) => one === label && two === label),
    ]);
  }
  const same = pairs.filter(([one, two]) => one === two).length;
  return `${table.toString()}\nThe two agree on ${same} of ${pairs.length} faces. On FER2013 PublicTest they are right on ${percent(fast)} and ${percent(accurate)}.`;
}

function percent({ report: { modelEvaluation } }: Scored): string {
  return modelEvaluation === null ? "an unknown share" : `${(100 * modelEvaluation.accuracy).toFixed(1)} %`;
}
