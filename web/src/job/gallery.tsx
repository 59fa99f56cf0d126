/** Every picture of a job with its face, label and probabilities; only what is on the screen is in the page. */

import { type ReactNode, useCallback, useEffect, useMemo, useState } from "react";
import {
  type LabelPosition,
  type PlacedRecord,
  readLabelWindow,
  startLabels,
} from "../../../src/client/label-reader.ts";
import type { ScoringError } from "../../../src/errors.ts";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { formatCount, formatPercent } from "../../../src/scoring/report/report-format.ts";
import { api, noteSignedOut } from "../api.ts";
import { patiently } from "../patiently.ts";
import { Failure, Skeleton } from "../parts.tsx";
import { setQuery } from "../route.ts";
import { FilterBar } from "./filter-bar.tsx";
import { countChoices, countWrong, listGroups, parseFilters, selectRecords } from "./filters.ts";
import { Sheet } from "./face-sheet.tsx";
import { findFlip } from "./flips.ts";
import { useEarlier } from "./use-earlier.ts";
import { Viewer } from "./picture-viewer.tsx";

/** Read without being asked; more comes by a button, so that a job of millions does not fill the page. */
const FIRST_RECORDS = 10_000;
const MORE_RECORDS = 50_000;
const MAX_GROUPS = 200;

/** The gallery of one ended job. */
export function Gallery({ job, query }: { readonly job: JobView; readonly query: URLSearchParams }): ReactNode {
  const { id } = job;
  const { records, next, share, error, readMore, canReadMore } = useRecords(job);
  const text = query.toString();
  const filters = useMemo(() => parseFilters(new URLSearchParams(text)), [text]);
  const before = useEarlier(filters.flips);
  const { earlier } = before;
  const shown = useMemo(() => selectRecords(records, filters, earlier), [records, filters, earlier]);
  const groups = useMemo(() => listGroups(records, MAX_GROUPS), [records]);
  const hasTruth = useMemo(() => records.some(({ record }) => record.truth !== null), [records]);
  const choices = useMemo(() => countChoices(records, filters, earlier), [records, filters, earlier]);
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
      <FilterBar
        filters={filters}
        choices={choices}
        groups={groups}
        hasTruth={hasTruth}
        wrong={hasTruth ? countWrong(records) : 0}
      />
      {error !== null && <Failure error={error} />}
      {before.error !== null && <Failure error={before.error} />}
      {filters.flips !== null && before.error === null && <FlipNote other={filters.flips} isRead={earlier !== null} />}
      <p className="quiet" role="status">
        {formatCount(shown.length)} of {formatCount(records.length)} records
        {next !== null && ` (${formatPercent(share, 0)} of the job read)`}{" "}
        {canReadMore && (
          <button type="button" onClick={readMore}>
            Read more
          </button>
        )}
      </p>
      {records.length === 0 && next !== null && error === null && <Skeleton rows={3} words="Loading the pictures" />}
      <Sheet id={id} records={shown} earlier={earlier} choice={text} open={setOpen} />
      {open !== null && shown[open] !== undefined && (
        <Viewer
          id={id}
          placed={shown[open]}
          was={findFlip(shown[open].record, earlier)}
          move={(step) => setOpen(Math.min(shown.length - 1, Math.max(0, open + step)))}
          close={() => setOpen(null)}
        />
      )}
    </>
  );
}

/** Which records are shown, and the way back to all. */
function FlipNote({ other, isRead }: { readonly other: string; readonly isRead: boolean }): ReactNode {
  return (
    <p className="quiet" role="status">
      {isRead ? "Only faces that another run labels differently: " : "Reading the labels of another run: "}
      <a href={`#/jobs/${other}`}>{other}</a>.{" "}
      <button type="button" onClick={() => setQuery("flips", null)}>
        Show all
      </button>
    </p>
  );
}

/** Reads window after window up to a goal that the reader can raise. */
function useRecords(job: JobView) {
  const { id } = job;
  const [records, setRecords] = useState<readonly PlacedRecord[]>([]);
  const [next, setNext] = useState<LabelPosition | null>(() => startLabels(job));
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
