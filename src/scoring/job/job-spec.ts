/** A job as it was accepted: the checked manifest with every default filled in. Stored once, never changed. */

import { findsFaces } from "../records/face-mode.ts";
import { ScoringError } from "../../errors.ts";
import type { ModelCard } from "../../model/card.ts";
import { findThresholds, type Thresholds } from "../../model/abstention.ts";
import { EMBEDDING, LABELS } from "../../model/labels.ts";
import type { ReportedCard } from "../../model/reported-card.ts";
import { FACE_FINDER } from "../../model/face-levels.ts";
import type { JobOwner } from "../access/access.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { ReviewedRun } from "../records/reviewed-run.ts";
import type { PipelineVersion, RecordShape } from "../records/records.ts";

/** The run of a schedule that a job is. */
export interface ScheduleOrigin {
  readonly scheduleId: string;
  readonly dueMs: number;
  /** Its records are carried over where nothing changed, and it is compared with; `null` for the first run. */
  readonly previousJobId: string | null;
  /** The run that it is compared with too. */
  readonly baselineJobId: string | null;
  /** What reviews of earlier runs said by then, in the order of their due times; absent: none did. */
  readonly reviewed?: readonly ReviewedRun[];
}

/** A job as it was accepted. */
export interface JobSpec {
  /** UUIDv7. */
  readonly id: string;
  readonly createdMs: number;
  readonly manifest: Manifest;
  /** SHA-256 of the manifest's canonical JSON, hex. */
  readonly manifestSha256: string;
  /** `name@version`, after aliases. */
  readonly model: string;
  /** SHA-256 of the weights, hex. */
  readonly modelSha256: string;
  /** `hashScoring` of the model's card; absent in jobs of before it was noted. */
  readonly modelForm?: string;
  /** SHA-256 of the whole card, and what reports quote of it; absent in jobs of before it was noted. */
  readonly card?: { readonly hash: string; readonly reported: ReportedCard };
  /** Version of the model's preprocessing. */
  readonly pipeline: PipelineVersion;
  /** Multiply-adds of the model for one face, for the job's costs; absent in jobs of before it was noted. */
  readonly faceWork?: number;
  /** The model's labels, in its order; absent where they are FER2013's. */
  readonly labels?: readonly string[];
  /** By label, from which probability on it is given; absent where every face gets one. */
  readonly thresholds?: Thresholds;
  /** Name of the face finder; absent where pictures are taken as they are, and in jobs of before it was noted. */
  readonly faceFinder?: string;
  /** The job whose failed inputs this one takes up again. */
  readonly retryOf: string | null;
  /** The key that made it and what that key may use; `null` for a job on one machine, without keys. */
  readonly owner: JobOwner | null;
  /** Who was responsible for what is scored when it was accepted, and how to reach them; absent where nobody was named. */
  readonly controller?: string;
  /** Absent for a job that no schedule made. */
  readonly schedule?: ScheduleOrigin;
}

/** The labels of a job's model. */
export function labelsOf({ labels }: Pick<JobSpec, "labels">): readonly string[] {
  return labels ?? LABELS;
}

/**
 * The part of a spec that says what the model's card names.
 * @throws ScoringError `validation_failed` where the job asks for an embedding that the card does not name
 */
export function chooseLabels(
  { output }: Pick<Manifest, "output">,
  card: Pick<ModelCard, "name" | "version" | "labels" | "graph">,
): Pick<JobSpec, "labels"> {
  if (output.embedding === true && card.graph?.outputs[EMBEDDING] === undefined) {
    const path = "output.embedding";
    const message = `the card of ${card.name}@${card.version} names no embedding: leave it out, or choose a model that has one`;
    const issues = [{ path, code: "embedding_missing", message }];
    throw new ScoringError("validation_failed", `${path}: ${message}`, { issues });
  }
  return card.labels.join() === LABELS.join() ? {} : { labels: card.labels };
}

/** What the columns of a job's records depend on. */
export function shapeOf(spec: Pick<JobSpec, "labels" | "manifest">): RecordShape {
  return { labels: labelsOf(spec), embedding: spec.manifest.output.embedding === true };
}

/**
 * The part of a spec that says which labels are given.
 * @throws ScoringError `validation_failed` where the model's card has no thresholds for it
 */
export function chooseThresholds(
  { abstain, tta }: Pick<Manifest, "abstain" | "tta">,
  card: Parameters<typeof findThresholds>[0],
): Pick<JobSpec, "thresholds"> {
  return abstain === undefined ? {} : { thresholds: findThresholds(card, abstain.precision, tta) };
}

/** The part of a spec that says who finds the faces, if anybody does. */
export function chooseFaceFinder(manifest: Pick<Manifest, "faces" | "format">): Pick<JobSpec, "faceFinder"> {
  return findsFaces(manifest) ? { faceFinder: FACE_FINDER } : {};
}
