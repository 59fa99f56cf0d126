/** The models of the server, each with its card: how it was made and how often it errs. */

import type { ReactNode } from "react";
import type { ModelView } from "../../src/client/api.ts";
import { formatCount, formatNumber, formatPercent } from "../../src/scoring/report/report-format.ts";
import { api, useLoad } from "./api.ts";
import { ConfusionMatrix } from "./job/charts.tsx";
import { Failure } from "./parts.tsx";

const loadModels = (signal: AbortSignal) => api.listModels(signal);

/** `#/models`. */
export function ModelsPage(): ReactNode {
  const { value, error } = useLoad(loadModels);
  return (
    <>
      <h1>Models</h1>
      {error !== null && <Failure error={error} />}
      {value?.unavailable.map(({ id, detail }) => (
        <div key={id} className="alert" role="alert">
          <strong>{id} cannot be used:</strong> {detail}.
        </div>
      ))}
      {value?.models.map((model) => (
        <Card key={model.id} model={model} />
      ))}
    </>
  );
}

function Card({ model }: { readonly model: ModelView }): ReactNode {
  return (
    <section className="card" aria-labelledby={`model-${model.id}`}>
      <h2 id={`model-${model.id}`}>{model.id}</h2>
      <p className="quiet">
        Family {model.family}, {formatCount(model.parameters)} trained numbers, preprocessing version {model.pipeline},
        {model.temperature === null ? " not calibrated" : ` temperature ${formatNumber(model.temperature)}`}, license{" "}
        {model.license}
      </p>
      {model.evaluations.map((evaluation) => (
        <div key={`${evaluation.dataset} ${evaluation.tta}`}>
          <h3>
            {evaluation.dataset}
            {evaluation.tta === "flip" && ", mirrored too"}
          </h3>
          <dl className="figures">
            <div>
              <dt>Accuracy</dt>
              <dd>
                {formatPercent(evaluation.accuracy)}
                <small>
                  {" "}
                  {formatPercent(evaluation.interval[0])}–{formatPercent(evaluation.interval[1])}
                </small>
              </dd>
            </div>
            <div>
              <dt>Balanced</dt>
              <dd>{formatPercent(evaluation.balancedAccuracy)}</dd>
            </div>
            <div>
              <dt>Macro F1</dt>
              <dd>{formatNumber(evaluation.macroF1)}</dd>
            </div>
            <div>
              <dt>Calibration error</dt>
              <dd>{formatNumber(evaluation.ece.after ?? evaluation.ece.before, 3)}</dd>
            </div>
            <div>
              <dt>Faces</dt>
              <dd>{formatCount(evaluation.faces)}</dd>
            </div>
          </dl>
          <div
            className="scroll"
            tabIndex={0}
            role="region"
            aria-label={`${model.id} by label on ${evaluation.dataset}, ${evaluation.tta}`}
          >
            <table>
              <thead>
                <tr>
                  <th scope="col">Label</th>
                  <th scope="col">Precision</th>
                  <th scope="col">Recall</th>
                  <th scope="col">F1</th>
                  <th scope="col">Faces</th>
                </tr>
              </thead>
              <tbody>
                {evaluation.perClass.map((row) => (
                  <tr key={row.label}>
                    <th scope="row">{row.label}</th>
                    <td>{formatPercent(row.precision)}</td>
                    <td>{formatPercent(row.recall)}</td>
                    <td>{formatNumber(row.f1)}</td>
                    <td>{formatCount(row.support)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <details>
            <summary>Confusion matrix and the command that measures it again</summary>
            <ConfusionMatrix
              rows={evaluation.confusion}
              name={`Confusion matrix of ${model.id} on ${evaluation.dataset}, ${evaluation.tta}`}
            />
            <pre tabIndex={0}>{evaluation.command}</pre>
          </details>
        </div>
      ))}
      <details>
        <summary>Training, weights and notices</summary>
        <dl className="pairs">
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
        <ul>
          {model.notices.map((notice) => (
            <li key={notice}>{notice}</li>
          ))}
        </ul>
      </details>
    </section>
  );
}
