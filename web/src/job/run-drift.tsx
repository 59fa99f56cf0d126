/** What moved since the runs that this one was compared with. */

import type { ReactNode } from "react";
import type { Report } from "../../../src/scoring/report/report.ts";
import { formatCount, formatP, formatPercent } from "../../../src/scoring/report/report-format.ts";
import type { DriftReport } from "../../../src/scoring/statistics/drift.ts";

/** Comparisons of a report; reports of earlier versions have no baseline. */
export function listComparisons({ drift, baseline }: Report): readonly DriftReport[] {
  return [drift ?? null, baseline ?? null].filter((side) => side !== null);
}

/** Findings of one comparison, or that there are none. */
export function FindingList({ findings }: Pick<DriftReport, "findings">): ReactNode {
  if (findings.length === 0) return <p>Nothing passed a mark.</p>;
  return (
    <ul>
      {findings.map((finding) => (
        <li key={finding}>{finding}</li>
      ))}
    </ul>
  );
}

/** A card for each run that the job was compared with. */
export function RunDrift({ report }: { readonly report: Report }): ReactNode {
  return listComparisons(report).map(({ against, inputs, flips, labels, findings }) => (
    <section className="card" key={against.jobId}>
      <h2>Compared with {against.name}</h2>
      <p className="quiet">
        <a href={`#/jobs/${against.jobId}`}>That run</a>
        {inputs !== null &&
          `: ${formatCount(inputs.carried)} unchanged pictures keep their labels, ${formatCount(inputs.scoredAgain)} were scored again, ${formatCount(inputs.appeared)} are new, ${formatCount(inputs.vanished)} are gone`}
        .
      </p>
      <FindingList findings={findings} />
      {flips !== null && (
        <p>
          {formatCount(flips.flipped)} of {formatCount(flips.compared)} pictures of both runs have another label (
          {formatPercent(flips.share?.value ?? null)}).
        </p>
      )}
      {labels !== null && (
        <p>
          Shift of the label shares: {labels.effect} (Cramér's V {labels.cramersV.toFixed(3)}, p {formatP(labels.p)}).
        </p>
      )}
    </section>
  ));
}
