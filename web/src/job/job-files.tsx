/** The files of an ended job. */

import { type ReactNode, useCallback } from "react";
import { api, useLoad } from "../api.ts";
import { Failure } from "../parts.tsx";
import { formatBytes } from "../words.ts";

const ABOUT: Readonly<Record<string, string>> = {
  "labels.jsonl": "One record per picture or face, in input order",
  "labels.csv": "The same as a table",
  "labels.parquet": "The same, in columns",
  "errors.jsonl": "Failed and skipped inputs; itself a list that can be run",
  "report.html": "The report as one page that needs no network",
  "report.json": "The report's figures",
  "summary.json": "The exact fold that the schedule's next run is compared with",
  "input.jsonl": "The inputs as they were listed",
  "run.lock.json": "What produced the labels: model, engine, hashes, receipt",
  _SUCCESS: "Every output with its size and SHA-256",
  _FAILED: "The same, of a job that did not end well",
};

/** Files of a data set, by the folder that they lie in. */
const ABOUT_FOLDERS: Readonly<Record<string, string>> = {
  labels: "One part of the labels: all of them together are one table",
  input: "The inputs of that part as they were listed",
  ranges: "What that part was made of, and its figures",
};

const describeRangeFile = (name: string): string | undefined => ABOUT_FOLDERS[name.slice(0, name.indexOf("/"))];

/** Each file of a job with its size and what it is for. */
export function Files({ id }: { readonly id: string }): ReactNode {
  const load = useCallback((signal: AbortSignal) => api.listOutputs(id, signal), [id]);
  const { value, error } = useLoad(load);
  return (
    <section className="card">
      <h2>Outputs</h2>
      {error !== null && <Failure error={error} />}
      <table className="files">
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">Size</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {value?.map(({ name, size }) => (
            <tr key={name}>
              <th scope="row">
                {name}
                <small>{ABOUT[name] ?? describeRangeFile(name)}</small>
              </th>
              <td>{formatBytes(size)}</td>
              <td className="actions">
                {name === "report.html" && (
                  <a href={api.outputUrl(id, name, false)} target="_blank" rel="noreferrer">
                    Open
                  </a>
                )}
                <a href={api.outputUrl(id, name, true)} download={name} aria-label={`Download ${name}`}>
                  Download
                </a>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
