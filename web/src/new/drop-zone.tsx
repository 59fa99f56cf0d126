/** Where pictures, shards or tables are dropped or chosen. */

import { type ReactNode, useId, useState } from "react";
import { findOptionalFormats } from "../../../src/image/optional-formats.ts";
import { formatCount } from "../../../src/scoring/report/report-format.ts";
import type { DroppedFile } from "./dropped-file.ts";
import { type Drop, readDrop, readFiles, UPLOADS } from "./dropped-files.ts";

/** Takes files of a format and folders of them, by mouse, touch and keyboard. */
export function DropZone(props: {
  readonly format: keyof typeof UPLOADS;
  readonly taken: (files: readonly DroppedFile[]) => void;
  readonly children: ReactNode;
  /** Buttons beside those that choose files. */
  readonly more?: ReactNode;
  /** Only the buttons: there are pictures already. */
  readonly compact?: boolean;
}): ReactNode {
  const id = useId();
  const { format } = props;
  const { endings, words, one } = UPLOADS[format];
  const [isOver, setOver] = useState(false);
  const [leftOut, setLeftOut] = useState<readonly string[]>([]);
  const elsewhere = format === "image" ? findOptionalFormats(leftOut) : [];
  const take = (drop: Drop): void => {
    setLeftOut(drop.leftOut);
    props.taken(drop.taken);
  };
  return (
    <div
      className={`drop ${isOver ? "over" : ""} ${props.compact === true ? "compact" : ""}`}
      onDragOver={(event) => (event.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void readDrop(event.dataTransfer, format).then(take);
      }}
    >
      <svg viewBox="0 0 48 48" width="44" height="44" aria-hidden="true" className="drop-icon">
        <path d="M24 31V12m-8 8 8-8 8 8M8 31v7a3 3 0 0 0 3 3h26a3 3 0 0 0 3-3v-7" />
      </svg>
      {props.children}
      {leftOut.length > 0 && (
        <p className="finding" role="status">
          {leftOut.length === 1 ? "1 file was" : `${formatCount(leftOut.length)} files were`} left out, by name; taken
          are {words}.
          {elsewhere.length > 0 && (
            <>
              {" "}
              <code>countenance score</code> on your machine reads {elsewhere.map(({ name }) => name).join(", ")}, too.
            </>
          )}
        </p>
      )}
      <div className="row centered">
        <label className="button" htmlFor={`${id}-files`}>
          Choose {one}s
          <input
            id={`${id}-files`}
            className="hidden-input"
            type="file"
            multiple
            accept={endings.join(",")}
            onChange={(event) => {
              take(readFiles(event.target.files ?? [], format));
              event.target.value = "";
            }}
          />
        </label>
        <label className="button" htmlFor={`${id}-folder`}>
          Choose a folder
          <input
            id={`${id}-folder`}
            className="hidden-input"
            type="file"
            multiple
            ref={(input) => input?.setAttribute("webkitdirectory", "")}
            onChange={(event) => {
              take(readFiles(event.target.files ?? [], format));
              event.target.value = "";
            }}
          />
        </label>
        {props.more}
      </div>
    </div>
  );
}
