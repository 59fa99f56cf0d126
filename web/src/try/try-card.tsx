/** One picture that was tried, with its faces. */

import type { ReactNode } from "react";
import type { ScoreRecord } from "../../../src/scoring/records/records.ts";
import { hueOf } from "../../../src/scoring/report/design-tokens.ts";
import { formatPercent } from "../../../src/scoring/report/report-format.ts";
import { describeReason } from "../../../src/scoring/report/reason-words.ts";
import { Chances, Picture } from "../job/picture.tsx";
import { nameUnlabeled } from "../words.ts";
import type { Result } from "./use-scoring-worker.ts";

/** A picture of the page. */
export interface Tried {
  readonly id: number;
  readonly name: string;
  readonly url: string;
}

/** The picture, and under it each of its faces by its number. */
export function TryCard({ item, result }: { readonly item: Tried; readonly result: Result | null }): ReactNode {
  const records: readonly ScoreRecord[] = result?.kind === "scored" ? result.records : [];
  const isCrowd = records.length > 1;
  return (
    <li className={`card try ${isCrowd ? "crowd" : ""}`}>
      <Picture src={item.url} alt={item.name} faces={records} />
      <div className="try-text">
        <p className="face-name">{item.name}</p>
        {result === null && <p className="quiet">Scoring …</p>}
        {result?.kind === "failed" && <p className="finding">{result.message}</p>}
        <div className="try-faces">
          {records.map((record, index) => (
            <div
              key={record.id}
              data-probabilities={
                record.probabilities === null ? undefined : Object.values(record.probabilities).join(" ")
              }
            >
              <h2>
                <span className="label">
                  {isCrowd && <span className="face-number">{index + 1}</span>}
                  {record.label !== null && <i className={`dot ${hueOf(record.label)}`} />}
                  {record.label ?? nameUnlabeled(record)}
                </span>{" "}
                {record.probabilities !== null && (
                  <small>{formatPercent(Math.max(...Object.values(record.probabilities)), 0)}</small>
                )}
              </h2>
              {record.error !== null && <p className="finding">{describeReason(record.error.code)}</p>}
              <Chances record={record} />
            </div>
          ))}
        </div>
        {result?.kind === "scored" && (
          <p className="quiet note">
            {result.totalMs.toFixed(0)} ms; the network {result.networkMs.toFixed(1)} ms
          </p>
        )}
      </div>
    </li>
  );
}
