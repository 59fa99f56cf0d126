/**
 * Charts as plain SVG and CSS. No chart library: those at hand write `<style>` into their SVG, which the content security
 * policy refuses, and a bar with a whisker needs none.
 */

import type { ReactNode } from "react";
import { LABELS } from "../../../src/model/labels.ts";
import type { LabelFigures } from "../../../src/scoring/report/report-figures.ts";
import { formatCount, formatInterval, formatPercent } from "../../../src/scoring/report/report-format.ts";

/** One moment of a job. */
export interface RatePoint {
  readonly finished: number;
  readonly rate: number;
}

/** Shares of labels with Wilson 95 % intervals; a mark where the corrected share lies. */
export function LabelBars(props: {
  readonly labels: readonly LabelFigures[];
  readonly link?: (label: string) => string;
}): ReactNode {
  const highest = Math.max(
    0.05,
    ...props.labels.map(({ share, corrected }) => Math.max(share?.high ?? 0, corrected?.high ?? 0)),
  );
  const scale = (value: number): string => `${Math.min(100, (100 * value) / highest)}%`;
  return (
    <ul className="bars">
      {props.labels.map(({ label, count, share, corrected }) => (
        <li key={label}>
          <span className="bar-label">
            {props.link === undefined || count === 0 ? label : <a href={props.link(label)}>{label}</a>}
          </span>
          <span className="bar-track" aria-hidden="true">
            {share !== null && (
              <>
                <span className="bar-fill" style={{ width: scale(share.value) }} />
                <span
                  className="whisker"
                  style={{ left: scale(share.low), width: `calc(${scale(share.high)} - ${scale(share.low)})` }}
                />
              </>
            )}
            {corrected !== null && (
              <>
                <span
                  className="whisker corrected"
                  style={{
                    left: scale(corrected.low),
                    width: `calc(${scale(corrected.high)} - ${scale(corrected.low)})`,
                  }}
                />
                <span className="dot" style={{ left: scale(corrected.value) }} />
              </>
            )}
          </span>
          <span className="bar-note">
            <b>{formatPercent(share?.value ?? null)}</b> <span>{formatCount(count)}</span>
            <small>{formatInterval(share)}</small>
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Faces by top probability. */
export function ConfidenceHistogram({ bins }: { readonly bins: readonly number[] }): ReactNode {
  const highest = Math.max(1, ...bins);
  const width = 100 / bins.length;
  const words = bins.flatMap((count, bin) =>
    count === 0 ? [] : [`${formatPercent(bin / bins.length, 0)} and above: ${formatCount(count)}`],
  );
  return (
    <figure>
      <svg
        viewBox="0 0 100 40"
        preserveAspectRatio="none"
        className="histogram"
        role="img"
        aria-label={words.join("; ")}
      >
        <line x1="0" y1="39.800" x2="100" y2="39.800" className="axis-line" />
        {bins.map((count, bin) => (
          // oxlint-disable-next-line react/no-array-index-key -- bins have no other name
          <rect
            key={bin}
            x={bin * width + 0.3}
            width={width - 0.6}
            y={40 - (38 * count) / highest}
            height={(38 * count) / highest}
            className="bar-fill"
          >
            <title>{`${formatPercent(bin / bins.length, 0)} to ${formatPercent((bin + 1) / bins.length, 0)}: ${formatCount(count)}`}</title>
          </rect>
        ))}
      </svg>
      <div className="axis" aria-hidden="true">
        {["0 %", "25 %", "50 %", "75 %", "100 %"].map((tick) => (
          <span key={tick}>{tick}</span>
        ))}
      </div>
      <figcaption>Faces by the probability of their label</figcaption>
    </figure>
  );
}

/** Counts of true label against label. */
export function ConfusionMatrix(props: {
  readonly rows: readonly (readonly number[])[];
  /** What a screen reader calls it; unique on its page. */
  readonly name: string;
}): ReactNode {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={props.name}>
      <table className="matrix">
        <thead>
          <tr>
            <th scope="col">True ↓ label →</th>
            {LABELS.map((label) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row, index) => {
            const sum = row.reduce((total, count) => total + count, 0);
            return (
              <tr key={LABELS[index]}>
                <th scope="row">{LABELS[index]}</th>
                {row.map((count, column) => {
                  const share = sum === 0 ? 0 : count / sum;
                  return (
                    <td
                      key={LABELS[column]}
                      className={`shade-${Math.round(9 * share)} ${index === column ? "hit" : ""}`}
                      title={`${LABELS[index]} labeled ${LABELS[column]}: ${formatPercent(share, 0)}`}
                    >
                      {formatCount(count)}
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** The rate while the job runs. */
export function RateLine({ points }: { readonly points: readonly RatePoint[] }): ReactNode {
  const highest = Math.max(...points.map(({ rate }) => rate), 1e-9);
  const path = points
    .map(({ rate }, index) => `${(100 * index) / (points.length - 1)},${24 - (22 * rate) / highest}`)
    .join(" ");
  return (
    <figure>
      <svg viewBox="0 0 100 24" preserveAspectRatio="none" className="rate" role="img" aria-label="Rate over time">
        <polyline points={path} className="rate-line" />
      </svg>
      <figcaption>Pictures a second, up to {highest.toFixed(1)}</figcaption>
    </figure>
  );
}
