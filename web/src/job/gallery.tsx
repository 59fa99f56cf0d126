/** Every picture of a job with its face, label and probabilities; only what is on the screen is in the page. */

import { type ReactNode, useCallback, useEffect, useMemo, useState } from "react";
import {
  type LabelPosition,
  LABELS_START,
  type PlacedRecord,
  readLabelWindow,
} from "../../../src/client/label-reader.ts";
import type { ScoringError } from "../../../src/errors.ts";
import { LABELS } from "../../../src/model/labels.ts";
import { OUTCOMES } from "../../../src/scoring/records/records.ts";
import { formatCount, formatNumber, formatPercent } from "../../../src/scoring/report/report-format.ts";
import { api, noteSignedOut, patiently } from "../api.ts";
import { Failure } from "../parts.tsx";
import { setQuery } from "../route.ts";
import { OUTCOME_WORDS } from "../words.ts";
import { listGroups, parseFilters, selectRecords } from "./filters.ts";
import { Sheet } from "./face-sheet.tsx";
import { Viewer } from "./picture-viewer.tsx";

/** Read without being asked; more comes by a button, so that a job of millions does not fill the page. */
const FIRST_RECORDS = 10_000;
const MORE_RECORDS = 50_000;
const MAX_GROUPS = 200;

/** The gallery of one ended job. */
export function Gallery({ id, query }: { readonly id: string; readonly query: URLSearchParams }): ReactNode {
  const { records, next, share, error, readMore, canReadMore } = useRecords(id);
  const text = query.toString();
  const filters = useMemo(() => parseFilters(new URLSearchParams(text)), [text]);
  const shown = useMemo(() => selectRecords(records, filters), [records, filters]);
  const groups = useMemo(() => listGroups(records, MAX_GROUPS), [records]);
  const hasTruth = useMemo(() => records.some(({ record }) => record.truth !== null), [records]);
  const [open, setOpen] = useState<number | null>(null);
  if (error?.code === "not_found") {
    return (
      <p className="card">
        Pictures are shown from <code>labels.jsonl</code>, which this job did not write: its labels were asked for in
        other formats. They are among its files.
      </p>
    );
  }
  return (
    <>
      <section className="card filters" aria-label="Filters">
        <Choice name="Label" query="label" value={filters.label} values={LABELS.map((label) => [label, label])} />
        <Choice
          name="Outcome"
          query="outcome"
          value={filters.outcome}
          values={OUTCOMES.map((outcome) => [outcome, OUTCOME_WORDS[outcome]])}
        />
        {groups.length > 0 && (
          <Choice name="Group" query="group" value={filters.group} values={groups.map((group) => [group, group])} />
        )}
        <Choice
          name="Order"
          query="sort"
          value={filters.sort === "input" ? null : filters.sort}
          all="as listed"
          values={[
            ["margin", "least certain first"],
            ["surest", "most certain first"],
          ]}
        />
        <label className="field">
          <span className="name">Margin up to {formatNumber(filters.maxMargin ?? 1)}</span>
          <input
            type="range"
            min="0"
            max="1"
            step="0.05"
            value={filters.maxMargin ?? 1}
            onChange={(event) => setQuery("margin", event.target.value === "1" ? null : event.target.value)}
          />
        </label>
        {hasTruth && (
          <label className="check">
            <input
              type="checkbox"
              checked={filters.wrong}
              onChange={(event) => setQuery("wrong", event.target.checked ? "1" : null)}
            />
            Only wrong ones
          </label>
        )}
      </section>
      {error !== null && <Failure error={error} />}
      <p className="quiet" role="status">
        {formatCount(shown.length)} of {formatCount(records.length)} records
        {next !== null && ` (${formatPercent(share, 0)} of the job read)`}{" "}
        {canReadMore && (
          <button type="button" onClick={readMore}>
            Read more
          </button>
        )}
      </p>
      <Sheet id={id} records={shown} open={setOpen} />
      {open !== null && shown[open] !== undefined && (
        <Viewer
          id={id}
          placed={shown[open]}
          move={(step) => setOpen(Math.min(shown.length - 1, Math.max(0, open + step)))}
          close={() => setOpen(null)}
        />
      )}
    </>
  );
}

function Choice(props: {
  readonly name: string;
  readonly query: string;
  readonly value: string | null;
  readonly values: readonly (readonly [string, string])[];
  readonly all?: string;
}): ReactNode {
  return (
    <label className="field">
      <span className="name">{props.name}</span>
      <select value={props.value ?? ""} onChange={(event) => setQuery(props.query, event.target.value)}>
        <option value="">{props.all ?? "all"}</option>
        {props.values.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Reads window after window up to a goal that the reader can raise. */
function useRecords(id: string) {
  const [records, setRecords] = useState<readonly PlacedRecord[]>([]);
  const [next, setNext] = useState<LabelPosition | null>(LABELS_START);
  const [total, setTotal] = useState(0);
  const [goal, setGoal] = useState(FIRST_RECORDS);
  const [error, setError] = useState<ScoringError | null>(null);
  const count = records.length;
  useEffect(() => {
    if (next === null || count >= goal) return undefined;
    const controller = new AbortController();
    const read = async (position: LabelPosition): Promise<void> => {
      try {
        const { signal } = controller;
        const window = await patiently(() => readLabelWindow(api, id, position, signal), signal, setError);
        setRecords((before) => [...before, ...window.records]);
        setNext(window.next);
        setTotal(window.total);
      } catch (thrown) {
        if (controller.signal.aborted) return;
        setError(noteSignedOut(thrown));
      }
    };
    void read(next);
    return () => controller.abort();
  }, [id, next, count, goal]);
  const readMore = useCallback(() => setGoal((before) => before + MORE_RECORDS), []);
  const share = total === 0 ? 0 : (next?.offset ?? total) / total;
  return { records, next, share, error, readMore, canReadMore: next !== null && count >= goal };
}
