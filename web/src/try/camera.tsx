/** The camera, once the reader has asked for it: frame after frame is scored in this page and forgotten. */

import { type ReactNode, useEffect, useRef, useState } from "react";
import type { ScoreRecord } from "../../../src/scoring/records/records.ts";
import { hueOf } from "../../../src/scoring/report/design-tokens.ts";
import { formatPercent } from "../../../src/scoring/report/report-format.ts";
import { FaceBoxes } from "../job/picture.tsx";
import { nameUnlabeled } from "../words.ts";

/** Longer side of the frames that are scored, in pixels. */
const FRAME_SIDE = 640;

/** What stands between the reader and the picture. */
const REFUSALS: Readonly<Record<string, string>> = {
  NotAllowedError: "The camera was not allowed for this page",
  NotFoundError: "This machine has no camera",
  NotReadableError: "The camera is used by another program",
};

/**
 * Live labels of whoever sits before it.
 * @param props.score scores one frame; frames come one after the other
 * @param props.keep takes the frame that the reader wants to look at
 */
export function Camera(props: {
  readonly score: (frame: Blob) => Promise<readonly ScoreRecord[]>;
  readonly keep: (frame: Blob) => void;
  readonly close: () => void;
}): ReactNode {
  const { score, keep, close } = props;
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [size, setSize] = useState<{ readonly width: number; readonly height: number } | null>(null);
  const [records, setRecords] = useState<readonly ScoreRecord[]>([]);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let stream: MediaStream | null = null;
    const run = async (): Promise<void> => {
      const asked = { video: { width: { ideal: FRAME_SIDE }, facingMode: "user" }, audio: false };
      stream = await navigator.mediaDevices.getUserMedia(asked);
      const screen = video.current;
      if (signal.aborted || screen === null) return stopAll(stream);
      screen.srcObject = stream;
      await screen.play();
      while (!signal.aborted) {
        const frame = await takeFrame(screen);
        setSize(frame.size);
        const found = await score(frame.blob);
        if (!signal.aborted) setRecords(found);
      }
    };
    run().catch((thrown: unknown) => {
      if (signal.aborted) return;
      const name = thrown instanceof Error ? thrown.name : "";
      setProblem(REFUSALS[name] ?? (thrown instanceof Error ? thrown.message : String(thrown)));
    });
    return () => {
      controller.abort();
      if (stream !== null) stopAll(stream);
    };
  }, [score]);
  const isLive = size !== null && problem === null;
  return (
    <section className="card camera" aria-label="Camera">
      {problem === null ? (
        <div className="picture">
          <video ref={video} muted playsInline />
          {size !== null && <FaceBoxes size={size} faces={records} />}
        </div>
      ) : (
        <p className="finding" role="alert">
          {problem}.
        </p>
      )}
      <div className="camera-text">
        <ol className="camera-faces" aria-label="Faces in view">
          {records.map((record) => (
            <li key={record.id} className="label">
              {record.label === null ? (
                <span className="quiet">{nameUnlabeled(record)}</span>
              ) : (
                <>
                  <i className={`dot ${hueOf(record.label)}`} />
                  {record.label}{" "}
                  <small>{formatPercent(Math.max(0, ...Object.values(record.probabilities ?? {})), 0)}</small>
                </>
              )}
            </li>
          ))}
        </ol>
        <p className="quiet">Frames are scored in this page, one after the other, and kept nowhere.</p>
        <div className="row">
          <button
            type="button"
            className="primary"
            disabled={!isLive}
            onClick={() => void takeFrame(video.current!).then(({ blob }) => keep(blob))}
          >
            Take this frame
          </button>
          <button type="button" onClick={close}>
            Turn the camera off
          </button>
        </div>
      </div>
    </section>
  );
}

function stopAll(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/** The present frame as a JPEG, at most {@link FRAME_SIDE} pixels a side. */
async function takeFrame(video: HTMLVideoElement) {
  const scale = Math.min(1, FRAME_SIDE / Math.max(video.videoWidth, video.videoHeight));
  const size = { width: Math.round(video.videoWidth * scale), height: Math.round(video.videoHeight * scale) };
  const canvas = new OffscreenCanvas(size.width, size.height);
  canvas.getContext("2d")?.drawImage(video, 0, 0, size.width, size.height);
  return { size, blob: await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 }) };
}
