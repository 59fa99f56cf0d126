/** A first look at dropped pictures: a few of them are scored in this page, before anything is sent. */

import { type ReactNode, useEffect, useRef, useState } from "react";
import type { FaceMode } from "../../../src/scoring/records/face-mode.ts";
import { hueOf } from "../../../src/scoring/report/design-tokens.ts";
import { formatPercent } from "../../../src/scoring/report/report-format.ts";
import { FaceCrop } from "../job/face-crop.tsx";
import { useScoringWorker } from "../try/use-scoring-worker.ts";
import { nameUnlabeled } from "../words.ts";
import type { DroppedFile } from "./dropped-file.ts";

/** Pictures that are looked at. */
const SAMPLE = 8;

interface Shown {
  readonly id: number;
  readonly path: string;
  readonly url: string;
}

/** Spread over the whole drop, so that more than the first folder is seen. */
function pickSample(files: readonly DroppedFile[]): readonly DroppedFile[] {
  const step = Math.max(1, files.length / SAMPLE);
  return Array.from({ length: Math.min(SAMPLE, files.length) }, (_, index) => files[Math.floor(index * step)]!);
}

/** Thumbnails with their faces and labels. @param props.faces as the job will look for them */
export function DroppedFaces(props: { readonly files: readonly DroppedFile[]; readonly faces: FaceMode }): ReactNode {
  const { files, faces } = props;
  const { engine, results, post } = useScoringWorker("auto");
  const [shown, setShown] = useState<readonly Shown[]>([]);
  const nextId = useRef(0);
  useEffect(() => {
    let over = false;
    const made: string[] = [];
    const look = async (): Promise<void> => {
      const sample = pickSample(files).map(({ path, file }) => {
        const url = URL.createObjectURL(file);
        made.push(url);
        return { id: nextId.current++, path, url, file };
      });
      setShown(sample);
      for (const { id, path, file } of sample) {
        const bytes = await file.arrayBuffer();
        if (over) return;
        post({ kind: "score", id, name: path, faces, bytes }, [bytes]);
      }
    };
    // A file that cannot be read is told of when it is uploaded.
    look().catch(() => undefined);
    return () => {
      over = true;
      for (const url of made) URL.revokeObjectURL(url);
    };
  }, [files, faces, post]);
  if (shown.length === 0) return null;
  return (
    <>
      <ul className="stream" aria-label="A first look">
        {shown.map(({ id, path, url }) => {
          const result = results.get(id);
          const records = result?.kind === "scored" ? result.records : [];
          const [first] = records;
          return (
            <li key={id} title={path}>
              <FaceCrop key={first === undefined ? "whole" : "face"} src={url} face={first?.face ?? null} />
              {first === undefined ? (
                <span className="label quiet">{result?.kind === "failed" ? "not read" : "looking …"}</span>
              ) : first.label === null ? (
                <span className="label">{nameUnlabeled(first)}</span>
              ) : (
                <span className="label">
                  <i className={`dot ${hueOf(first.label)}`} />
                  {first.label}{" "}
                  <small>{formatPercent(Math.max(0, ...Object.values(first.probabilities ?? {})), 0)}</small>
                </span>
              )}
            </li>
          );
        })}
      </ul>
      <p className="caption">
        {engine?.kind === "unavailable"
          ? "This browser starts no engine, so that there is no first look; the job is scored by the server."
          : "A first look at some of them, scored in this page; nothing has been sent yet."}
      </p>
    </>
  );
}
