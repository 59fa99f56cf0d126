/** Scores pictures in this browser. Nothing leaves it. */

import { type ReactNode, useCallback, useRef, useState } from "react";
import { FACE_MODES, type FaceMode } from "../../../src/scoring/records/face-mode.ts";
import { ENGINE_NAMES, nameEngine } from "../engine/engine-names.ts";
import "../styles/pictures.css";
import { DropZone } from "../new/drop-zone.tsx";
import type { DroppedFile } from "../new/dropped-file.ts";
import { loadSamplePictures } from "../sample-pictures.ts";
import { Camera } from "./camera.tsx";
import { ENGINE_CHOICES, type EngineChoice } from "./messages.ts";
import { Totals } from "./totals.tsx";
import { TryCard, type Tried } from "./try-card.tsx";
import { type Engine, useScoringWorker } from "./use-scoring-worker.ts";

/** `every`: crops as they are, of all others every face; a job has no such mode, since its counts of inputs and records would differ. */
type Choice = FaceMode | "every";

const ENGINE_WORDS: Readonly<Record<EngineChoice, string>> = { auto: "The best that starts", ...ENGINE_NAMES };
/** More are scored, but only this many are shown. */
const MAX_SHOWN = 200;
/** Pixels of the longer side up to which a picture is taken for a crop, as jobs do. */
const CROP_PIXELS = 96;

/** `#/try`. */
export function TryPage(): ReactNode {
  const [choice, setChoice] = useState<EngineChoice>("auto");
  const [faces, setFaces] = useState<Choice>("every");
  const [shown, setShown] = useState<readonly Tried[]>([]);
  const [isFilming, setFilming] = useState(false);
  const { engine, results, post, scoreOnce } = useScoringWorker(choice);
  const nextId = useRef(0);
  const frames = useRef(0);

  const take = useCallback(
    async (pictures: readonly { readonly name: string; readonly blob: Blob }[]): Promise<void> => {
      for (const { name, blob } of pictures) {
        const id = nextId.current++;
        const bytes = await blob.arrayBuffer();
        const mode = faces === "every" ? await chooseMode(blob) : faces;
        setShown((before) => [{ id, name, url: URL.createObjectURL(blob) }, ...before]);
        post({ kind: "score", id, name, faces: mode, bytes }, [bytes]);
      }
    },
    [faces, post],
  );
  const scoreFrame = useCallback(
    async (frame: Blob) => {
      const result = await scoreOnce({ name: "frame", faces: "all", bytes: await frame.arrayBuffer() });
      return result.kind === "scored" ? result.records : [];
    },
    [scoreOnce],
  );
  const drop = (files: readonly DroppedFile[]): void =>
    void take(files.map(({ path, file }) => ({ name: path, blob: file })));
  const clear = (): void => {
    for (const { url } of shown) URL.revokeObjectURL(url);
    setShown([]);
  };

  return (
    <>
      <div className="head">
        <div>
          <h1>Try it here</h1>
          <p className="quiet">
            Pictures are scored in this browser, by the code that the server runs. <strong>Nothing is uploaded.</strong>
          </p>
        </div>
      </div>
      {isFilming && (
        <Camera
          score={scoreFrame}
          keep={(blob) => void take([{ name: `camera ${++frames.current}`, blob }])}
          close={() => setFilming(false)}
        />
      )}
      <section className="card">
        <DropZone
          format="image"
          taken={drop}
          compact={shown.length > 0}
          more={
            <>
              <button type="button" onClick={() => void loadSamplePictures().then(take)}>
                Take samples
              </button>
              {!isFilming && (
                <button type="button" onClick={() => setFilming(true)}>
                  Use the camera
                </button>
              )}
            </>
          }
        >
          <p>
            Drop pictures here
            <br />
            <span className="quiet">JPEG, PNG, WebP; they stay on this machine</span>
          </p>
        </DropZone>
        <div className="fields">
          <label className="field">
            <span className="name">Faces</span>
            <select value={faces} onChange={(event) => setFaces(readChoice(event.target.value))}>
              <option value="every">Every face; small crops as they are</option>
              <option value="auto">The largest face; small crops as they are</option>
              <option value="largest">Find the largest face</option>
              <option value="all">Find every face</option>
              <option value="aligned">The picture is a face crop</option>
            </select>
          </label>
          <label className="field">
            <span className="name">Engine</span>
            <select
              value={choice}
              onChange={(event) => setChoice(ENGINE_CHOICES.find((known) => known === event.target.value) ?? "auto")}
            >
              {ENGINE_CHOICES.map((known) => (
                <option key={known} value={known}>
                  {ENGINE_WORDS[known]}
                </option>
              ))}
            </select>
          </label>
        </div>
        <EngineNote engine={engine} />
      </section>
      {shown.length > 0 && <Totals shown={shown} results={results} clear={clear} />}
      <ul className="tries">
        {shown.slice(0, MAX_SHOWN).map((item) => (
          <TryCard key={item.id} item={item} result={results.get(item.id) ?? null} />
        ))}
      </ul>
    </>
  );
}

function readChoice(value: string): Choice {
  return FACE_MODES.find((mode) => mode === value) ?? "every";
}

async function chooseMode(blob: Blob): Promise<FaceMode> {
  try {
    const { width, height } = await createImageBitmap(blob);
    return Math.max(width, height) <= CROP_PIXELS ? "aligned" : "all";
  } catch {
    // The worker says what is wrong with it.
    return "all";
  }
}

/** What scores, in plain words; why not another, for those who ask. */
function EngineNote({ engine }: { readonly engine: Engine | null }): ReactNode {
  if (engine === null) return <p role="status">Starting the engine …</p>;
  return (
    <div role="status" className="engine-note">
      {engine.kind === "ready" ? (
        <p>
          Scoring with <strong>{nameEngine(engine.engine)}</strong> on this machine’s{" "}
          {engine.engine.includes("webgpu") ? "graphics card" : "processor"}, model {engine.model}.
        </p>
      ) : (
        <p className="finding">No engine starts here.</p>
      )}
      <details open={engine.kind !== "ready"}>
        <summary>Which engine, and why</summary>
        <ul className="quiet">
          {engine.steps.map((step) => (
            <li key={step.engine}>
              <code data-testid={step.taken ? "engine" : undefined}>{step.engine}</code>:{" "}
              {step.taken ? "taken" : "not taken"}; {step.reason}
            </li>
          ))}
        </ul>
      </details>
    </div>
  );
}
