/** The review of a job: drawing it, going to read it, and what follows from the answers. */

import { type FormEvent, type ReactNode, useCallback, useState } from "react";
import { createReviewApi } from "../../../src/client/review-api.ts";
import type { ScoringError } from "../../../src/errors.ts";
import { describeLead } from "../../../src/scoring/review/review-lead.ts";
import { formatCount, formatInterval, formatPercent } from "../../../src/scoring/report/report-format.ts";
import type { ReviewPlan, ReviewView } from "../../../src/scoring/review/review-desk.ts";
import type { ReviewedFaces } from "../../../src/scoring/review/review-figures.ts";
import { describeGaps, type FairnessAudit } from "../../../src/scoring/statistics/fairness.ts";
import type { ShareInterval } from "../../../src/scoring/statistics/intervals.ts";
import { api, noteSignedOut, useLoad } from "../api.ts";
import { Failure } from "../parts.tsx";

const reviews = createReviewApi(api);

/** Loads the review, or offers to draw one. */
export function ReviewTab({ id }: { readonly id: string }): ReactNode {
  const load = useCallback((signal: AbortSignal) => reviews.read(id, signal), [id]);
  const { value, error, reload } = useLoad(load);
  if (error?.code === "not_found") return <DrawForm id={id} drawn={reload} />;
  if (error !== null) return <Failure error={error} />;
  if (value === null) return <p className="quiet">Loading the review …</p>;
  return <Figures id={id} view={value} />;
}

/** How wide an interval may be, in points to each side. */
const WISHES = [3, 4, 5, 7, 10];

function DrawForm({ id, drawn }: { readonly id: string; readonly drawn: () => void }): ReactNode {
  const [points, setPoints] = useState(5);
  const [by, setBy] = useState("");
  const [plan, setPlan] = useState<ReviewPlan | null>(null);
  const [failure, setFailure] = useState<ScoringError | null>(null);
  const [busy, setBusy] = useState(false);
  const draw = async (dryRun: boolean): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      const request = { size: null, halfWidth: points / 100, by: by.trim() === "" ? null : by.trim(), dryRun };
      const answer = await reviews.draw(id, request);
      if (dryRun) setPlan(answer);
      else drawn();
    } catch (thrown) {
      setFailure(noteSignedOut(thrown));
    }
    setBusy(false);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void draw(false);
  };
  return (
    <section className="card">
      <h2>Have people look at some of it</h2>
      <p>
        A few hundred faces, drawn by lot and labeled by a person who does not see the model's label, tell how often the
        model is right on these pictures, and make the shares of all of them valid.
      </p>
      <form onSubmit={submit} className="row">
        <label className="field">
          <span className="name">Shares within ± points</span>
          <select value={points} onChange={(event) => setPoints(Number(event.target.value))}>
            {WISHES.map((wish) => (
              <option key={wish} value={wish}>
                {wish}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span className="name">Figures by group (optional)</span>
          <input value={by} placeholder="a groupBy name" onChange={(event) => setBy(event.target.value)} />
        </label>
        <button type="button" disabled={busy} onClick={() => void draw(true)}>
          How many faces?
        </button>
        <button type="submit" className="primary" disabled={busy}>
          Draw the sample
        </button>
      </form>
      {plan !== null && (
        <p role="status">
          {formatCount(plan.size)} of {formatCount(plan.population)} faces: shares within{" "}
          {(100 * plan.halfWidth).toFixed(1)} points, about {Math.max(1, Math.round((plan.size * 4) / 60))} minutes of
          reading.
        </p>
      )}
      {failure !== null && <Failure error={failure} once />}
    </section>
  );
}

function Figures({ id, view }: { readonly id: string; readonly view: ReviewView }): ReactNode {
  const { figures } = view;
  return (
    <>
      <section className="card">
        <h2>Review</h2>
        <p>{describeLead(view)}</p>
        <p>
          <a className="button primary" href={`#/review/${id}`}>
            {figures.seen === 0
              ? "Begin to read"
              : figures.seen < figures.drawn
                ? "Go on reading"
                : "Read as another reader"}
          </a>
        </p>
        {figures.cannotSay !== null && figures.cannotSay.value > 0 && (
          <p className="quiet">
            {formatPercent(figures.cannotSay.value)} of the faces cannot be labeled by a reader; the figures are about
            the rest.
          </p>
        )}
        {figures.agreement?.alpha && (
          <p>
            Krippendorff's α of the readers: {figures.agreement.alpha.value.toFixed(2)} on{" "}
            {formatCount(figures.agreement.alpha.units)} faces (1 is perfect, 0 is chance).
          </p>
        )}
      </section>
      {figures.total !== null && <Shares title="Shares of the whole job" figures={figures.total} />}
      {figures.fairness !== null && <Gaps audit={figures.fairness} />}
      {figures.groups.map(({ value, figures: group }) => (
        <Shares key={value ?? ""} title={value ?? "All other groups"} figures={group} />
      ))}
    </>
  );
}

/** Whether the model treats groups alike, in sentences. */
function Gaps({ audit }: { readonly audit: FairnessAudit }): ReactNode {
  return (
    <section className="card">
      <h2>Are the groups treated alike?</h2>
      {describeGaps(audit).map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      <p className="quiet">{audit.meaning}</p>
    </section>
  );
}

const describe = (share: ShareInterval | null): ReactNode =>
  share === null ? (
    "–"
  ) : (
    <>
      {formatPercent(share.value)} <small>{formatInterval(share)}</small>
    </>
  );

function Shares({ title, figures }: { readonly title: string; readonly figures: ReviewedFaces }): ReactNode {
  return (
    <section className="card">
      <h2>{title}</h2>
      <p className="quiet">
        {formatCount(figures.faces)} faces, {formatCount(figures.answered)} of them labeled; the model is right for{" "}
        {formatPercent(figures.accuracy.value)} ({formatInterval(figures.accuracy)}).
      </p>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls must be reached by keyboard */}
      <div className="scroll" tabIndex={0} role="region" aria-label={`Table: ${title}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Label</th>
              <th scope="col">Model alone</th>
              <th scope="col">Corrected</th>
              <th scope="col">Review alone</th>
              <th scope="col">Review and model</th>
              <th scope="col">Precision</th>
              <th scope="col">Recall</th>
            </tr>
          </thead>
          <tbody>
            {figures.labels.map(({ label, model, corrected, review, powered, precision, recall }) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                <td>{formatPercent(model)}</td>
                <td>{describe(corrected)}</td>
                <td>{describe(review)}</td>
                <td>
                  <strong>{describe(powered)}</strong>
                </td>
                <td>{describe(precision)}</td>
                <td>{describe(recall)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
