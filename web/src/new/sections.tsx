/** The three parts of the form. */

import type { ReactNode } from "react";
import { ABSTENTION_PRECISIONS } from "../../../src/model/abstention.ts";
import { LABEL_FILES, LABEL_FORMATS } from "../../../src/scoring/keys.ts";
import { formatCount } from "../../../src/scoring/report/report-format.ts";
import { formatBytes } from "../words.ts";
import type { Draft } from "./draft.ts";
import { DropZone } from "./drop-zone.tsx";
import { DroppedFaces } from "./dropped-faces.tsx";
import type { DroppedFile } from "./dropped-file.ts";
import { UPLOADS } from "./dropped-files.ts";
import { ChoiceField, FacesOnReport, TextField } from "./fields.tsx";
import { PlaceFields } from "./place-section.tsx";
import type { SectionProps } from "./section-props.ts";

const AGAIN = ["again", "The same pictures"] as const;

const SOURCES = [
  ["upload", "Upload pictures"],
  ["prefix", "A prefix of a store"],
  ["manifest", "A list in a store"],
] as const;

/** What is scored. */
export function InputSection(
  props: SectionProps & {
    readonly files: readonly DroppedFile[];
    readonly setFiles: (files: readonly DroppedFile[]) => void;
  },
): ReactNode {
  const { draft, change, issues, files } = props;
  const { words, one } = UPLOADS[draft.format];
  const hasFolders = files.some(({ path }) => path.includes("/"));
  return (
    <section className="card">
      <h2>Pictures</h2>
      <div className="choices" role="radiogroup" aria-label="Where the pictures are">
        {[...(draft.again === null ? [] : [AGAIN]), ...SOURCES].map(([source, words]) => (
          <label key={source}>
            <input type="radio" name="source" checked={draft.source === source} onChange={() => change({ source })} />
            <span>{words}</span>
          </label>
        ))}
      </div>
      {draft.source === "upload" && (
        // What was left out of one format is not what another leaves out.
        <DropZone key={draft.format} format={draft.format} taken={(taken) => props.setFiles(addFiles(files, taken))}>
          {files.length === 0 ? (
            <p>
              Drop {one}s or a folder here
              <br />
              <span className="quiet">{words}; folders are kept</span>
            </p>
          ) : (
            <p role="status">
              <strong>{files.length === 1 ? `1 ${one}` : `${formatCount(files.length)} ${one}s`}</strong>,{" "}
              {formatBytes(files.reduce((sum, { file }) => sum + file.size, 0))}{" "}
              <button type="button" className="plain" onClick={() => props.setFiles([])}>
                Clear
              </button>
            </p>
          )}
        </DropZone>
      )}
      {draft.source === "upload" && draft.format === "image" && files.length > 0 && (
        <DroppedFaces files={files} faces={draft.faces} />
      )}
      <div className="fields">
        {draft.source !== "upload" && draft.source !== "again" && <PlaceFields {...props} />}
        {draft.source === "upload" && draft.format === "image" && hasFolders && (
          <ChoiceField
            name="Folders are"
            path="input.objects"
            issues={issues}
            value={draft.folders}
            choices={[
              ["nothing", "just folders"],
              ["groups", "groups to compare"],
              ["labels", "the true labels (Angry, Happy, …)"],
            ]}
            change={(folders) => change({ folders })}
          />
        )}
        <TextField
          name="Name"
          path="name"
          issues={issues}
          value={draft.name}
          placeholder="nightly"
          change={(name) => change({ name })}
        />
      </div>
    </section>
  );
}

function addFiles(files: readonly DroppedFile[], taken: readonly DroppedFile[]): readonly DroppedFile[] {
  const byPath = new Map([...files, ...taken].map((file) => [file.path, file]));
  return [...byPath.values()];
}

/** How it is scored. */
export function ScoringSection({ draft, change, issues, choices }: SectionProps): ReactNode {
  const models = (choices?.models ?? []).map(({ id, name }) => [id, `${name}, version ${id.split("@")[1]}`] as const);
  return (
    <section>
      <h3>Scoring</h3>
      <div className="fields">
        <ChoiceField
          name="Faces"
          path="faces"
          issues={issues}
          value={draft.faces}
          choices={[
            ["auto", "Small crops as they are, otherwise the largest face"],
            ["largest", "Find the largest face"],
            ["all", "Find every face"],
            ["aligned", "The picture is a face crop"],
          ]}
          change={(faces) => change({ faces })}
        />
        <ChoiceField
          name="Model"
          path="model"
          issues={issues}
          value={draft.model}
          choices={[["deep-emotion", "deep-emotion, newest"], ...models]}
          change={(model) => change({ model })}
        />
        <ChoiceField
          name="Average with the mirrored face"
          path="tta"
          issues={issues}
          value={draft.tta}
          choices={[
            ["none", "No"],
            ["flip", "Yes (takes twice as long)"],
          ]}
          change={(tta) => change({ tta })}
        />
        <ChoiceField
          name="Labels"
          path="abstain.precision"
          issues={issues}
          value={draft.abstain}
          choices={[
            ["", "Every face gets its most probable label"],
            ...ABSTENTION_PRECISIONS.map(
              (one) => [String(one), `Only where ${Math.round(100 * one)} % of such labels are right`] as const,
            ),
          ]}
          change={(abstain) => change({ abstain })}
        />
        <ChoiceField
          name="Scored by"
          path="execution"
          issues={issues}
          value={draft.execution}
          choices={[
            ["edge", "The server"],
            ["client", "Browsers: the job's page computes"],
            ["auto", "Both, side by side"],
          ]}
          change={(execution) => change({ execution })}
        />
        <TextField
          name="Group by"
          path="groupBy"
          issues={issues}
          value={draft.groupBy}
          placeholder="site, camera"
          hint="Names of groups in the list, with commas"
          change={(groupBy) => change({ groupBy })}
        />
        <TextField
          name="Smallest group shown"
          path="minGroupSize"
          issues={issues}
          value={draft.minGroupSize}
          inputMode="numeric"
          hint="Smaller groups are hidden, so that no one is singled out"
          change={(minGroupSize) => change({ minGroupSize })}
        />
      </div>
    </section>
  );
}

const LAYOUTS = [
  ["single", "One file of each"],
  ["dataset", "A data set: many parts, for millions of faces"],
] as const;

/** Where it goes, and its limits. */
export function OutputSection({ draft, change, issues, choices }: SectionProps): ReactNode {
  const stores = (choices?.stores ?? []).map(({ name }) => [name, name] as const);
  const text = (
    name: string,
    path: string,
    key: Exclude<keyof Draft, "again" | "formats" | "layout" | "thumbnails">,
    extra: { hint?: string; placeholder?: string } = {},
  ) => (
    <TextField
      name={name}
      path={path}
      issues={issues}
      value={draft[key]}
      change={(value) => change({ [key]: value })}
      {...extra}
    />
  );
  return (
    <section>
      <h3>Outputs</h3>
      <div className="fields">
        {text("Purpose", "purpose", "purpose", { placeholder: "research", hint: "Stands on the report" })}
        {text("Tags", "tags", "tags", { placeholder: "ward-3, pilot", hint: "The list of jobs is filtered by them" })}
        <ChoiceField
          name="Output store"
          path="output.store"
          issues={issues}
          value={draft.outputStore}
          choices={stores}
          change={(outputStore) => change({ outputStore })}
        />
        {text("Output prefix", "output.prefix", "outputPrefix")}
        <fieldset className="field" data-path="output.formats">
          <legend className="name">Labels as</legend>
          <span className="row">
            {LABEL_FORMATS.map((format) => (
              <label key={format} className="check">
                <input
                  type="checkbox"
                  checked={draft.formats.includes(format)}
                  disabled={draft.formats.length === 1 && draft.formats.includes(format)}
                  onChange={(event) =>
                    change({
                      formats: event.target.checked
                        ? [...draft.formats, format]
                        : draft.formats.filter((one) => one !== format),
                    })
                  }
                />
                {LABEL_FILES[format].title}
              </label>
            ))}
          </span>
          <span className="hint">The gallery reads JSONL</span>
        </fieldset>
        <ChoiceField
          name="Written as"
          path="output.layout"
          issues={issues}
          value={draft.layout}
          choices={LAYOUTS}
          change={(layout) => change({ layout })}
        />
        {draft.layout === "dataset" &&
          text("Folders by", "output.partitionBy", "partitionBy", {
            placeholder: "site",
            hint: "Groups, with commas; each must be grouped by, too",
          })}
        <FacesOnReport
          path="thumbnails"
          issues={issues}
          value={draft.thumbnails}
          change={(thumbnails) => change({ thumbnails })}
        />
      </div>
      <details>
        <summary>Limits and notification</summary>
        <div className="fields">
          {text("Pictures per chunk", "limits.chunkSize", "chunkSize", { placeholder: "256" })}
          {text("Chunks at once", "limits.maxConcurrency", "maxConcurrency", { placeholder: "50" })}
          {text("Stop above this share of failures", "limits.errorThreshold", "errorThreshold", {
            placeholder: "0.05",
          })}
          {text("Budget, dollars", "budget", "budget", { hint: "The job pauses before it costs more" })}
          {text("Notify this address at the end", "notify", "notifyUrl", { placeholder: "https://…" })}
        </div>
      </details>
    </section>
  );
}
