/** Where a reader is in the sample, as plain values: which face is shown, what was answered, and what waits to be sent. */

import { LABELS } from "../../../src/model/labels.ts";
import type { Answer } from "../../../src/scoring/review/answers.ts";
import type { GivenAnswer, ReaderFace } from "../../../src/scoring/review/review-desk.ts";

/** A reading under way. */
export interface Reading {
  readonly faces: readonly ReaderFace[];
  /** Index of the face that is shown; the number of faces when all are answered. */
  readonly position: number;
  /** Positions that were answered since the page was opened, the last one last: what undo takes back. */
  readonly past: readonly number[];
  /** Answers that the server does not have yet, in order. */
  readonly waiting: readonly GivenAnswer[];
  /** Seconds of the answers of this sitting. */
  readonly paces: readonly number[];
}

const isOpen = ({ answer }: ReaderFace): boolean => answer === null;

function findOpen(faces: readonly ReaderFace[]): number {
  const open = faces.findIndex(isOpen);
  return open === -1 ? faces.length : open;
}

/** A reading from the server's list, with what an earlier visit could not send. */
export function beginReading(faces: readonly ReaderFace[], waiting: readonly GivenAnswer[]): Reading {
  const known = new Set(faces.map(({ at }) => at));
  const kept = waiting.filter(({ at }) => known.has(at));
  const answered = kept.reduce(setAnswer, faces);
  return { faces: answered, position: findOpen(answered), past: [], waiting: kept, paces: [] };
}

function setAnswer(faces: readonly ReaderFace[], { at, label }: GivenAnswer): readonly ReaderFace[] {
  return faces.map((face) => (face.at === at ? { ...face, answer: label === "undone" ? null : label } : face));
}

/** The answer to the face that is shown; the next open face is shown then. */
export function answerFace(reading: Reading, label: Exclude<Answer, "undone">, seconds: number): Reading {
  const face = reading.faces[reading.position];
  if (face === undefined) return reading;
  const given = { at: face.at, label, seconds };
  const faces = setAnswer(reading.faces, given);
  return {
    faces,
    position: findOpen(faces),
    past: [...reading.past, reading.position],
    waiting: [...reading.waiting, given],
    paces: [...reading.paces, seconds],
  };
}

/** Withdraws the last answer of this sitting and shows its face again; does nothing without one. */
export function undoAnswer(reading: Reading): Reading {
  const position = reading.past.at(-1);
  const face = position === undefined ? undefined : reading.faces[position];
  if (position === undefined || face === undefined) return reading;
  const given = { at: face.at, label: "undone" as const, seconds: 0 };
  return {
    faces: setAnswer(reading.faces, given),
    position,
    past: reading.past.slice(0, -1),
    waiting: [...reading.waiting, given],
    paces: reading.paces.slice(0, -1),
  };
}

/** After the first `count` waiting answers were stored. */
export function noteSent(reading: Reading, count: number): Reading {
  return { ...reading, waiting: reading.waiting.slice(count) };
}

/** Answered faces. */
export function countAnswered({ faces }: Reading): number {
  return faces.filter((face) => !isOpen(face)).length;
}

/** The next faces to load beforehand, the one that is shown among them. */
export function listUpcoming(reading: Reading, count: number): readonly ReaderFace[] {
  return reading.faces.slice(reading.position).filter(isOpen).slice(0, count);
}

/** Median seconds per face; `null` before three have been answered. */
export function computePace({ paces }: Reading): number | null {
  if (paces.length < 3) return null;
  const sorted = [...paces].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

/** The answer that a key stands for: 1 to 9 the first labels in their order, 0 for "cannot say"; `null` for other keys. */
export function readKey(key: string, labels: readonly string[] = LABELS): Exclude<Answer, "undone"> | null {
  if (key === "0") return "cannot say";
  return /^[1-9]$/.test(key) ? (labels[Number(key) - 1] ?? null) : null;
}
