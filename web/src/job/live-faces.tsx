/** Faces and labels of a running job, as its chunks come in. */

import type { ReactNode } from "react";
import { hueOf } from "../../../src/scoring/report/design-tokens.ts";
import { formatPercent } from "../../../src/scoring/report/report-format.ts";
import { describeReason } from "../../../src/scoring/report/reason-words.ts";
import { nameUnlabeled } from "../words.ts";
import { FaceCrop } from "./face-crop.tsx";
import { type LiveFace, useFaces } from "./use-faces.ts";

/** The newest records of a job that goes on. @param props.finished inputs so far: when it moves, there are new ones */
export function LiveFaces({ id, finished }: { readonly id: string; readonly finished: number }): ReactNode {
  const faces = useFaces(id, finished);
  return (
    <section className="card">
      <h2>The newest faces</h2>
      {faces.length === 0 ? (
        <p className="quiet">
          {finished === 0
            ? "They appear here when the first chunk is done."
            : "None to show now: they are among the job’s pictures once it has ended."}
        </p>
      ) : (
        <ul className="stream" aria-label="The newest faces">
          {faces.map((face) => (
            <li key={face.key}>
              <Face face={face} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Face({ face: { record, url } }: { readonly face: LiveFace }): ReactNode {
  const top = record.probabilities === null ? null : Math.max(...Object.values(record.probabilities));
  return (
    <>
      {url === null ? (
        <div className="picture crop no-picture">no picture</div>
      ) : (
        <FaceCrop src={url} face={record.face} />
      )}
      {record.label === null ? (
        <span className="label unlabeled" title={record.error === null ? undefined : describeReason(record.error.code)}>
          {nameUnlabeled(record)}
        </span>
      ) : (
        <span className="label">
          <i className={`dot ${hueOf(record.label)}`} />
          {record.label} <small>{formatPercent(top, 0)}</small>
        </span>
      )}
    </>
  );
}
