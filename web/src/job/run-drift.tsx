/** What moved since the runs that this one was compared with. */

import type { ReactNode } from "react";
import type { Report } from "../../../src/scoring/report/report.ts";
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
