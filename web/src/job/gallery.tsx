/** Every picture of a job with its face, label and probabilities; only what is on the screen is in the page. */

import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
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
import { describeReason } from "../../../src/scoring/report/reason-words.ts";
import { api, noteSignedOut, patiently } from "../api.ts";
import { Failure } from "../parts.tsx";
import { setQuery } from "../route.ts";
import { OUTCOME_WORDS } from "../words.ts";
import { listGroups, parseFilters, selectRecords } from "./filters.ts";
import { Chances } from "./picture.tsx";
import { RecordPicture } from "./record-picture.tsx";

/** Read without being asked; more comes by a button, so that a job of millions does not fill the page. */
const FIRST_RECORDS = 10_000;
const MORE_RECORDS = 50_000;
const CARD_WIDTH = 210;
const CARD_HEIGHT = 286;
const GAP = 12;
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

function Sheet(props: {
  readonly id: string;
  readonly records: readonly PlacedRecord[];
  readonly open: (index: number) => void;
}): ReactNode {
  const holder = useRef<HTMLDivElement>(null);
  const [layout, setLayout] = useState({ columns: 1, top: 0 });
  useEffect(() => {
    const element = holder.current;
    if (element === null) return undefined;
    const measure = (): void => {
      const columns = Math.max(2, Math.floor((element.clientWidth + GAP) / (CARD_WIDTH + GAP)));
      setLayout({ columns, top: element.getBoundingClientRect().top + window.scrollY });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  const rows = Math.ceil(props.records.length / layout.columns);
  const virtualizer = useWindowVirtualizer({
    count: rows,
    estimateSize: () => CARD_HEIGHT + GAP,
    overscan: 3,
    scrollMargin: layout.top,
  });
  return (
    <div
      ref={holder}
      className="sheet"
      style={{ height: virtualizer.getTotalSize() }}
      role="list"
      aria-label="Pictures"
    >
      {virtualizer.getVirtualItems().flatMap((row) =>
        Array.from({ length: layout.columns }, (_, column) => {
          const index = row.index * layout.columns + column;
          const placed = props.records[index];
          if (placed === undefined) return null;
          return (
            <div
              // Two inputs of a list may have one id.
              key={placed.offset}
              role="listitem"
              aria-setsize={props.records.length}
              aria-posinset={index + 1}
              className="cell"
              style={{
                transform: `translateY(${row.start - virtualizer.options.scrollMargin}px)`,
                left: `calc((100% + ${GAP}px) / ${layout.columns} * ${column})`,
                width: `calc((100% + ${GAP}px) / ${layout.columns} - ${GAP}px)`,
                height: CARD_HEIGHT,
              }}
            >
              <FaceCard id={props.id} placed={placed} open={() => props.open(index)} />
            </div>
          );
        }),
      )}
    </div>
  );
}

function FaceCard(props: { readonly id: string; readonly placed: PlacedRecord; readonly open: () => void }): ReactNode {
  const { record } = props.placed;
  return (
    <button type="button" className="face" onClick={props.open}>
      <RecordPicture id={props.id} placed={props.placed} alt="" lazy />
      <span className="face-title">
        <b className={record.label === null ? "bad" : ""}>{record.label ?? OUTCOME_WORDS[record.status]}</b>
        {record.probabilities !== null && <span>{formatPercent(Math.max(...record.probabilities), 0)}</span>}
      </span>
      {record.probabilities !== null && (
        <span className="mini" aria-hidden="true">
          {record.probabilities.map((chance, index) => (
            <span
              key={LABELS[index]}
              className={LABELS[index] === record.label ? "top" : ""}
              style={{ height: `${Math.max(4, 100 * chance)}%` }}
            />
          ))}
        </span>
      )}
      <span className="face-name">
        {record.error === null ? record.id.split("/").at(-1) : describeReason(record.error.code)}
        {record.truth !== null && ` · true: ${record.truth}`}
      </span>
    </button>
  );
}

function Viewer(props: {
  readonly id: string;
  readonly placed: PlacedRecord;
  readonly move: (step: number) => void;
  readonly close: () => void;
}): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const { record } = props.placed;
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className="viewer"
      aria-label={record.id}
      onClose={props.close}
      onKeyDown={(event) => {
        if (event.key === "ArrowRight") props.move(1);
        if (event.key === "ArrowLeft") props.move(-1);
      }}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current.close();
      }}
    >
      <div className="viewer-body">
        <RecordPicture key={props.placed.offset} id={props.id} placed={props.placed} alt={record.id} />
        <div className="viewer-text">
          <h2>{record.label ?? OUTCOME_WORDS[record.status]}</h2>
          <p className="quiet">apparent facial expression</p>
          <Chances record={record} />
          <ul className="legend">
            {record.face !== null && record.face.score !== null && (
              <li>
                <i className="key-box" /> face, {formatPercent(record.face.score, 0)} sure
              </li>
            )}
            {record.face !== null && record.face.theta !== null && (
              <li>
                <i className="key-region" /> what the spatial transformer reads
              </li>
            )}
          </ul>
          <dl className="pairs">
            <dt>Record</dt>
            <dd>{record.id}</dd>
            {record.margin !== null && (
              <>
                <dt>Margin</dt>
                <dd>{formatNumber(record.margin)}</dd>
              </>
            )}
            {record.truth !== null && (
              <>
                <dt>True label</dt>
                <dd>{record.truth}</dd>
              </>
            )}
            {Object.entries(record.groups).map(([name, value]) => (
              <div key={name} className="pair">
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
            {record.error !== null && (
              <>
                <dt>Error</dt>
                <dd>{record.error.message}</dd>
              </>
            )}
          </dl>
          <div className="row">
            <button type="button" onClick={() => props.move(-1)}>
              ← Previous
            </button>
            <button type="button" onClick={() => props.move(1)}>
              Next →
            </button>
            <button type="button" className="primary" onClick={() => dialog.current?.close()}>
              Close
            </button>
          </div>
        </div>
      </div>
    </dialog>
  );
}
