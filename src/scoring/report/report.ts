/** `report.json`: the aggregates of a job with their denominators, intervals, provenance and the notice. */

import { FACE_FINDER, FACE_RECALL } from "../../model/face-levels.ts";
import type { FaceMode } from "../records/face-mode.ts";
import type { ModelEvaluation } from "../../model/card.ts";
import { chooseEvaluation, type ReportedCard } from "../../model/reported-card.ts";
import { FER2013_NOTICE, REPORT_NOTICE } from "./legal-notice.ts";
import { describeTally, type Figures } from "./report-figures.ts";
import type { PipelineVersion } from "../records/records.ts";
import type { ReviewedRun } from "../records/reviewed-run.ts";
import type { DriftReport } from "../statistics/drift.ts";
import { auditGroups, countRates, type FairnessAudit } from "../statistics/fairness.ts";
import type { PrevalenceEstimate } from "../statistics/prevalence.ts";
import { suppressGroups } from "../statistics/suppression.ts";
import { type ChunkSummary, namesOf } from "../fold/summary.ts";
import type { GroupSummary } from "../fold/summary-groups.ts";
import { countFaces, countInputs, type TallySummary } from "../fold/summary-tally.ts";

/** What a report says beside the summary. Times are ISO 8601 in UTC; nothing here is read from a clock. */
export interface ReportContext {
  readonly job: {
    readonly id: string;
    readonly name: string | null;
    readonly purpose: string | null;
    /** Status that the job ends in. */
    readonly status: string;
    readonly createdAt: string;
    readonly finishedAt: string;
  };
  /** Inputs of the frozen manifest. */
  readonly listed: number;
  /** Chunks whose records are missing from the summary; 0 in a whole report. */
  readonly missingChunks: number;
  readonly card: ReportedCard;
  readonly engine: string;
  readonly pipeline: PipelineVersion;
  readonly faces: FaceMode;
  /** `null` where pictures were taken as they are, or the job is older than the note of it. */
  readonly faceFinder: string | null;
  readonly tta: "none" | "flip";
  /** The precision below which labels are not given; `null` or missing: every face gets one. */
  readonly abstain?: number | null;
  readonly minGroupSize: number;
  /** Who is responsible for the data; `null` or missing: nobody is named. */
  readonly controller?: string | null;
  /** Days after its end that the job's outputs are kept; `null` or missing: until somebody deletes them. */
  readonly retentionDays?: number | null;
  /** Name of the store that holds the inputs; missing where they are no store's: files of this machine. */
  readonly store?: string;
  /** Seed of the bootstrap: the same seed gives the same interval. Default 1. */
  readonly seed?: number;
  /** Against the run before, for a job of a schedule. */
  readonly drift?: DriftReport | null;
  /** Against the run that was chosen as the baseline. */
  readonly baseline?: DriftReport | null;
  /** What reviews of earlier runs said, in the order of their due times. */
  readonly reviewed?: readonly ReviewedRun[];
}

/** Inputs of one outcome by error code, most frequent first. */
export interface ReasonCount {
  readonly code: string;
  readonly count: number;
}

/** Where every input went. `listed` is the sum of all outcomes and `unaccounted`. */
export interface Denominators {
  readonly listed: number;
  readonly scored: number;
  readonly noFace: number;
  readonly skipped: number;
  readonly skippedByReason: readonly ReasonCount[];
  readonly failed: number;
  readonly failedByReason: readonly ReasonCount[];
  readonly cancelled: number;
  readonly expired: number;
  /** Listed inputs without an outcome: not 0 only where chunks are missing. */
  readonly unaccounted: number;
  readonly missingChunks: number;
  /** Scored faces: the denominator of every share of labels. More than `scored` where pictures hold several. */
  readonly faces: number;
  /** Inputs that came with a true label. */
  readonly labelled: number;
}

/** One group that is large enough to be shown. */
export interface ReportGroup {
  /** `absent`: inputs without this group name; `other`: values beyond the bound, together. */
  readonly kind: "value" | "absent" | "other";
  readonly value: string | null;
  readonly figures: Figures;
}

/** The groups of one `groupBy` name. */
export interface ReportGroups {
  readonly key: string;
  readonly minGroupSize: number;
  /** Most faces first. */
  readonly groups: readonly ReportGroup[];
  /** Groups not shown, and their faces together (never less than the minimum where they have any, unless nothing else is left to hide behind). */
  readonly hidden: { readonly groups: number; readonly faces: number };
  /** Gaps between the groups shown that have `minGroupSize` faces with a true label or more; `null` where fewer than two have. */
  readonly fairness: FairnessAudit | null;
}

/** How the labels were made. */
export interface Provenance {
  readonly model: string;
  readonly family: string;
  readonly sha256: string;
  readonly parameters: number;
  readonly temperature: number | null;
  readonly license: string;
  readonly notices: readonly string[];
  readonly engine: string;
  readonly pipeline: PipelineVersion;
  readonly faces: ReportContext["faces"];
  readonly faceFinder: ReportContext["faceFinder"];
  /** Faces that the finder finds where every face is known, by the longer side of the face in pixels; `null` without a finder, or one that is not known. */
  readonly faceRecall: typeof FACE_RECALL | null;
  readonly tta: ReportContext["tta"];
  /** The precision below which labels are not given; `null`: every face gets one. */
  readonly abstain: number | null;
  /** For whoever answers for the data; missing in reports of before it was noted. */
  readonly privacy?: Privacy;
}

/** What the law asks about data of people. */
export interface Privacy {
  /** Who is responsible, and how to reach them; `null`: nobody is named. */
  readonly controller: string | null;
  /** Days after the job's end; `null`: until somebody deletes it. */
  readonly retentionDays: number | null;
  /** How one picture and the whole job are erased; `null` where no server keeps them. */
  readonly erasure: { readonly picture: string; readonly job: string } | null;
}

/** The whole report. Shares are 0…1. */
export interface Report {
  readonly version: 1;
  readonly subject: "apparent facial expression";
  readonly job: ReportContext["job"];
  readonly notice: typeof REPORT_NOTICE;
  readonly denominators: Denominators;
  readonly total: Figures;
  /** How corrected shares were made; `null` where there are none. */
  readonly prevalence: Omit<PrevalenceEstimate, "shares"> | null;
  readonly groups: readonly ReportGroups[];
  /** The evaluation of the model's card that fits the job; `null` where the card has none. */
  readonly modelEvaluation: ModelEvaluation | null;
  readonly drift: DriftReport | null;
  readonly baseline: DriftReport | null;
  /** Accuracy of earlier runs of the schedule by their reviews, the oldest first; absent: none was reviewed. */
  readonly reviewed?: readonly ReviewedRun[];
  readonly provenance: Provenance;
}

/** Resamples for the job's corrected shares, and for each group's: groups are many, and one CPU budget pays for all. */
const REPLICATES = { total: 1000, group: 200 } as const;

function listReasons(tally: TallySummary, outcome: string): ReasonCount[] {
  return Object.entries(tally.reasons)
    .filter(([reason]) => reason.startsWith(`${outcome}/`))
    .map(([reason, count]) => ({ code: reason.slice(outcome.length + 1), count }))
    .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
}

function countDenominators(summary: ChunkSummary, context: ReportContext): Denominators {
  const { total } = summary;
  return {
    listed: context.listed,
    scored: total.inputs.scored,
    noFace: total.inputs.no_face,
    skipped: total.inputs.skipped,
    skippedByReason: listReasons(total, "skipped"),
    failed: total.inputs.failed,
    failedByReason: listReasons(total, "failed"),
    cancelled: total.inputs.cancelled,
    expired: total.inputs.expired,
    unaccounted: context.listed - countInputs(total),
    missingChunks: context.missingChunks,
    faces: countFaces(total),
    labelled: total.labelled,
  };
}

function describeGroups(
  group: GroupSummary,
  context: ReportContext,
  confusion: ModelEvaluation["confusion"] | null,
  labels: readonly string[],
): ReportGroups {
  const candidates = [
    ...group.values.map(([value, tally]) => ({ kind: "value" as const, value, tally })),
    ...(group.absent === null ? [] : [{ kind: "absent" as const, value: null, tally: group.absent }]),
    ...(group.other === null ? [] : [{ kind: "other" as const, value: null, tally: group.other }]),
  ].map((candidate) => ({ ...candidate, faces: countFaces(candidate.tally) }));
  const hidden = suppressGroups(candidates, context.minGroupSize);
  const shown = candidates.filter((_, index) => hidden[index] === false).sort((a, b) => b.faces - a.faces);
  const withheld = candidates.filter((_, index) => hidden[index] === true);
  const groups = shown.map(({ kind, value, tally }): ReportGroup => ({
    kind,
    value,
    figures: describeTally(tally, { confusion, seed: context.seed ?? 1, replicates: REPLICATES.group }, labels).figures,
  }));
  return {
    key: group.key,
    minGroupSize: context.minGroupSize,
    groups,
    hidden: { groups: withheld.length, faces: withheld.reduce((sum, { faces }) => sum + faces, 0) },
    fairness: auditFairness(group.key, groups, context.minGroupSize, labels),
  };
}

function auditFairness(
  key: string,
  groups: readonly ReportGroup[],
  minGroupSize: number,
  labels: readonly string[],
): FairnessAudit | null {
  const rates = groups.flatMap(({ value, figures: { truth } }) =>
    value === null || truth === null || truth.faces < minGroupSize ? [] : countRates(value, truth.confusion, labels),
  );
  return auditGroups(key, rates);
}

function describePrivacy({ controller = null, retentionDays = null, store, job }: ReportContext): Privacy {
  const erasure =
    store === undefined
      ? null
      : { picture: `DELETE /v1/records?store=${encodeURIComponent(store)}&key=…`, job: `DELETE /v1/jobs/${job.id}` };
  return { controller, retentionDays, erasure };
}

/** The report of a folded job. The same summary and context give the same report. */
export function buildReport(summary: ChunkSummary, context: ReportContext): Report {
  const { card } = context;
  const evaluation = chooseEvaluation(card, context.tta);
  const confusion = evaluation?.confusion ?? null;
  const labels = namesOf(summary);
  const { figures, prevalence } = describeTally(
    summary.total,
    { confusion, seed: context.seed ?? 1, replicates: REPLICATES.total },
    labels,
  );
  return {
    version: 1,
    subject: "apparent facial expression",
    job: context.job,
    notice: REPORT_NOTICE,
    denominators: countDenominators(summary, context),
    total: figures,
    prevalence:
      prevalence === null
        ? null
        : {
            level: prevalence.level,
            replicates: prevalence.replicates,
            seed: prevalence.seed,
            assumption: prevalence.assumption,
          },
    groups: summary.groups.map((group) => describeGroups(group, context, confusion, labels)),
    modelEvaluation: evaluation,
    drift: context.drift ?? null,
    baseline: context.baseline ?? null,
    ...(context.reviewed === undefined || context.reviewed.length === 0 ? {} : { reviewed: context.reviewed }),
    provenance: {
      model: `${card.name}@${card.version}`,
      family: card.family,
      sha256: card.sha256,
      parameters: card.parameters,
      temperature: card.temperature,
      license: card.license,
      notices: evaluation?.dataset.startsWith("FER2013") === true ? [...card.notices, FER2013_NOTICE] : card.notices,
      engine: context.engine,
      pipeline: context.pipeline,
      faces: context.faces,
      faceFinder: context.faceFinder,
      faceRecall: context.faceFinder === FACE_FINDER ? FACE_RECALL : null,
      tta: context.tta,
      abstain: context.abstain ?? null,
      privacy: describePrivacy(context),
    },
  };
}
