/** Faces with answers, by stratum; strata with too few answers join a neighbor. */

import { LABELS } from "../../model/labels.ts";
import type { SampledStratum } from "../statistics/stratified.ts";
import { averageAnswers, type FaceAnswers, type ReviewedFace, type ReviewStratum } from "./answers.ts";

/** A face with an answer. */
export interface AnsweredFace {
  readonly probabilities: readonly number[];
  /** Share of each label among its readers' answers. */
  readonly truth: readonly number[];
}

/** One or more strata with their answered faces. */
export interface AnsweredStratum {
  /** Predicted label, index in label order. */
  readonly label: number;
  readonly group: string | null;
  readonly population: number;
  readonly probabilities: readonly number[];
  readonly faces: readonly AnsweredFace[];
}

/** Answers that a stratum needs: a variance takes two. */
const NEEDED = 2;

const lacks = ({ population, faces }: AnsweredStratum): number =>
  Math.max(0, Math.min(population, NEEDED) - faces.length);

/**
 * The strata with their answers. Margin bands of one label and group with fewer than two answers join their neighbor: its
 * faces then stand for both.
 * @returns `missing`: answers without which there can be no figures; 0 if there are enough
 */
export function gatherAnswers(
  strata: readonly ReviewStratum[],
  faces: readonly ReviewedFace[],
  answers: ReadonlyMap<number, FaceAnswers>,
  labels: readonly string[] = LABELS,
): { readonly strata: readonly AnsweredStratum[]; readonly missing: number } {
  const answered: AnsweredFace[][] = strata.map(() => []);
  for (const [at, { stratum, probabilities }] of faces.entries()) {
    const truth = averageAnswers(answers.get(at), labels);
    if (truth !== null) answered[stratum]?.push({ probabilities, truth });
  }
  const families = new Map<string, AnsweredStratum[]>();
  for (const [index, { key, population, probabilities }] of strata.entries()) {
    if (population === 0) continue;
    const name = JSON.stringify([key.label, key.group]);
    const family = families.get(name) ?? [];
    const { label, group } = key;
    family.push({ label, group, population, probabilities, faces: answered[index] ?? [] });
    families.set(name, family);
  }
  const joined = [...families.values()].flatMap(joinNeighbors);
  return { strata: joined, missing: joined.reduce((sum, stratum) => sum + lacks(stratum), 0) };
}

/** Bands from the least to the most sure, those that lack answers joined to the next one, or at the end to the one before. */
function joinNeighbors(family: readonly AnsweredStratum[]): AnsweredStratum[] {
  const joined: AnsweredStratum[] = [];
  for (const stratum of family) {
    const last = joined.at(-1);
    if (last !== undefined && (lacks(last) > 0 || lacks(stratum) > 0)) joined[joined.length - 1] = join(last, stratum);
    else joined.push(stratum);
  }
  return joined;
}

function join(a: AnsweredStratum, b: AnsweredStratum): AnsweredStratum {
  return {
    label: a.label,
    group: a.group,
    population: a.population + b.population,
    probabilities: a.probabilities.map((sum, label) => sum + (b.probabilities[label] ?? 0)),
    faces: [...a.faces, ...b.faces],
  };
}

/** The strata as a sample of how often a label is true, with the model's probability of it as the prediction. */
export function sampleLabel(strata: readonly AnsweredStratum[], label: number): SampledStratum[] {
  return strata.map(({ population, probabilities, faces }) => ({
    population,
    meanPrediction: (probabilities[label] ?? 0) / population,
    values: faces.map(({ truth }) => truth[label] ?? 0),
    predictions: faces.map((face) => face.probabilities[label] ?? 0),
  }));
}

/** The strata as a sample of how often the model's label is true. */
export function sampleHits(strata: readonly AnsweredStratum[]): SampledStratum[] {
  return strata.flatMap((stratum) => sampleLabel([stratum], Math.min(stratum.probabilities.length - 1, stratum.label)));
}
