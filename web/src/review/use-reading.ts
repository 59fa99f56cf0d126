/** A reading connected to its server: pictures are loaded ahead, answers are sent as they come, and kept on this machine without a network. */

import { useCallback, useEffect, useRef, useState } from "react";
import { createReviewApi } from "../../../src/client/review-api.ts";
import type { ScoringError } from "../../../src/errors.ts";
import type { Answer } from "../../../src/scoring/review/answers.ts";
import type { GivenAnswer } from "../../../src/scoring/review/review-desk.ts";
import { api, noteSignedOut } from "../api.ts";
import { patiently } from "../patiently.ts";
import { answerFace, beginReading, listUpcoming, noteSent, type Reading, undoAnswer } from "./reading.ts";

const reviews = createReviewApi(api);

/** Pictures that are loaded ahead: some minutes of reading without a network. */
const AHEAD = 24;
/** Pictures that are held, those ahead and some to go back to. */
const KEPT = 48;
/** Answers of one request; the server takes 200. */
const BATCH = 50;
/** A little while for more answers to come along in one request. */
const GATHER_MS = 800;

const storageName = (jobId: string, reader: string | null): string => `countenance:review:${jobId}:${reader ?? ""}`;

function readWaiting(name: string): readonly GivenAnswer[] {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this page only
    return JSON.parse(window.localStorage.getItem(name) ?? "[]") as GivenAnswer[];
  } catch {
    return [];
  }
}

function keepWaiting(name: string, waiting: readonly GivenAnswer[]): void {
  try {
    if (waiting.length === 0) window.localStorage.removeItem(name);
    else window.localStorage.setItem(name, JSON.stringify(waiting));
  } catch {
    // Without storage the answers last as long as the page.
  }
}

/** What the page shows. */
export interface OpenReading {
  readonly reading: Reading | null;
  /** The labels that a face may get. */
  readonly labels: readonly string[];
  /** Address of the picture that is shown; `null` while it loads, `"gone"` if it cannot be loaded. */
  readonly picture: string | null;
  /** Why answers wait or the list does not come; `null` where nothing does. */
  readonly trouble: ScoringError | null;
  readonly answer: (label: Exclude<Answer, "undone">) => void;
  readonly undo: () => void;
}

/** Opens a reading. */
export function useReading(jobId: string, reader: string | null): OpenReading {
  const name = storageName(jobId, reader);
  const [reading, setReading] = useState<Reading | null>(null);
  const [labels, setLabels] = useState<readonly string[]>([]);
  const [trouble, setTrouble] = useState<ScoringError | null>(null);
  const [pictures, setPictures] = useState<ReadonlyMap<number, string>>(new Map());
  const shownAt = useRef(0);

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    patiently(() => reviews.listFaces(jobId, reader, signal), signal, setTrouble).then(
      (list) => {
        setLabels(list.labels);
        return setReading(beginReading(list.faces, readWaiting(name)));
      },
      (thrown: unknown) => signal.aborted || setTrouble(noteSignedOut(thrown)),
    );
    return () => controller.abort();
  }, [jobId, reader, name]);

  const at = reading?.faces[reading.position]?.at ?? null;
  useEffect(() => {
    shownAt.current = performance.now();
  }, [at]);
  usePictures(jobId, reading, setPictures);
  useSending(jobId, reader, name, reading, setReading, setTrouble);

  const answer = useCallback((label: Exclude<Answer, "undone">) => {
    const seconds = Math.min(600, Math.round((performance.now() - shownAt.current) / 100) / 10);
    setReading((before) => (before === null ? null : answerFace(before, label, seconds)));
  }, []);
  const undo = useCallback(() => setReading((before) => (before === null ? null : undoAnswer(before))), []);
  return { reading, labels, picture: at === null ? null : (pictures.get(at) ?? null), trouble, answer, undo };
}

/** Loads the next pictures, one after the other, and lets go of those that lie behind. */
function usePictures(
  jobId: string,
  reading: Reading | null,
  show: (change: (before: ReadonlyMap<number, string>) => ReadonlyMap<number, string>) => void,
): void {
  const asked = useRef(new Set<number>());
  const wanted =
    reading === null
      ? ""
      : listUpcoming(reading, AHEAD)
          .map(({ at }) => at)
          .join(",");
  const loading = useRef<Promise<void>>(Promise.resolve());
  useEffect(() => {
    const load = async (at: number): Promise<void> => {
      let url: string;
      try {
        const { signal } = new AbortController();
        url = URL.createObjectURL(
          await patiently(
            () => reviews.readPicture(jobId, at, signal),
            signal,
            () => undefined,
          ),
        );
      } catch {
        url = "gone";
      }
      show((before) => {
        const next = new Map([...before, [at, url]]);
        const [oldest] = next;
        if (next.size > KEPT && oldest !== undefined) {
          next.delete(oldest[0]);
          asked.current.delete(oldest[0]);
          URL.revokeObjectURL(oldest[1]);
        }
        return next;
      });
    };
    for (const at of wanted === "" ? [] : wanted.split(",").map(Number)) {
      if (asked.current.has(at)) continue;
      asked.current.add(at);
      loading.current = loading.current.then(() => load(at));
    }
  }, [jobId, wanted, show]);
}

/** Sends what waits, in order; what cannot be sent is kept and tried again. */
function useSending(
  jobId: string,
  reader: string | null,
  name: string,
  reading: Reading | null,
  change: (change: (before: Reading | null) => Reading | null) => void,
  told: (trouble: ScoringError | null) => void,
): void {
  const waiting = reading?.waiting ?? null;
  const sending = useRef(false);
  useEffect(() => {
    if (waiting === null) return undefined;
    keepWaiting(name, waiting);
    if (waiting.length === 0 || sending.current) return undefined;
    const send = async (batch: readonly GivenAnswer[]): Promise<void> => {
      try {
        await patiently(() => reviews.answer(jobId, reader, batch), new AbortController().signal, told);
        // Whatever was answered meanwhile goes with the next request.
        sending.current = false;
        change((before) => (before === null ? null : noteSent(before, batch.length)));
      } catch (thrown) {
        told(noteSignedOut(thrown));
      }
    };
    const timer = setTimeout(() => {
      sending.current = true;
      void send(waiting.slice(0, BATCH)).finally(() => (sending.current = false));
    }, GATHER_MS);
    return () => clearTimeout(timer);
  }, [jobId, reader, name, waiting, change, told]);
}
