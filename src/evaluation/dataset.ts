/** Labeled faces of a data set, as one model takes them. */

import { ScoringError } from "../errors.ts";
import type { PixelForm } from "../image/preprocess.ts";
import { countInputBytes, GRAY_48 } from "../model/input-form.ts";
import { LABELS, type Label } from "../model/labels.ts";
import { LIMITS } from "../scoring/limits.ts";

/** An input that could not be read, with the code of the error table. */
export interface FailedInput {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

/** Labeled faces as the engines take them. */
export interface Dataset {
  /** For instance "FER2013 PublicTest". */
  readonly name: string;
  readonly count: number;
  /** Of each face as many bytes as the model's input has: rows of pixels, channels together. */
  readonly pixels: Uint8Array;
  /** `count` indices of the model's labels. */
  readonly truth: Uint8Array;
  readonly failed: readonly FailedInput[];
  /** Folders beside those of the classes that name no label of the model: not counted. */
  readonly unknown: readonly string[];
}

/** What to read of a data set, and for which model. */
export interface DatasetOptions {
  /** FER2013's usage: Training, PublicTest, PrivateTest or all. */
  readonly usage: string;
  /** At most this many faces. */
  readonly limit: number;
  /** The model's, in its order; the seven of every shipped model by default. */
  readonly labels?: readonly Label[];
  /** The model's input; 48×48 gray by default. */
  readonly input?: PixelForm;
}

/** Names that data sets use for one class. */
const SYNONYMS: readonly (readonly string[])[] = [
  ["angry", "anger"],
  ["disgust", "disgusted"],
  ["fear", "fearful", "afraid"],
  ["happy", "happiness", "joy"],
  ["sad", "sadness"],
  ["surprise", "surprised"],
  ["neutral", "neutrality"],
];

const splitWords = (name: string): string[] => name.toLowerCase().split(/[^\p{L}\p{N}]+/u);

/**
 * The label that a data set's name of a class means: the label itself, one of its words with others around it
 * (`3_happy`), another name of the seven expressions (`Happiness`), or the number of a label.
 * @returns its index; −1 for none
 */
export function matchLabel(name: string, labels: readonly Label[] = LABELS): number {
  const exact = labels.findIndex((label) => splitWords(label).join(" ") === splitWords(name).join(" "));
  if (exact >= 0) return exact;
  const words = splitWords(name);
  const others = (label: Label): readonly string[] =>
    SYNONYMS.find((names) => names.includes(label.toLowerCase())) ?? splitWords(label);
  const isOne = (label: Label): boolean => splitWords(label).length === 1;
  const byWord = labels.findIndex((label) => isOne(label) && others(label).some((other) => words.includes(other)));
  if (byWord >= 0) return byWord;
  return /^\d{1,2}$/.test(name) && Number(name) < labels.length ? Number(name) : -1;
}

/** Collects faces, since their number is not known before the end. */
export function createCollector({ input = GRAY_48 }: Pick<DatasetOptions, "input">): {
  /** @throws ScoringError `validation_failed` where all faces together would not fit into memory */
  add(face: Uint8Array, label: number): void;
  count(): number;
  /** @throws ScoringError `validation_failed` if there is no face */
  finish(name: string, rest?: Partial<Pick<Dataset, "failed" | "unknown">>): Dataset;
} {
  const each = countInputBytes(input);
  const faces: Uint8Array[] = [];
  const truth: number[] = [];
  return {
    add(face, label) {
      if ((faces.length + 1) * each > LIMITS.maxEvaluationBytes) {
        throw new ScoringError(
          "validation_failed",
          `${faces.length + 1} faces of ${input.size}×${input.size} ${input.color} take more than ${LIMITS.maxEvaluationBytes} bytes: take fewer of them`,
        );
      }
      faces.push(face);
      truth.push(label);
    },
    count: () => faces.length,
    finish(name, { failed = [], unknown = [] } = {}) {
      if (faces.length === 0) throw new ScoringError("validation_failed", `${name}: no faces`);
      const pixels = new Uint8Array(faces.length * each);
      faces.forEach((face, index) => pixels.set(face, index * each));
      return { name, count: faces.length, pixels, truth: Uint8Array.from(truth), failed, unknown };
    },
  };
}
