/** Words for values of the API. */

import { findTopLabel, type Outcome, type ScoreRecord } from "../../src/scoring/records/records.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { JOB_STATUS_FACTS, type JobStatus, type JobStatusFacts } from "../../src/scoring/job/job-status.ts";

/** 75 → "1 min 15 s". */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** "just now", "5 min ago", "3 h ago", "2 days ago"; from a month on, the day. */
export function formatAgo(iso: string, nowMs: number): string {
  const seconds = (nowMs - Date.parse(iso)) / 1000;
  if (!Number.isFinite(seconds)) return iso;
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  if (seconds < 30 * 86_400) return `${Math.round(seconds / 86_400)} days ago`;
  return iso.slice(0, 10);
}

/** 1536 → "1.5 KB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** 0.00042 → "$0.0004", 12.5 → "$12.50"; less than a hundredth of a cent, but not nothing: "< $0.0001". */
export function formatDollars(dollars: number): string {
  if (dollars > 0 && dollars < 0.0001) return "< $0.0001";
  return `$${dollars.toFixed(dollars < 1 ? 4 : 2)}`;
}

/** Outcomes as a reader says them. */
export const OUTCOME_WORDS: Readonly<Record<Outcome, string>> = {
  scored: "Scored",
  no_face: "No face found",
  skipped: "Skipped",
  failed: "Failed",
  cancelled: "Cancelled",
  expired: "Expired",
};

/** What stands for a record without a label: its outcome, or the label that was not sure enough to be given. */
export function nameUnlabeled(record: Pick<ScoreRecord, "status" | "label" | "abstained">): string {
  const unsure = findTopLabel(record);
  return record.status === "scored" && unsure !== null ? `Not sure: ${unsure}` : OUTCOME_WORDS[record.status];
}

/** A job's name, or the end of its id where it has none. */
export function nameJob({ id, name }: Pick<JobView, "id" | "name">): string {
  return name ?? `Job ${id.slice(-12)}`;
}

/** Statuses as a reader says them. */
export function describeStatus(status: JobStatus): string {
  return JOB_STATUS_FACTS[status].words;
}

/** How well a status went: names a color. */
export function toneOf(status: JobStatus): JobStatusFacts["tone"] {
  return JOB_STATUS_FACTS[status].tone;
}
