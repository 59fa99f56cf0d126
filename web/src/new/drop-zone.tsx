/** Where pictures are dropped or chosen. */

import { type ReactNode, useId, useState } from "react";
import { type DroppedFile, readDrop, readFiles } from "./dropped-files.ts";

/** Takes pictures and folders of pictures, by mouse, touch and keyboard. */
export function DropZone(props: {
  readonly taken: (files: readonly DroppedFile[]) => void;
  readonly children: ReactNode;
}): ReactNode {
  const id = useId();
  const [isOver, setOver] = useState(false);
  return (
    <div
      className={`drop ${isOver ? "over" : ""}`}
      onDragOver={(event) => (event.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void readDrop(event.dataTransfer).then(props.taken);
      }}
    >
      <svg viewBox="0 0 48 48" width="44" height="44" aria-hidden="true" className="drop-icon">
        <path d="M24 31V12m-8 8 8-8 8 8M8 31v7a3 3 0 0 0 3 3h26a3 3 0 0 0 3-3v-7" />
      </svg>
      {props.children}
      <div className="row centred">
        <label className="button" htmlFor={`${id}-files`}>
          Choose pictures
          <input
            id={`${id}-files`}
            className="hidden-input"
            type="file"
            multiple
            accept=".jpg,.jpeg,.png,.webp"
            onChange={(event) => {
              props.taken(readFiles(event.target.files ?? []));
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
              props.taken(readFiles(event.target.files ?? []));
              event.target.value = "";
            }}
          />
        </label>
      </div>
    </div>
  );
}
