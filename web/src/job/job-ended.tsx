/** An ended job in one line, with what is done next. */

import { type ReactNode, useCallback } from "react";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { formatCount } from "../../../src/scoring/report/report-format.ts";
import { api, useLoad } from "../api.ts";
import { When } from "../parts.tsx";
import { formatDuration } from "../words.ts";
import { findLabels, nameDownload } from "./find-labels.ts";
import { Troubles } from "./job-troubles.tsx";

/** What most jobs write. */
const LIKELY = ["labels.jsonl", "report.html", "run.lock.json"];

/** What came of it, and where it leads. */
export function Ended({ job }: { readonly job: JobView }): ReactNode {
  const { id, counts, times } = job;
  const load = useCallback((signal: AbortSignal) => api.listOutputs(id, signal), [id]);
  const { value } = useLoad(load);
  const { scored, no_face: noFace, cancelled } = counts.outcomes;
  // Until it is known what there is, the usual buttons hold the place.
  const names = new Set(value === null ? LIKELY : value.map(({ name }) => name));
  const labels = findLabels([...names]);
  const [first] = labels;
  const end = times[job.status] ?? job.createdAt;
  const seconds = (Date.parse(end) - Date.parse(times.running ?? job.createdAt)) / 1000;
  const pictures = (outcome: string): string => `#/jobs/${id}?tab=pictures&outcome=${outcome}`;
  return (
    <>
      <p className="quiet">
        {formatCount(scored)} of {formatCount(counts.listed)} pictures scored in {formatDuration(seconds)} by{" "}
        {job.model}, <When iso={end} nowMs={Date.now()} />.{" "}
        {cancelled > 0 && `${formatCount(cancelled)} were left when it was canceled; what was scored is kept. `}
        {noFace > 0 && <a href={pictures("no_face")}>{formatCount(noFace)} without a face →</a>}
      </p>
      <div className={`row job-actions ${value === null ? "awaited" : ""}`}>
        {first !== undefined && labels.length === 1 && (
          <a className="button primary" href={api.outputUrl(id, first, true)} download={nameDownload(first)}>
            Download labels
          </a>
        )}
        {labels.length > 1 && (
          <a className="button primary" href={`#/jobs/${id}?tab=files`}>
            Download labels, {formatCount(labels.length)} parts
          </a>
        )}
        {names.has("report.html") && (
          <a className="button" href={api.outputUrl(id, "report.html", false)} target="_blank" rel="noreferrer">
            Open report
          </a>
        )}
        {scored > 0 && (
          <a className="button" href={`#/jobs/${id}?tab=review`}>
            Review
          </a>
        )}
        {names.has("run.lock.json") && (
          <a className="button" href={`#/new?from=${id}`}>
            Run again
          </a>
        )}
        {scored > 0 && (
          <a className="button" href={`#/jobs/${id}?tab=compare`}>
            Compare
          </a>
        )}
      </div>
      <Troubles job={job} />
    </>
  );
}
