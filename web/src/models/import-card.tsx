/** A model of one's own by dropping its file: read in this page, then stored where the server looks for models. */

import { type ReactNode, useId, useState } from "react";
import type { ModelPlace } from "../../../src/client/model-list.ts";
import type { ScoringError } from "../../../src/errors.ts";
import { formatCount, formatNumber } from "../../../src/scoring/report/report-format.ts";
import { LABELS } from "../../../src/model/labels.ts";
import { noteSignedOut } from "../api.ts";
import { ChoiceField, TextField } from "../new/fields.tsx";
import { Failure } from "../parts.tsx";
import "../styles/pictures.css";
import type { MadeModel, ModelWords, ReadFile } from "./import-file.ts";

/** Its code is loaded with the first file. */
const load = () => import("./import-file.ts");

type Step =
  | { readonly kind: "empty" }
  | { readonly kind: "busy"; readonly words: string }
  | { readonly kind: "read"; readonly read: ReadFile }
  | { readonly kind: "made"; readonly read: ReadFile; readonly made: MadeModel }
  | { readonly kind: "stored"; readonly id: string };

const COLORS = [
  ["gray", "gray"],
  ["rgb", "red, green, blue"],
  ["bgr", "blue, green, red"],
] as const;

/** @param props.place where it would be stored; `null` where this server has no place, or the key may not write there */
export function ImportCard(props: {
  readonly place: ModelPlace | null;
  readonly stored: (id: string) => void;
}): ReactNode {
  const [step, setStep] = useState<Step>({ kind: "empty" });
  const [words, setWords] = useState<ModelWords | null>(null);
  const [failure, setFailure] = useState<ScoringError | null>(null);
  const attempt = async (busy: string, back: Step, work: () => Promise<Step>): Promise<void> => {
    setFailure(null);
    setStep({ kind: "busy", words: busy });
    try {
      setStep(await work());
    } catch (thrown) {
      setFailure(noteSignedOut(thrown));
      setStep(back);
    }
  };
  const take = (files: readonly File[]): void => {
    if (files.length === 0) return;
    void attempt("Reading the file", { kind: "empty" }, async () => {
      const read = await (await load()).readDropped(files);
      setWords(guessWords(read));
      return { kind: "read", read };
    });
  };
  const { place } = props;
  return (
    <section className="card" aria-label="Bring a model of your own">
      <h2>Bring a model of your own</h2>
      <p className="quiet">
        An ONNX file, or a tfjs GraphModel: its model.json and weight files together. It is read on this machine, as
        data; no code of it runs.
      </p>
      {failure !== null && <Failure error={failure} once />}
      {step.kind === "stored" && (
        <p role="status">
          <strong>{step.id}</strong> is stored. Jobs can name it.
        </p>
      )}
      {step.kind === "busy" && <p role="status">{step.words} …</p>}
      {(step.kind === "empty" || step.kind === "stored") && <ModelDrop taken={take} />}
      {(step.kind === "read" || step.kind === "made") && words !== null && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const { read } = step;
            if (step.kind === "read") {
              void attempt("Running it once", step, async () => ({
                kind: "made",
                read,
                made: await (await load()).makeModel(read, words),
              }));
            } else if (place !== null) {
              const { made } = step;
              void attempt("Storing it", step, async () => {
                await (await load()).storeModel(place, made, AbortSignal.timeout(120_000));
                props.stored(made.id);
                return { kind: "stored", id: made.id };
              });
            }
          }}
        >
          <Facts read={step.read} made={step.kind === "made" ? step.made : null} />
          <Words
            words={words}
            change={(changed) => {
              setWords(changed);
              setStep({ kind: "read", read: step.read });
            }}
          />
          {place === null && step.kind === "made" && (
            <p className="finding">
              This server has no place for models, or your key may not write there. Set MODELS, or use{" "}
              <code>countenance models import</code>.
            </p>
          )}
          <div className="row">
            <button type="submit" className="primary" disabled={step.kind === "made" && place === null}>
              {step.kind === "read" ? "Check it" : "Store the model"}
            </button>
            <button type="button" onClick={() => (setFailure(null), setStep({ kind: "empty" }))}>
              Another file
            </button>
          </div>
        </form>
      )}
    </section>
  );
}

function guessWords({ file, channels, std }: ReadFile): ModelWords {
  const name = file
    .replace(/\.[a-z]+$/i, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return {
    name: name === "model" ? "mine" : name,
    version: "1",
    labels: LABELS.join(", "),
    color: channels === 1 ? "gray" : "rgb",
    mean: "0",
    std: `${std}`,
    license: "",
  };
}

function ModelDrop({ taken }: { readonly taken: (files: readonly File[]) => void }): ReactNode {
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
        taken([...event.dataTransfer.files]);
      }}
    >
      <p>Drop the file here, or choose it</p>
      <label className="button" htmlFor={id}>
        Choose a model
        <input
          id={id}
          className="hidden-input"
          type="file"
          multiple
          accept=".onnx,.json,.bin"
          onChange={(event) => {
            taken([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
      </label>
    </div>
  );
}

function Facts({ read, made }: { readonly read: ReadFile; readonly made: MadeModel | null }): ReactNode {
  return (
    <dl className="pairs">
      <dt>File</dt>
      <dd>{read.file}</dd>
      <dt>Operators</dt>
      <dd>{read.operators}</dd>
      <dt>Input</dt>
      <dd>
        {read.size === null ? "of any size" : `${read.size} × ${read.size}`},{" "}
        {read.channels === 1 ? "1 channel" : `${read.channels} channels`}
      </dd>
      <dt>Parameters</dt>
      <dd>
        {formatCount(read.parameters)}, {formatCount(read.multiplyAdds)} multiply-adds a face
      </dd>
      {made !== null && (
        <>
          <dt>Here</dt>
          <dd>{formatNumber(made.faceMs)} ms a face on one thread</dd>
          <dt>SHA-256</dt>
          <dd>
            <code>{made.model.card.sha256}</code>
          </dd>
        </>
      )}
    </dl>
  );
}

function Words(props: { readonly words: ModelWords; readonly change: (words: ModelWords) => void }): ReactNode {
  const { words } = props;
  const text = (path: keyof ModelWords, name: string, hint?: string): ReactNode => (
    <TextField
      name={name}
      path={path}
      issues={[]}
      value={words[path]}
      change={(value) => props.change({ ...words, [path]: value })}
      {...(hint === undefined ? {} : { hint })}
    />
  );
  return (
    <div className="fields">
      {text("name", "Name", "Lower-case letters, digits and dashes")}
      {text("version", "Version", "A version keeps its weights forever")}
      {text("labels", "Labels", "In the order of the outputs, with commas between")}
      <ChoiceField
        name="Color"
        path="color"
        issues={[]}
        value={words.color}
        choices={COLORS}
        change={(color) => props.change({ ...words, color })}
      />
      {text("mean", "Mean", "Subtracted from bytes as 0 … 1")}
      {text("std", "Standard deviation", "What is left is divided by it")}
      {text("license", "License", "Of the weights")}
    </div>
  );
}
