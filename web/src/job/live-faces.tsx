/** Faces and labels of a running job, as its chunks come in. */

import { type ReactNode, useEffect, useState } from "react";
import { hueOf } from "../../../src/scoring/report/design-tokens.ts";
import { formatPercent } from "../../../src/scoring/report/report-format.ts";
import { describeReason } from "../../../src/scoring/report/reason-words.ts";
import type { PlacedLine } from "../../../src/scoring/requests/latest-records.ts";
import { nameUnlabeled } from "../words.ts";
import { Picture } from "./picture.tsx";
import { liveApi, useLatest } from "./use-job.ts";

/** The newest records of a job that goes on. @param props.finished inputs so far: when it moves, there are new ones */
export function LiveFaces({ id, finished }: { readonly id: string; readonly finished: number }): ReactNode {
  const latest = useLatest(id, finished);
  const { chunk = null, records = [] } = latest ?? {};
  return (
    <section className="card">
      <h2>The newest faces</h2>
      {chunk === null ? (
        <p className="quiet">They appear here when the first chunk is done.</p>
      ) : (
        <ul className="stream" aria-label="The newest faces">
          {records.map((line) => (
            <li key={`${chunk} ${line.at}`}>
              <LiveFace id={id} chunk={chunk} line={line} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function LiveFace(props: { readonly id: string; readonly chunk: string; readonly line: PlacedLine }): ReactNode {
  const { id, chunk, line } = props;
  const { record } = line;
  const url = usePicture(id, chunk, line);
  const top = record.probabilities === null ? null : Math.max(...record.probabilities);
  return (
    <>
      {url === null ? <div className="picture" /> : <Picture src={url} alt="" faces={[record]} />}
      {record.label === null ? (
        <span className="label">
          {record.error === null ? nameUnlabeled(record) : describeReason(record.error.code)}
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

/** The address of the picture; `null` before it is there, and where it cannot be had. */
function usePicture(id: string, chunk: string, line: PlacedLine): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    const controller = new AbortController();
    let made: string | null = null;
    const load = async (): Promise<void> => {
      try {
        const blob = await liveApi.readPicture(id, chunk, line, controller.signal);
        made = URL.createObjectURL(blob);
        setUrl(made);
      } catch {
        // A picture that is refused, or not asked for any more, leaves its label.
      }
    };
    void load();
    return () => {
      controller.abort();
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [id, chunk, line]);
  return url;
}
