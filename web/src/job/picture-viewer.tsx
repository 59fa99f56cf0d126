/** One picture large, with its face and what was made of it. */

import { Fragment, type ReactNode, useEffect, useRef } from "react";
import type { PlacedRecord } from "../../../src/client/label-reader.ts";
import { hueOf } from "../../../src/scoring/report/design-tokens.ts";
import { formatNumber, formatPercent } from "../../../src/scoring/report/report-format.ts";
import { nameUnlabeled } from "../words.ts";
import { Chances } from "./picture.tsx";
import { RecordPicture } from "./record-picture.tsx";

/** A dialog over the sheet, with the record before and after a key away. */
export function Viewer(props: {
  readonly id: string;
  readonly placed: PlacedRecord;
  /** Its label in the run that it is compared with, where that differs. */
  readonly was: string | null;
  readonly move: (step: number) => void;
  readonly close: () => void;
}): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const { record } = props.placed;
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className="viewer"
      aria-label={record.id}
      onClose={props.close}
      onKeyDown={(event) => {
        if (event.key === "ArrowRight") props.move(1);
        if (event.key === "ArrowLeft") props.move(-1);
      }}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current.close();
      }}
    >
      <div className="viewer-body">
        <RecordPicture
          key={`${props.placed.chunk ?? ""}:${props.placed.offset}`}
          id={props.id}
          placed={props.placed}
          alt={record.id}
        />
        <div className="viewer-text">
          <h2>
            {record.label === null ? (
              nameUnlabeled(record)
            ) : (
              <span className="label">
                <i className={`dot ${hueOf(record.label)}`} />
                {record.label}
              </span>
            )}
          </h2>
          <p className="quiet">apparent facial expression</p>
          <Chances record={record} />
          <ul className="legend">
            {record.face !== null && record.face.score !== null && (
              <li>
                <i className="key-box" /> face, {formatPercent(record.face.score, 0)} sure
              </li>
            )}
            {record.face !== null && record.face.theta !== null && (
              <li>
                <i className="key-region" /> what the spatial transformer reads
              </li>
            )}
          </ul>
          <dl className="pairs">
            <dt>Record</dt>
            <dd>{record.id}</dd>
            {record.margin !== null && (
              <>
                <dt>Margin</dt>
                <dd>{formatNumber(record.margin)}</dd>
              </>
            )}
            {record.truth !== null && (
              <>
                <dt>True label</dt>
                <dd>{record.truth}</dd>
              </>
            )}
            {props.was !== null && (
              <>
                <dt>Before</dt>
                <dd>{props.was}</dd>
              </>
            )}
            {Object.entries(record.groups).map(([name, value]) => (
              <Fragment key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </Fragment>
            ))}
            {record.error !== null && (
              <>
                <dt>Error</dt>
                <dd>{record.error.message}</dd>
              </>
            )}
          </dl>
          <div className="row">
            <button type="button" onClick={() => props.move(-1)}>
              ← Previous
            </button>
            <button type="button" onClick={() => props.move(1)}>
              Next →
            </button>
            <button type="button" className="primary" onClick={() => dialog.current?.close()}>
              Close
            </button>
          </div>
        </div>
      </div>
    </dialog>
  );
}
