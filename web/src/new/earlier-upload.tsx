/** An upload of the same files that did not come to its end. */

import type { ReactNode } from "react";
import { formatCount } from "../../../src/scoring/report/report-format.ts";
import { formatAgo } from "../words.ts";
import type { DroppedFile } from "./dropped-file.ts";
import type { OpenUpload } from "./upload-journal.ts";

/** Where it lies, and which of the files it has. */
export interface Earlier {
  readonly open: OpenUpload;
  readonly arrived: readonly DroppedFile[];
  /** Files that were dropped now. */
  readonly of: number;
}

/** Asks whether it goes on there. */
export function EarlierUpload(props: {
  readonly earlier: Earlier;
  readonly goOn: () => void;
  readonly begin: () => void;
}): ReactNode {
  const { open, arrived, of } = props.earlier;
  return (
    <section className="card" aria-label="An earlier upload" role="status">
      <p>
        <strong>
          {formatCount(arrived.length)} of these {formatCount(of)} files
        </strong>{" "}
        arrived {formatAgo(new Date(open.atMs).toISOString(), Date.now())}, in an upload that did not become a job.
      </p>
      <div className="row">
        <button type="button" className="primary" onClick={props.goOn}>
          Go on there
        </button>
        <button type="button" onClick={props.begin}>
          Upload all of them anew
        </button>
      </div>
    </section>
  );
}
