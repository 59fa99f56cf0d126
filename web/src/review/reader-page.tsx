/** `#/review/<job>`: one face at a time, the model's label out of sight. */

import { type ReactNode, useEffect, useState } from "react";
import type { Answer } from "../../../src/scoring/review/answers.ts";
import { formatCount } from "../../../src/scoring/report/report-format.ts";
import { Failure } from "../parts.tsx";
import "../styles/pictures.css";
import { formatDuration } from "../words.ts";
import { Guideline } from "./guideline.tsx";
import { computePace, countAnswered, type Reading, readKey } from "./reading.ts";
import { useReading } from "./use-reading.ts";

/** @param props.reader a name of one's own, where several read with one key */
export function ReaderPage({ id, reader }: { readonly id: string; readonly reader: string | null }): ReactNode {
  const { reading, labels, picture, trouble, answer, undo } = useReading(id, reader);
  useKeys(labels, answer, undo);
  if (reading === null) return trouble === null ? <p className="quiet">Loading …</p> : <Failure error={trouble} />;
  const face = reading.faces[reading.position];
  return (
    <div className="reader">
      <h1 className="visually-hidden">Review</h1>
      <Pace reading={reading} isAway={trouble !== null} />
      {face === undefined ? (
        <div className="card reader-done">
          <h2>All read. Thank you.</h2>
          <p>
            {reading.waiting.length > 0 ? "The last answers are on their way. " : ""}
            <a href={`#/jobs/${id}?tab=review`}>See what follows from it</a>
          </p>
        </div>
      ) : (
        <Face key={face.at} box={face.box} url={picture} number={reading.position + 1} />
      )}
      <div className="answers" role="group" aria-label="What does the face look like?">
        {labels.map((label, index) => (
          <Choice
            key={label}
            shortcut={index < 9 ? String(index + 1) : ""}
            words={label}
            disabled={face === undefined}
            pick={() => answer(label)}
          />
        ))}
        <Choice shortcut="0" words="Cannot say" disabled={face === undefined} pick={() => answer("cannot say")} />
      </div>
      <div className="row reader-foot">
        <button type="button" disabled={reading.past.length === 0} aria-keyshortcuts="Backspace" onClick={undo}>
          Undo <kbd aria-hidden="true">⌫</kbd>
        </button>
        <a href={`#/jobs/${id}?tab=review`}>Back to the job</a>
      </div>
      <Guideline labels={labels} />
    </div>
  );
}

function Choice(props: {
  readonly shortcut: string;
  readonly words: string;
  readonly disabled: boolean;
  readonly pick: () => void;
}): ReactNode {
  return (
    <button type="button" disabled={props.disabled} aria-keyshortcuts={props.shortcut} onClick={props.pick}>
      <kbd aria-hidden="true">{props.shortcut}</kbd> {props.words}
    </button>
  );
}

/** Progress, pace and time left. */
function Pace({ reading, isAway }: { readonly reading: Reading; readonly isAway: boolean }): ReactNode {
  const answered = countAnswered(reading);
  const total = reading.faces.length;
  const pace = computePace(reading);
  const left = pace === null ? null : pace * (total - answered);
  const waiting = reading.waiting.length;
  return (
    <div className="pace">
      <progress aria-label="Faces read" max={Math.max(1, total)} value={answered} />
      <p className="quiet" role="status">
        {formatCount(answered)} of {formatCount(total)}
        {pace !== null &&
          left !== null &&
          left > 0 &&
          ` · ${pace.toFixed(0)} s per face, about ${formatDuration(left)} left`}
        {isAway &&
          waiting > 0 &&
          ` · no network: ${waiting} ${waiting === 1 ? "answer is" : "answers are"} kept here until it is back`}
      </p>
    </div>
  );
}

/** The picture, and where the face is in it. */
function Face(props: {
  readonly url: string | null;
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number } | null;
  readonly number: number;
}): ReactNode {
  const { url, box, number } = props;
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  if (url === "gone")
    return <div className="reader-face no-picture">This picture cannot be had: choose “cannot say”.</div>;
  if (url === null) return <div className="reader-face" aria-busy="true" />;
  const note = (image: HTMLImageElement): void => setSize({ width: image.naturalWidth, height: image.naturalHeight });
  return (
    <div className="reader-face">
      <div className="picture">
        <img src={url} alt={`Face ${number} of the review`} onLoad={(event) => note(event.currentTarget)} />
        {size !== null && box !== null && (
          <svg viewBox={`0 0 ${size.width} ${size.height}`} aria-hidden="true">
            <rect className="halo" {...box} />
            <rect className="box" {...box} />
          </svg>
        )}
      </div>
    </div>
  );
}

/** Keys answer wherever the focus is, but not with a modifier: those are the browser's. */
function useKeys(
  labels: readonly string[],
  answer: (label: Exclude<Answer, "undone">) => void,
  undo: () => void,
): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
      const label = readKey(event.key, labels);
      if (label !== null) answer(label);
      else if (event.key === "Backspace") undo();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [labels, answer, undo]);
}
