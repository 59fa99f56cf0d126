/** The report of a finished job: the markup of report.html, with links to the pictures behind its figures. */

import { type ReactNode, useCallback } from "react";
import { renderReportBody } from "../../../src/scoring/report/report-html.ts";
import type { ReportLinks } from "../../../src/scoring/report/report-links.ts";
import { api, useLoad } from "../api.ts";
import { Markup } from "../markup.tsx";
import { Failure, Skeleton } from "../parts.tsx";

/** Loads the report and shows it. */
export function ReportView({ id }: { readonly id: string }): ReactNode {
  const load = useCallback((signal: AbortSignal) => api.readReport(id, signal), [id]);
  const { value, error } = useLoad(load);
  if (error !== null) return <Failure error={error} />;
  if (value === null) return <Skeleton rows={4} words="Loading the report" />;
  // Reports of earlier versions have no baseline, and groups without an audit.
  const report = {
    ...value,
    drift: value.drift ?? null,
    baseline: value.baseline ?? null,
    groups: value.groups.map((group) => ({ ...group, fairness: group.fairness ?? null })),
  };
  return <Markup of={renderReportBody(report, makeLinks(id))} />;
}

function makeLinks(id: string): ReportLinks {
  const pictures = (query: Readonly<Record<string, string>>): string =>
    `#/jobs/${id}?${new URLSearchParams({ tab: "pictures", ...query })}`;
  return {
    label: (label) => pictures({ label }),
    group: (key, value) => pictures({ group: `${key}=${value}` }),
    outcome: (outcome) => pictures({ outcome }),
    job: (other) => `#/jobs/${other}`,
    unsure: () => pictures({ sort: "margin" }),
  };
}
