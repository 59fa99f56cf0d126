/** Scores pictures in this browser. Nothing leaves it. */

import { FACE_MODES, type FaceMode } from "../../../src/scoring/records/face-mode.ts";
import { type ReactNode, useCallback, useMemo, useRef, useState } from "react";
import type { ScoreRecord } from "../../../src/scoring/records/records.ts";
import { LABELS } from "../../../src/model/labels.ts";
import { formatCount, formatPercent } from "../../../src/scoring/report/report-format.ts";
import { describeReason } from "../../../src/scoring/report/reason-words.ts";
import { ENGINE_NAMES } from "../engine/engine-names.ts";
import { ShareChart } from "../markup.tsx";
import "../styles/pictures.css";
import { Chances, Picture } from "../job/picture.tsx";
import { DropZone } from "../new/drop-zone.tsx";
import type { DroppedFile } from "../new/dropped-files.ts";
import { nameUnlabeled } from "../words.ts";
import { ENGINE_CHOICES, type EngineChoice } from "./messages.ts";
import { type Engine, type Result, useScoringWorker } from "./use-scoring-worker.ts";

interface Shown {
  readonly id: number;
  readonly name: string;
  readonly url: string;
  readonly result: Result | null;
}

const ENGINE_WORDS: Readonly<Record<EngineChoice, string>> = { auto: "The best that starts", ...ENGINE_NAMES };
/** More are scored, but only this many are shown. */
const MAX_SHOWN = 200;

/** `#/try`. */
export function TryPage(): ReactNode {
  const [choice, setChoice] = useState<EngineChoice>("auto");
  const [faces, setFaces] = useState<FaceMode>("auto");
  const [shown, setShown] = useState<readonly Shown[]>([]);
  const { engine, results, post } = useScoringWorker(choice);
  const nextId = useRef(0);

  const take = useCallback(
    async (files: readonly DroppedFile[]): Promise<void> => {
      for (const { path, file } of files) {
        const id = nextId.current++;
        const bytes = await file.arrayBuffer();
        setShown((before) => [{ id, name: path, url: URL.createObjectURL(file), result: null }, ...before]);
        post({ kind: "score", id, name: path, faces, bytes }, [bytes]);
      }
    },
    [faces, post],
  );
  const clear = (): void => {
    for (const { url } of shown) URL.revokeObjectURL(url);
    setShown([]);
  };

  return (
    <>
      <h1>Try it here</h1>
      <p className="lead">
        Pictures are scored in this browser, by the code that the server runs. <strong>Nothing is uploaded.</strong>
      </p>
      <section className="card">
        <DropZone format="image" taken={(files) => void take(files)}>
          <p>
            Drop pictures here
            <br />
            <span className="quiet">JPEG, PNG, WebP; they stay on this machine</span>
          </p>
        </DropZone>
        <div className="fields">
          <label className="field">
            <span className="name">Faces</span>
            <select
              value={faces}
              onChange={(event) => setFaces(FACE_MODES.find((mode) => mode === event.target.value) ?? "auto")}
            >
              <option value="auto">Small crops as they are, otherwise the largest face</option>
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
          <Try key={item.id} item={item} result={results.get(item.id) ?? null} />
        ))}
      </ul>
    </>
  );
}

function EngineNote({ engine }: { readonly engine: Engine | null }): ReactNode {
  if (engine === null) return <p role="status">Starting the engine …</p>;
  return (
    <div role="status" className="engine-note">
      {engine.kind === "ready" ? (
        <p>
          Scoring with <strong data-testid="engine">{engine.engine}</strong>, model {engine.model}.
        </p>
      ) : (
        <p className="finding">No engine starts here.</p>
      )}
      <ul className="quiet">
        {engine.steps.map((step) => (
          <li key={step.engine}>
            {step.engine}: {step.taken ? "taken" : "not taken"}; {step.reason}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Totals(props: {
  readonly shown: readonly Shown[];
  readonly results: ReadonlyMap<number, NonNullable<Shown["result"]>>;
  readonly clear: () => void;
}): ReactNode {
  const scored = useMemo(
    () =>
      props.shown.flatMap(({ id }) => {
        const result = props.results.get(id);
        return result?.kind === "scored" ? [result] : [];
      }),
    [props.shown, props.results],
  );
  const faces = scored.flatMap(({ records }) => records.filter(({ label }) => label !== null));
  const networkMs = scored.reduce((sum, result) => sum + result.networkMs, 0);
  const totalMs = scored.reduce((sum, result) => sum + result.totalMs, 0);
  const mean = (ms: number): string => (faces.length === 0 ? "–" : `${(ms / faces.length).toFixed(1)} ms`);
  const done = props.shown.filter(({ id }) => props.results.has(id)).length;
  return (
    <section className="card" aria-label="Totals">
      <dl className="figures">
        <div>
          <dt>Pictures</dt>
          <dd>
            {formatCount(done)}
            <small> of {formatCount(props.shown.length)}</small>
          </dd>
        </div>
        <div>
          <dt>Faces</dt>
          <dd>{formatCount(faces.length)}</dd>
        </div>
        <div>
          <dt>Network, a face</dt>
          <dd>{mean(networkMs)}</dd>
        </div>
        <div>
          <dt>Everything, a face</dt>
          <dd>{mean(totalMs)}</dd>
        </div>
      </dl>
      {faces.length > 1 && (
        <ShareChart
          name="Shares of the labels"
          counts={LABELS.map((label) => faces.filter((face) => face.label === label).length)}
        />
      )}
      <button type="button" onClick={props.clear}>
        Clear
      </button>
    </section>
  );
}

function Try({ item, result }: { readonly item: Shown; readonly result: Shown["result"] }): ReactNode {
  const records: readonly ScoreRecord[] = result?.kind === "scored" ? result.records : [];
  return (
    <li className="card try">
      <Picture src={item.url} alt={item.name} faces={records} />
      <div className="try-text">
        <p className="face-name">{item.name}</p>
        {result === null && <p className="quiet">Scoring …</p>}
        {result?.kind === "failed" && <p className="finding">{result.message}</p>}
        {records.map((record) => (
          <div key={record.id} data-probabilities={record.probabilities?.join(" ")}>
            <h2>
              {record.label ?? nameUnlabeled(record)}{" "}
              {record.probabilities !== null && <small>{formatPercent(Math.max(...record.probabilities), 0)}</small>}
            </h2>
            {record.error !== null && <p className="finding">{describeReason(record.error.code)}</p>}
            <Chances record={record} />
          </div>
        ))}
        {result?.kind === "scored" && (
          <p className="quiet">
            {result.totalMs.toFixed(0)} ms, of which the network took {result.networkMs.toFixed(1)} ms
          </p>
        )}
      </div>
    </li>
  );
}
