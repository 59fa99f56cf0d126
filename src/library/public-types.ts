/** The exports that all builds of the package's main entry share. */

export type { EngineName } from "../backends/engine-table.ts";
export { ScoringError, type Disposition, type ErrorCode, type Issue } from "../errors.ts";
export type { AbstentionPrecision } from "../model/abstention.ts";
export type { FaceDetail } from "../model/face-levels.ts";
export { LABELS, type Label } from "../model/labels.ts";
export type { FaceMode } from "../scoring/records/face-mode.ts";
export { serializeRecord } from "../scoring/records/record-line.ts";
export type { FaceRecord, Outcome, PipelineVersion, QualityRecord, ScoreRecord } from "../scoring/records/records.ts";
export type { Report } from "../scoring/report/report.ts";
export { renderReportHtml as renderReport } from "../scoring/report/report-html.ts";
export { VERSION } from "../version.ts";
export { type AggregateOptions, readRecords } from "./aggregate.ts";
export type { LabeledPicture, PictureBytes, PictureScorer, PictureScorerOptions } from "./picture-scorer.ts";
