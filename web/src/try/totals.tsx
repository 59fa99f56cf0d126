/** What all tried pictures come to, and their labels as a file. */

import { type ReactNode, useMemo } from "react";
import { formatCount } from "../../../src/scoring/report/report-format.ts";
import { ShareChart } from "../markup.tsx";
import type { Tried } from "./try-card.tsx";
import type { Result } from "./use-scoring-worker.ts";

const loadExport = () => import("./export-labels.ts");

/** Counts, times, shares, and the export. */
export function Totals(props: {
  readonly shown: readonly Tried[];
  readonly results: ReadonlyMap<number, Result>;
  readonly clear: () => void;
}): ReactNode {
  const { shown, results, clear } = props;
  const scored = useMemo(
    () =>
      shown.flatMap(({ id }) => {
        const result = results.get(id);
        return result?.kind === "scored" ? [result] : [];
      }),
    [shown, results],
  );
  const records = scored.flatMap((result) => result.records);
  const faces = records.filter(({ label }) => label !== null);
  const labels = Object.keys(faces[0]?.probabilities ?? {});
  const networkMs = scored.reduce((sum, result) => sum + result.networkMs, 0);
  const totalMs = scored.reduce((sum, result) => sum + result.totalMs, 0);
  const mean = (ms: number): string => (faces.length === 0 ? "–" : `${(ms / faces.length).toFixed(1)} ms`);
  const done = shown.filter(({ id }) => results.has(id)).length;
  return (
    <section className="card" aria-label="Totals">
      <dl className="figures">
        <div>
          <dt>Pictures</dt>
          <dd>
            {formatCount(done)}
            <small> of {formatCount(shown.length)}</small>
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
          counts={labels.map((label) => faces.filter((face) => face.label === label).length)}
          labels={labels}
        />
      )}
      <div className="row">
        <button
          type="button"
          disabled={records.length === 0}
          onClick={() => void loadExport().then(({ saveCsv }) => saveCsv(records))}
        >
          Export CSV
        </button>
        <button
          type="button"
          disabled={records.length === 0}
          onClick={() => void loadExport().then(({ saveJsonl }) => saveJsonl(records))}
        >
          Export JSONL
        </button>
        <button type="button" className="plain" onClick={clear}>
          Clear
        </button>
      </div>
    </section>
  );
}
