import type { JobPage } from "../../src/scoring/job/job-directory.ts";
import { showText } from "../terminal-text.ts";

const STEPS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
] as const;

/** `3 d`, `2 h`, `5 min`, `12 s`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const [unit, length] = STEPS.find(([, size]) => seconds >= size) ?? ["s", 1];
  return `${Math.floor(seconds / length)} ${unit}`;
}

/** A table of jobs with a header; the last letters of an id are enough to name it. */
export function formatJobs(jobs: JobPage["jobs"], nowMs: number): readonly string[] {
  const rows = jobs.map(({ id, name, status, pausedFor, counts, createdAt, waiting }) => [
    id,
    waiting === undefined
      ? pausedFor === undefined
        ? status
        : `${status}: ${pausedFor.replace("_", " ")}`
      : `waiting for ${waiting.store}`,
    `${counts.finished}/${counts.listed}${counts.planned ? "" : "+"}`,
    formatAge(nowMs - Date.parse(createdAt)),
    name === null ? "" : showText(name),
  ]);
  const table = [["JOB", "STATUS", "DONE", "AGE", "NAME"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
