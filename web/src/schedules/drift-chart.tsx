/** Label shares and drift from night to night. Plain SVG, since chart libraries write `<style>` into their SVG, which the content security policy refuses. */

import type { ReactNode } from "react";
import { LABELS } from "../../../src/model/labels.ts";
import { hueOf } from "../../../src/scoring/report/design-tokens.ts";
import {
  formatCount,
  formatInterval,
  formatNumber,
  formatP,
  formatPercent,
  formatTime,
} from "../../../src/scoring/report/report-format.ts";
import { FindingList, listComparisons } from "../job/run-drift.tsx";
import type { Night } from "./nights.ts";

/** A share with its interval; `null` for none. */
export type Share = { readonly value: number; readonly low: number; readonly high: number } | null;

const WIDTH = 100;
const HEIGHT = 24;

function findShare({ report }: Night, label: string): Share {
  return report.total.labels.find((row) => row.label === label)?.share ?? null;
}

/** One small chart per label: the share with its 95 % band; all on one scale. */
export function ShareLines({ nights }: { readonly nights: readonly Night[] }): ReactNode {
  const labels = nights.at(-1)?.report.total.labels.map(({ label }) => label) ?? LABELS;
  const highest = Math.max(
    0.05,
    ...nights.flatMap((night) => labels.map((label) => findShare(night, label)?.high ?? 0)),
  );
  return (
    <figure>
      <ul className="sparks">
        {labels.map((label) => (
          <li key={label}>
            <span className="label">
              <i className={`dot ${hueOf(label)}`} />
              {label}
            </span>
            <ShareLine label={label} shares={nights.map((night) => findShare(night, label))} highest={highest} />
            <b>{formatPercent(findShare(nights.at(-1)!, label)?.value ?? null)}</b>
          </li>
        ))}
      </ul>
      <figcaption>
        Share of each label by night, up to {formatPercent(highest, 0)}, with its 95 % interval; the last night in
        figures
      </figcaption>
    </figure>
  );
}

/** One line of shares by night with its band. */
export function ShareLine(props: {
  readonly label: string;
  readonly shares: readonly Share[];
  readonly highest: number;
}): ReactNode {
  const { label, shares, highest } = props;
  const step = WIDTH / Math.max(1, shares.length - 1);
  const y = (share: number): string => (HEIGHT - 1 - ((HEIGHT - 2) * share) / highest).toFixed(2);
  // A night without faces has no share: the line leads past it.
  const points = shares.flatMap((share, at) => (share === null ? [] : [{ ...share, x: (at * step).toFixed(2) }]));
  const band = [
    ...points.map(({ x, high }) => `${x},${y(high)}`),
    ...points.toReversed().map(({ x, low }) => `${x},${y(low)}`),
  ];
  const words = shares.map((share) => formatPercent(share?.value ?? null)).join(", ");
  const [only] = points;
  if (points.length === 1 && only !== undefined) {
    // One night is a point, not a line.
    const at = (share: number): string => `${(100 * (1 - share / highest)).toFixed(1)}%`;
    return (
      <svg className={`spark ${hueOf(label)}`} role="img" aria-label={`${label} by night: ${words}`}>
        <line className="spark-whisker" x1="50%" x2="50%" y1={at(only.low)} y2={at(only.high)} />
        <circle className="spark-dot" cx="50%" cy={at(only.value)} r="4" />
      </svg>
    );
  }
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      className={`spark ${hueOf(label)}`}
      role="img"
      aria-label={`${label} by night: ${words}`}
    >
      <polygon points={band.join(" ")} className="spark-band" />
      <polyline points={points.map(({ x, value }) => `${x},${y(value)}`).join(" ")} className="spark-line" />
    </svg>
  );
}

/** What changed from each night to the next. */
export function DriftTable({ nights }: { readonly nights: readonly Night[] }): ReactNode {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Table of nights">
      <table>
        <thead>
          <tr>
            <th scope="col">Due</th>
            <th scope="col">Faces</th>
            <th scope="col">Carried over</th>
            <th scope="col">Scored again</th>
            <th scope="col">New</th>
            <th scope="col">Gone</th>
            <th scope="col">Label flips</th>
            <th scope="col">Shift (V)</th>
            <th scope="col">p</th>
          </tr>
        </thead>
        <tbody>
          {nights.toReversed().map(({ dueAt, jobId, report }) => {
            const { drift } = report;
            const inputs = drift?.inputs ?? null;
            const flips = drift?.flips ?? null;
            return (
              <tr key={jobId}>
                <th scope="row">
                  <a href={`#/jobs/${jobId}`}>{formatTime(dueAt)}</a>
                </th>
                <td>{formatCount(report.total.faces)}</td>
                {(["carried", "scoredAgain", "appeared", "vanished"] as const).map((name) => (
                  <td key={name}>{inputs === null ? "–" : formatCount(inputs[name])}</td>
                ))}
                <td>
                  {flips === null ? (
                    "–"
                  ) : (
                    <>
                      <a href={`#/jobs/${jobId}?tab=pictures&flips=${drift?.against.jobId}&sort=surest`}>
                        {formatCount(flips.flipped)} of {formatCount(flips.compared)}
                      </a>{" "}
                      <small>{formatInterval(flips.share)}</small>
                    </>
                  )}
                </td>
                <td>
                  {drift === null || drift.labels === null
                    ? "–"
                    : `${formatNumber(drift.labels.cramersV, 3)} (${drift.labels.effect})`}
                </td>
                <td>{drift === null || drift.labels === null ? "–" : formatP(drift.labels.p)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** What passed a threshold in the last night, against the night before and the baseline. */
export function Findings({ night }: { readonly night: Night }): ReactNode {
  return listComparisons(night.report).map(({ against, findings }) => (
    <div key={against.jobId}>
      <h3>The last night against {against.name === "the last run" ? "the one before" : against.name}</h3>
      <FindingList findings={findings} />
    </div>
  ));
}
