/** Two jobs face by face: where they agree, and the pictures that they see most differently. */

import { type ReactNode, type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { readLabels } from "../../../src/client/label-reader.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { chooseShade } from "../../../src/scoring/report/report-charts.ts";
import {
  formatCount,
  formatInterval,
  formatNumber,
  formatP,
  formatPercent,
  formatPoints,
} from "../../../src/scoring/report/report-format.ts";
import { compareFaces, type FaceComparison } from "../../../src/scoring/statistics/compare-faces.ts";
import type { ShareInterval } from "../../../src/scoring/statistics/intervals.ts";
import { api, useLoad } from "../api.ts";
import { Failure, Skeleton } from "../parts.tsx";
import "../styles/tables.css";

/** Faces whose records are read as soon as somebody scrolls there: about 10 MB of each job. */
const AT_ONCE = 20_000;

/** @param props.faces how many faces the larger of the two jobs has */
export function FaceComparisonCard(props: {
  readonly id: string;
  readonly other: string;
  readonly faces: number;
}): ReactNode {
  const section = useRef<HTMLElement>(null);
  const isNear = useNear(section);
  const [asked, setAsked] = useState(false);
  const isSmall = props.faces <= AT_ONCE;
  return (
    <section ref={section} aria-label="Face by face">
      <h3>Face by face</h3>
      {asked || (isSmall && isNear) ? (
        <Loaded id={props.id} other={props.other} />
      ) : isSmall ? (
        <Skeleton rows={3} words="Waits until it is in view" />
      ) : (
        <button type="button" onClick={() => setAsked(true)}>
          Read the records of both, {formatCount(props.faces)} faces each
        </button>
      )}
    </section>
  );
}

/** Whether an element has come within a hand's breadth of the screen: what nobody scrolls to is not read. */
function useNear(element: RefObject<HTMLElement | null>): boolean {
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    const near = ([entry]: IntersectionObserverEntry[]): void => {
      if (entry?.isIntersecting === true) setNear(true);
    };
    const observer = new IntersectionObserver(near, { rootMargin: "100px" });
    if (element.current !== null) observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return isNear;
}

function Loaded({ id, other }: { readonly id: string; readonly other: string }): ReactNode {
  const load = useCallback(
    (signal: AbortSignal) =>
      compareFaces(readLabels(api, id, signal), readLabels(api, other, signal), {
        maxWaiting: LIMITS.maxUnpairedFaces,
      }),
    [id, other],
  );
  const { value, error } = useLoad(load);
  if (error !== null) return <Failure error={error} />;
  if (value === null) return <Skeleton rows={3} words="Reading the records of both" />;
  const { faces } = value;
  const alone = faces.onlyFirst + faces.onlySecond;
  if (faces.compared === 0) return <p>Both jobs scored no face in common: their records are paired by their ids.</p>;
  return (
    <>
      <p>
        {formatCount(faces.compared)} faces scored by both
        {alone > 0 && `; ${formatCount(alone)} are in one of the two alone`}. They agree on{" "}
        <strong>{formatShare(value.agreement.share)}</strong>, Cohen&apos;s κ {formatNumber(value.agreement.kappa)}.{" "}
        <a href={`#/jobs/${id}?tab=pictures&flips=${other}&sort=surest`}>See those that differ</a>
      </p>
      {value.truth !== null && <Truth truth={value.truth} />}
      <Shares compared={value} />
      <Confusion {...value.confusion} />
      {value.farthest.length > 0 && <Farthest farthest={value.farthest} />}
    </>
  );
}

const formatShare = (share: ShareInterval | null): string =>
  share === null ? "–" : `${formatPercent(share.value)} (${formatInterval(share)})`;

const formatBounds = ({ low, high }: ShareInterval): string => `${formatPoints(low)} to ${formatPoints(high)}`;

function Truth({ truth }: { readonly truth: NonNullable<FaceComparison["truth"]> }): ReactNode {
  const { difference } = truth;
  return (
    <p>
      Of {formatCount(truth.faces)} faces with a true label this job is right on {formatShare(truth.first)}, the other
      on {formatShare(truth.second)}
      {difference !== null && `: ${formatPoints(difference.value)} points (${formatBounds(difference)})`}. Only this job
      is right {formatCount(truth.onlyFirst)} times, only the other {formatCount(truth.onlySecond)}; McNemar&apos;s
      mid-p {formatP(truth.p)}.
    </p>
  );
}

function Shares({ compared }: { readonly compared: FaceComparison }): ReactNode {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Shares of the faces that both scored">
      <table>
        <thead>
          <tr>
            <th scope="col">Label</th>
            <th scope="col">This job</th>
            <th scope="col">The other</th>
            <th scope="col">Other − this, points</th>
          </tr>
        </thead>
        <tbody>
          {compared.shares.map(({ label, first, second, difference }) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td>{formatPercent(first)}</td>
              <td>{formatPercent(second)}</td>
              <td>
                {difference === null ? "–" : formatPoints(difference.value)}
                <small>{difference === null ? "" : formatBounds(difference)}</small>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Confusion({ first, second, counts }: FaceComparison["confusion"]): ReactNode {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Labels of this job by labels of the other">
      <table className="heat">
        <caption className="caption">Labels of this job (rows) by labels of the other.</caption>
        <thead>
          <tr>
            <th scope="col">This job</th>
            {second.map((label) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first.map((label, row) => {
            const line = counts[row] ?? [];
            const all = line.reduce((sum, count) => sum + count, 0);
            return (
              <tr key={label}>
                <th scope="row">{label}</th>
                {second.map((column, at) => (
                  <td key={column} className={`shade-${chooseShade(all === 0 ? 0 : (line[at] ?? 0) / all)}`}>
                    {formatCount(line[at] ?? 0)}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Farthest({ farthest }: Pick<FaceComparison, "farthest">): ReactNode {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Faces that the two see most differently">
      <table>
        <caption className="caption">Faces that the two see most differently; 1 is nothing in common.</caption>
        <thead>
          <tr>
            <th scope="col">Face</th>
            <th scope="col">This job</th>
            <th scope="col">The other</th>
            <th scope="col">Distance</th>
            <th scope="col">True label</th>
          </tr>
        </thead>
        <tbody>
          {farthest.map(({ id, first, second, distance, truth }) => (
            <tr key={id}>
              <th scope="row">{id}</th>
              {[first, second].map(({ label, probability }, side) => (
                <td key={side === 0 ? "own" : "other"}>
                  {label} <small>{formatNumber(probability)}</small>
                </td>
              ))}
              <td>{formatNumber(distance)}</td>
              <td>{truth ?? "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
