/** The corrected shares of a job's report, beside what its review says. */

import type { Report } from "../report/report.ts";
import type { ReviewedFaces, ReviewFigures } from "./review-figures.ts";

/** The corrected shares of a report as far as a review wants them. */
export interface CorrectedShares {
  readonly total: Pick<Report["total"], "labels">;
  readonly groups: readonly {
    readonly key: string;
    readonly groups: readonly { readonly value: string | null; readonly figures: Pick<Report["total"], "labels"> }[];
  }[];
}

/** The figures with the shares of the report. @param by the groups that the review is stratified by */
export function addCorrected(figures: ReviewFigures, report: CorrectedShares, by: string | null): ReviewFigures {
  const shown = report.groups.find(({ key }) => key === by)?.groups ?? [];
  return {
    ...figures,
    total: figures.total === null ? null : fill(figures.total, report.total),
    groups: figures.groups.map((group) => {
      const own = group.value === null ? undefined : shown.find(({ value }) => value === group.value);
      return own === undefined ? group : { ...group, figures: fill(group.figures, own.figures) };
    }),
  };
}

function fill(faces: ReviewedFaces, { labels }: CorrectedShares["total"]): ReviewedFaces {
  const shares = new Map(labels.map(({ label, corrected }) => [label, corrected]));
  return { ...faces, labels: faces.labels.map((row) => ({ ...row, corrected: shares.get(row.label) ?? null })) };
}
