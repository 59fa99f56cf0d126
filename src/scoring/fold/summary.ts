/**
 * The fold of records into aggregates. A summary is plain JSON, and merging is associative and commutative exactly, so
 * chunks may arrive in any order and any part of a job can be folded anywhere. Counting a chunk only once is up to the
 * caller: key summaries by chunk id.
 */

import type { FaceMode } from "../records/face-mode.ts";
import { ScoringError } from "../../errors.ts";
import { LABELS } from "../../model/labels.ts";
import { LIMITS } from "../limits.ts";
import type { PipelineVersion, ScoreRecord } from "../records/records.ts";
import { type Examples, mergeExamples } from "./examples.ts";
import { boundGroup, type GroupSummary, mergeGroups } from "./summary-groups.ts";
import { createTallyBuilder, emptyTally, mergeTallies, type TallyBuilder, type TallySummary } from "./summary-tally.ts";
import { countsAsInput } from "../records/record-groups.ts";

/** What a job's summaries have in common. */
export interface SummaryOptions {
  /** Names of groups, at most `LIMITS.maxGroupBy`; order and repetition do not matter. */
  readonly groupBy?: readonly string[];
  /** The job's face mode: with `all` a picture gives one record per face, `id#0`, `id#1`, … */
  readonly faces?: FaceMode;
  /** Values of one group name that get figures of their own; default `LIMITS.maxGroupValues`. */
  readonly maxGroupValues?: number;
  /** The model's, in its order; default FER2013's. */
  readonly labels?: readonly string[];
}

/** Aggregates of a set of records. */
export interface ChunkSummary {
  readonly version: 1;
  /** `name@version` of the model and pipeline of all records; `null` in an empty summary. Summaries of two models or pipelines never merge. */
  readonly model: string | null;
  readonly pipeline: PipelineVersion | null;
  /** The model's labels; absent where they are FER2013's. */
  readonly labels?: readonly string[];
  readonly total: TallySummary;
  /** Sorted by key. */
  readonly groups: readonly GroupSummary[];
  readonly maxGroupValues: number;
  /** Faces of each label; only in jobs that show some. */
  readonly examples?: Examples;
}

/** The labels of a summary. */
export function namesOf({ labels }: Pick<ChunkSummary, "labels">): readonly string[] {
  return labels ?? LABELS;
}

function describeLabels(labels: readonly string[] = LABELS): Pick<ChunkSummary, "labels"> {
  return labels.join() === LABELS.join() ? {} : { labels };
}

function sortGroupKeys(options: SummaryOptions): string[] {
  const keys = [...new Set(options.groupBy)].sort();
  if (keys.length > LIMITS.maxGroupBy) {
    throw new ScoringError("validation_failed", `groupBy: at most ${LIMITS.maxGroupBy} names, not ${keys.length}`);
  }
  return keys;
}

/** The summary of no record: the identity of {@link mergeSummaries} for the same options. */
export function emptySummary(options: SummaryOptions): ChunkSummary {
  return {
    version: 1,
    model: null,
    pipeline: null,
    ...describeLabels(options.labels),
    total: emptyTally(options.labels?.length),
    groups: sortGroupKeys(options).map((key) => ({ key, values: [], absent: null, other: null })),
    maxGroupValues: options.maxGroupValues ?? LIMITS.maxGroupValues,
  };
}

/**
 * Folds records.
 * @throws ScoringError `internal` if records of two models or pipeline versions are mixed
 */
export function summarize(records: Iterable<ScoreRecord>, options: SummaryOptions): ChunkSummary {
  const empty = emptySummary(options);
  const total = createTallyBuilder(options.labels);
  const groups = empty.groups.map(({ key }) => ({
    key,
    values: new Map<string, TallyBuilder>(),
    absent: null as TallyBuilder | null,
    other: null as TallyBuilder | null,
  }));
  let model = empty.model;
  let pipeline = empty.pipeline;
  for (const record of records) {
    model = requireSame("model", model, record.model);
    pipeline = requireSame("pipeline", pipeline, record.pipeline);
    const isInput = countsAsInput(record, options.faces);
    total.add(record, isInput);
    for (const group of groups) {
      const value = Object.hasOwn(record.groups, group.key) ? record.groups[group.key] : undefined;
      if (value === undefined) (group.absent ??= createTallyBuilder(options.labels)).add(record, isInput);
      else if (value.length > LIMITS.maxGroupValueLength)
        (group.other ??= createTallyBuilder(options.labels)).add(record, isInput);
      else {
        const builder = group.values.get(value) ?? createTallyBuilder(options.labels);
        group.values.set(value, builder);
        builder.add(record, isInput);
      }
    }
  }
  return {
    ...empty,
    model,
    pipeline,
    total: total.build(),
    groups: groups.map((group) =>
      boundGroup(
        group.key,
        new Map([...group.values].map(([value, builder]) => [value, builder.build()])),
        group.absent?.build() ?? null,
        group.other?.build() ?? null,
        empty.maxGroupValues,
      ),
    ),
  };
}

/**
 * Sum of two summaries of one job.
 * @throws ScoringError `internal` if models, pipeline versions, group names or bounds differ
 */
export function mergeSummaries(a: ChunkSummary, b: ChunkSummary): ChunkSummary {
  const keys = (summary: ChunkSummary) => JSON.stringify(summary.groups.map(({ key }) => key));
  requireSame("group names", keys(a), keys(b));
  requireSame("labels", namesOf(a).join(), namesOf(b).join());
  const maxGroupValues = requireSame("group bound", a.maxGroupValues, b.maxGroupValues);
  return {
    version: 1,
    model: requireSame("model", a.model, b.model),
    pipeline: requireSame("pipeline", a.pipeline, b.pipeline),
    ...describeLabels(namesOf(a)),
    total: mergeTallies(a.total, b.total),
    groups: a.groups.map((group, index) => mergeGroups(group, b.groups[index] ?? group, maxGroupValues)),
    maxGroupValues,
    ...describeExamples(a.examples, b.examples),
  };
}

function describeExamples(a: Examples | undefined, b: Examples | undefined): Pick<ChunkSummary, "examples"> {
  const examples = a === undefined || b === undefined ? (a ?? b) : mergeExamples(a, b);
  return examples === undefined ? {} : { examples };
}

/** The one of two values that is set; they must not differ. */
function requireSame<T>(what: string, a: T, b: T): T {
  if (a === null || a === b) return b;
  if (b === null) return a;
  throw new ScoringError("internal", `summaries of two jobs: ${what} ${String(a)} and ${String(b)}`);
}
