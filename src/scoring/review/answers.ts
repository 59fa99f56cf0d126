/** What readers said about the faces of a sample. Lines are only ever added: a reader's last one for a face counts. */

import { LABELS, type Label } from "../../model/labels.ts";
import type { StratumKey } from "./sample-design.ts";

/** What a reader says beside a label: that none can be given, or that the previous answer is withdrawn. No label of a model may be called so. */
export const OTHER_ANSWERS = ["cannot say", "undone"] as const;

/** What a reader says: one of the model's labels, or one of {@link OTHER_ANSWERS}. */
export type Answer = string;

/** All that a reader may say. */
export function listAnswers(labels: readonly Label[] = LABELS): readonly Answer[] {
  return [...labels, ...OTHER_ANSWERS];
}

/** One line of `reviews.jsonl`. */
export interface ReviewLine {
  /** 0-based position of the face in the sample. */
  readonly at: number;
  /** Id and key of its record. */
  readonly id: string;
  readonly key: string;
  readonly reader: string;
  readonly label: Answer;
  /** ISO 8601 in UTC, by the server's clock. */
  readonly time: string;
  /** Seconds for which the picture was shown, as the reader's page measured them. */
  readonly seconds: number;
}

/** A face of the sample with what the model said about it. */
export interface ReviewedFace {
  /** Index of its stratum. */
  readonly stratum: number;
  /** In label order. */
  readonly probabilities: readonly number[];
}

/** A stratum as the figures need it. */
export interface ReviewStratum {
  readonly key: StratumKey;
  readonly population: number;
  /** Sums of the probabilities over all its faces. */
  readonly probabilities: readonly number[];
}

/** Answers of one face by reader. `null`: cannot say. */
export type FaceAnswers = ReadonlyMap<string, Label | null>;

/** The answers that count, by position in the sample. */
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

/** What the readers say about one face: a share per label, which sum to 1; `null` if none could give a label. */
export function averageAnswers(answers: FaceAnswers | undefined, labels: readonly Label[] = LABELS): number[] | null {
  const given = [...(answers?.values() ?? [])].filter((label) => label !== null);
  if (given.length === 0) return null;
  return labels.map((label) => given.filter((one) => one === label).length / given.length);
}
