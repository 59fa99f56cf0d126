/** What a check of the form says: findings without a field, and what the job would take. */

import type { ReactNode } from "react";
import type { Issue } from "../../../src/errors.ts";
import { formatCount } from "../../../src/scoring/report/report-format.ts";
import type { DryRun } from "../../../src/scoring/requests/dry-run.ts";
import { formatBytes, formatDollars, formatDuration } from "../words.ts";
import { listFindings } from "./fields.tsx";

/** Places that have a field of their own, where the finding is shown. */
const PLACES = [
  "name",
  "purpose",
  "tags",
  "input.store",
  "input.prefix",
  "input.manifest",
  "format",
  "faces",
  "tta",
  "abstain.precision",
  "model",
  "groupBy",
  "minGroupSize",
  "output.store",
  "output.prefix",
  "thumbnails",
  "limits.chunkSize",
  "limits.maxConcurrency",
  "limits.errorThreshold",
  "notify",
];

/** The findings that stand at no field of the form. */
export function UnplacedFindings({ issues }: { readonly issues: readonly Issue[] }): ReactNode {
  const placed = new Set(PLACES.flatMap((path) => listFindings(issues, path)));
  const rest = issues.filter((issue) => !placed.has(issue));
  if (rest.length === 0) return null;
  return (
    <ul>
      {rest.map(({ path, line, column, message }) => (
        <li key={`${path} ${line} ${message}`}>
          <code>{path}</code>
          {line !== undefined && ` line ${line}${column === undefined ? "" : `, column ${column}`}`}: {message}
        </li>
      ))}
    </ul>
  );
}

/** Pictures, size and estimated cost of a job that was not started. */
export function Plan({ plan }: { readonly plan: DryRun }): ReactNode {
  return (
    <div role="status" className="plan">
      <dl className="figures">
        <div>
          <dt>Pictures</dt>
          <dd>
            {formatCount(plan.objects)}
            {plan.complete ? "" : " or more"}
          </dd>
        </div>
        <div>
          <dt>Size</dt>
          <dd>{plan.bytes === 0 && plan.objects > 0 ? "not known yet" : formatBytes(plan.bytes)}</dd>
        </div>
        <div>
          <dt>Chunks</dt>
          <dd>{formatCount(plan.chunks)}</dd>
        </div>
        <div>
          <dt>CPU, estimated</dt>
          <dd>{formatDuration(plan.estimate.cpuMs / 1000)}</dd>
        </div>
        <div>
          <dt>Cost, estimated</dt>
          <dd>{formatDollars(plan.estimate.dollars)}</dd>
        </div>
        {plan.egressDollars !== undefined && (
          <div>
            <dt>Egress of the store, besides</dt>
            <dd>{formatDollars(plan.egressDollars)}</dd>
          </div>
        )}
        {plan.objects > 0 && (
          <div>
            <dt>Per million pictures</dt>
            <dd>{formatDollars((plan.estimate.dollars / plan.objects) * 1e6)}</dd>
          </div>
        )}
      </dl>
      {plan.warnings.map((warning) => (
        <p key={warning} className="finding">
          {warning}
        </p>
      ))}
      <p className="quiet">The manifest is valid; nothing was started.</p>
    </div>
  );
}
