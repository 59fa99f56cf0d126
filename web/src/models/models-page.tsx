/** The models of the server in one table, and two of them side by side. */

import { type ReactNode, useState } from "react";
import type { ModelList, ModelView } from "../../../src/client/model-list.ts";
import type { ModelEvaluation } from "../../../src/model/card.ts";
import { chooseShade } from "../../../src/scoring/report/report-charts.ts";
import { formatCount, formatInterval, formatNumber, formatPercent } from "../../../src/scoring/report/report-format.ts";
import { renderClasses } from "../../../src/scoring/report/report-sections.ts";
import { api, useLoad } from "../api.ts";
import { Markup } from "../markup.tsx";
import { Failure, Skeleton } from "../parts.tsx";
import { setQuery } from "../route.ts";
import "../styles/tables.css";
import { ImportCard } from "./import-card.tsx";

const loadModels = (signal: AbortSignal) => api.listModels(signal);

/** One row of the table: a model as it was measured once. */
interface Row {
  readonly key: string;
  readonly model: ModelView;
  readonly evaluation: ModelEvaluation;
}

const MAX_CHOSEN = 2;
/** Between two looks for a model that was just stored. */
const LOOK_MS = 3000;

/** `#/models?compare=a,b`. */
export function ModelsPage({ query }: { readonly query: URLSearchParams }): ReactNode {
  const [awaited, setAwaited] = useState<string | null>(null);
  const isListed = (list: ModelList): boolean => list.models.some(({ id }) => id === awaited);
  // A server looks into its store now and then.
  const { value, error, reload } = useLoad(loadModels, (list) => (awaited === null || isListed(list) ? null : LOOK_MS));
  const rows = (value?.models ?? []).flatMap((model) =>
    model.evaluations.map((evaluation): Row => ({ key: nameRow(model, evaluation), model, evaluation })),
  );
  const datasets = [...new Set(rows.map(({ evaluation }) => evaluation.dataset))];
  const asked = query.get("compare")?.split(",") ?? [];
  const chosen = rows.filter(({ key }) => asked.includes(key));
  const choose = (key: string): void => {
    const kept = chosen.map((row) => row.key).filter((one) => one !== key);
    const next = kept.length < chosen.length ? kept : [...kept, key].slice(-MAX_CHOSEN);
    setQuery("compare", next.length === 0 ? null : next.join(","));
  };
  return (
    <>
      <div className="head">
        <div>
          <h1>Models</h1>
          <p className="quiet">How often each was right on faces that it was not trained on. Choose two to compare.</p>
        </div>
      </div>
      {error !== null && <Failure error={error} />}
      {value === null && error === null && <Skeleton rows={3} words="Loading the models" />}
      {value?.unavailable.map(({ id, detail }) => (
        <div key={id} className="alert" role="alert">
          <strong>{id} cannot be used:</strong> {detail}.
        </div>
      ))}
      {datasets.map((dataset) => (
        <Dataset
          key={dataset}
          name={dataset}
          rows={rows.filter(({ evaluation }) => evaluation.dataset === dataset)}
          chosen={chosen}
          choose={choose}
        />
      ))}
      <Unmeasured models={(value?.models ?? []).filter(({ evaluations }) => evaluations.length === 0)} />
      {chosen.length > 0 && <Chosen rows={chosen} />}
      {value !== null && <Cards models={value.models} />}
      {value !== null && <ImportCard place={value.place ?? null} stored={(id) => (setAwaited(id), reload())} />}
    </>
  );
}

function nameRow({ id }: ModelView, { dataset, tta }: ModelEvaluation): string {
  return `${id}/${dataset}/${tta}`.replaceAll(",", "");
}

function Dataset(props: {
  readonly name: string;
  readonly rows: readonly Row[];
  readonly chosen: readonly Row[];
  readonly choose: (key: string) => void;
}): ReactNode {
  const rows = props.rows.toSorted((a, b) => b.evaluation.accuracy - a.evaluation.accuracy);
  const labels = [...new Set(rows.flatMap(({ model }) => model.labels))];
  return (
    <section className="card">
      <h2>{props.name}</h2>
      <p className="quiet">{formatCount(rows[0]?.evaluation.faces ?? 0)} faces; recall of each label as a heat map.</p>
      <div className="scroll" tabIndex={0} role="region" aria-label={`Models on ${props.name}`}>
        <table className="compare heat">
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col">Accuracy</th>
              <th scope="col">Balanced</th>
              <th scope="col">ECE</th>
              {labels.map((label) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
              <th scope="col">Numbers</th>
              <th scope="col">License</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ key, model, evaluation }, index) => {
              const isChosen = props.chosen.some((row) => row.key === key);
              return (
                <tr key={key} data-chosen={isChosen}>
                  <th scope="row">
                    <label className="check">
                      <input type="checkbox" checked={isChosen} onChange={() => props.choose(key)} />
                      <span>
                        {model.id}
                        {evaluation.tta === "flip" && <small> mirrored too</small>}
                      </span>
                    </label>
                  </th>
                  <td className={index === 0 ? "best" : ""}>
                    {formatPercent(evaluation.accuracy)}
                    <small>{formatInterval({ low: evaluation.interval[0], high: evaluation.interval[1] })}</small>
                  </td>
                  <td>{formatPercent(evaluation.balancedAccuracy)}</td>
                  <td>{formatNumber(evaluation.ece.after ?? evaluation.ece.before, 3)}</td>
                  {labels.map((label) => {
                    const figures = evaluation.perClass.find((row) => row.label === label);
                    if (figures === undefined) return <td key={label}>–</td>;
                    const { recall, support } = figures;
                    return (
                      <td
                        key={label}
                        className={`shade-${chooseShade(recall)}`}
                        title={`${formatCount(support)} faces`}
                      >
                        {formatPercent(recall, 0)}
                      </td>
                    );
                  })}
                  <td className="number">{formatCount(model.parameters)}</td>
                  <td>{model.license}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Models that nobody has measured: a job with true labels, or a review, would. */
function Unmeasured({ models }: { readonly models: readonly ModelView[] }): ReactNode {
  if (models.length === 0) return null;
  return (
    <section className="card" aria-label="Not measured">
      <h2>Not measured</h2>
      <p className="quiet">How right these are is not known: measure them on faces with true labels, or by a review.</p>
      <ul className="plain">
        {models.map(({ id, labels, parameters }) => (
          <li key={id}>
            <strong>{id}</strong> {labels.join(", ")}; {formatCount(parameters)} numbers
          </li>
        ))}
      </ul>
    </section>
  );
}

function Chosen({ rows }: { readonly rows: readonly Row[] }): ReactNode {
  return rows.map(({ key, model, evaluation }) => (
    <section key={key} className="card" aria-label={`${model.id} in detail`}>
      <h2>
        {model.id} on {evaluation.dataset}
        {evaluation.tta === "flip" && ", mirrored too"}
      </h2>
      <Markup
        of={renderClasses(
          `${model.id} on ${evaluation.dataset}, ${evaluation.tta}`,
          evaluation.confusion,
          model.labels,
        )}
      />
      <details>
        <summary>The command that measures it again</summary>
        <pre tabIndex={0}>{evaluation.command}</pre>
      </details>
    </section>
  ));
}

/** How each was made, one at a time. */
function Cards({ models }: { readonly models: readonly ModelView[] }): ReactNode {
  const [open, setOpen] = useState<string | null>(null);
  const model = models.find(({ id }) => id === open) ?? models[0];
  if (model === undefined) return null;
  return (
    <section className="card">
      <h2>How a model was made</h2>
      <label className="field">
        <span className="visually-hidden">Model</span>
        <select value={model.id} onChange={(event) => setOpen(event.target.value)}>
          {models.map(({ id }) => (
            <option key={id}>{id}</option>
          ))}
        </select>
      </label>
      <dl className="pairs">
        <dt>Family</dt>
        <dd>
          {model.family}, preprocessing version {model.pipeline},{" "}
          {model.temperature === null ? "not calibrated" : `temperature ${formatNumber(model.temperature)}`}
        </dd>
        <dt>Data</dt>
        <dd>{model.training.data}</dd>
        <dt>Chosen by</dt>
        <dd>{model.training.selection}</dd>
        <dt>Command</dt>
        <dd>
          <code>{model.training.command}</code>
        </dd>
        <dt>SHA-256</dt>
        <dd>
          <code>{model.sha256}</code>
        </dd>
      </dl>
      <ul className="plain">
        {model.notices.map((notice) => (
          <li key={notice}>{notice}</li>
        ))}
      </ul>
    </section>
  );
}
