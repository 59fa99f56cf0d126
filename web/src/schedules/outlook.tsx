/** What should be looked into, what was told of it, and how right the model was from night to night. */

import type { ReactNode } from "react";
import { formatCount, formatInterval, formatPercent, formatTime } from "../../../src/scoring/report/report-format.ts";
import type { ScheduleOutlookView } from "../../../src/scoring/schedules/judge-runs.ts";
import { ShareLine } from "./drift-chart.tsx";

interface OutlookProps {
  readonly outlook: ScheduleOutlookView;
}

type Alert = ScheduleOutlookView["alerts"][number];

function AlertLine({ alert, children }: { readonly alert: Alert; readonly children?: ReactNode }): ReactNode {
  const { tone, subject, text, jobId } = alert;
  return (
    <li>
      <span className={`pill tone-${tone}`}>{subject}</span>
      <span>
        {text} {children}
        {jobId !== null && <a href={`#/jobs/${jobId}${subject === "Review" ? "?tab=review" : ""}`}>See the run</a>}
      </span>
    </li>
  );
}

/** Alerts as things are now, or that there are none. */
export function Alerts({ outlook }: OutlookProps): ReactNode {
  return (
    <ul className="findings" aria-label="Alerts">
      {outlook.alerts.map((alert) => (
        <AlertLine key={`${alert.dueAt} ${alert.text}`} alert={alert} />
      ))}
      {outlook.alerts.length === 0 && (
        <li>
          <span className="pill tone-good">As usual</span>
          <span>Nothing passed a mark in the last run.</span>
        </li>
      )}
    </ul>
  );
}

/** What was told before, newest first, and what could not be. */
export function ToldAlerts({ outlook }: OutlookProps): ReactNode {
  const { told, waiting, givenUp } = outlook;
  return (
    <>
      {waiting + givenUp > 0 && (
        <p role="status">
          {waiting > 0 &&
            `${formatCount(waiting)} of the webhooks could not be delivered yet and will be tried again. `}
          {givenUp > 0 && `${formatCount(givenUp)} were given up: the receiver did not take them for half a day.`}
        </p>
      )}
      {told.length > 0 && (
        <details>
          <summary>Told so far ({formatCount(told.length)})</summary>
          <ul className="findings" aria-label="Alerts told so far">
            {told.map((alert) => (
              <AlertLine key={`${alert.dueAt} ${alert.text}`} alert={alert}>
                <small>{formatTime(alert.at)} </small>
              </AlertLine>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

/** Accuracy by night with its intervals, and which reviews wait for readers. */
export function Reviews({ outlook, perRun }: OutlookProps & { readonly perRun: number | null }): ReactNode {
  const { reviews } = outlook;
  if (reviews.length === 0 && perRun === null) return null;
  const shares = reviews.flatMap(({ result }) => (result === null ? [] : [result.accuracy]));
  return (
    <section className="card">
      <h2>Reviews: is the model as right as it was?</h2>
      {perRun !== null && (
        <p className="quiet">Each run draws {formatCount(perRun)} faces of its new pictures for people to label.</p>
      )}
      {shares.length > 1 && (
        <figure>
          <ShareLine label="Accuracy" shares={shares} highest={1} />
          <figcaption>Accuracy by night, 0 to 100 %, with its 95 % interval</figcaption>
        </figure>
      )}
      {reviews.length > 0 && (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls must be reached by keyboard
        <div className="scroll" tabIndex={0} role="region" aria-label="Table of reviews">
          <table>
            <thead>
              <tr>
                <th scope="col">Due</th>
                <th scope="col">Read</th>
                <th scope="col">Accuracy</th>
                <th scope="col">New faces</th>
                <th scope="col">Next</th>
              </tr>
            </thead>
            <tbody>
              {reviews.toReversed().map(({ jobId, dueAt, drawn, seen, result, failure }) => (
                <tr key={jobId}>
                  <th scope="row">
                    <a href={`#/jobs/${jobId}?tab=review`}>{formatTime(dueAt)}</a>
                  </th>
                  <td>{failure === null ? `${formatCount(seen)} of ${formatCount(drawn)}` : failure.message}</td>
                  <td>
                    {formatPercent(result?.accuracy.value ?? null)}{" "}
                    <small>{formatInterval(result?.accuracy ?? null)}</small>
                  </td>
                  <td>{result === null ? "–" : formatCount(result.faces)}</td>
                  <td>{seen < drawn && <a href={`#/review/${jobId}`}>Read</a>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
