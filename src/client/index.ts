/**
 * `countenance/client`: the HTTP API of a Countenance server as typed functions, in Node, browsers and Workers.
 * @packageDocumentation
 */

export { ScoringError, type Disposition, type ErrorCode, type Issue } from "../errors.ts";
export type { Label } from "../model/labels.ts";
export type { JobView } from "../scoring/job/job-view.ts";
export type { FaceRecord, Outcome, PipelineVersion, QualityRecord, ScoreRecord } from "../scoring/records/records.ts";
export type { Report } from "../scoring/report/report.ts";
export type { DryRun } from "../scoring/requests/dry-run.ts";
export type { ScheduleRunView, ScheduleView } from "../scoring/schedules/schedule.ts";
export * from "./api.ts";
export type { JobEvent } from "./event-stream.ts";
export { type AddedInputs, createOpenJobsApi, type NewInput, type OpenJobsApi } from "./open-jobs-api.ts";
export { readLabels } from "./label-reader.ts";
export type { ModelList, ModelPlace, ModelView } from "./model-list.ts";
