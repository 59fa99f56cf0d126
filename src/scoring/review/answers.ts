/** What readers said of the faces of a sample. Lines are only ever added: the last one of a reader for a face holds. */

import { LABELS, type Label } from "../../model/labels.ts";
import type { StratumKey } from "./sample-design.ts";

/** What a reader says: a label, that none can be told, or that the answer before is taken back. */
export const ANSWERS = [...LABELS, "cannot say", "undone"] as const;

export type Answer = (typeof ANSWERS)[number];

/** One line of `reviews.jsonl`. */
export interface ReviewLine {
  /** 0-based place of the face in the sample. */
  readonly at: number;
  /** Id and key of its record. */
  readonly id: string;
  readonly key: string;
  readonly reader: string;
  readonly label: Answer;
  /** ISO 8601 in UTC, by the server's clock. */
  readonly time: string;
  /** Seconds that the picture was looked at, as the reader's page measured them. */
  readonly seconds: number;
}

/** A face of the sample with what the model said of it. */
export interface ReviewedFace {
  /** Index of its stratum. */
  readonly stratum: number;
  /** Seven, in label order. */
  readonly probabilities: readonly number[];
}

/** A stratum as the figures need it. */
export interface ReviewStratum {
  readonly key: StratumKey;
  readonly population: number;
  /** Sums of the seven probabilities over all its faces. */
  readonly probabilities: readonly number[];
}

/** Answers of one face by reader. `null`: cannot say. */
export type FaceAnswers = ReadonlyMap<string, Label | null>;

/** The answers that hold, by place in the sample. */
export function readAnswers(lines: Iterable<ReviewLine>): ReadonlyMap<number, FaceAnswers> {
  const faces = new Map<number, Map<string, Label | null>>();
  for (const { at, reader, label } of lines) {
    const answers = faces.get(at) ?? new Map<string, Label | null>();
    if (label === "undone") answers.delete(reader);
    else answers.set(reader, label === "cannot say" ? null : label);
    faces.set(at, answers);
  }
  for (const [at, answers] of faces) if (answers.size === 0) faces.delete(at);
  return faces;
}

/** What the readers say of one face: a share of each label, all of them 1 together; `null` where none could tell. */
export function averageAnswers(answers: FaceAnswers | undefined): number[] | null {
  const given = [...(answers?.values() ?? [])].filter((label) => label !== null);
  if (given.length === 0) return null;
  return LABELS.map((label) => given.filter((one) => one === label).length / given.length);
}
