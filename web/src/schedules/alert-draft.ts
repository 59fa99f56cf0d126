/** The marks of alerts as a form holds them. */

import type { Issue } from "../../../src/errors.ts";
import { type AlertMarks, DEFAULT_ALERT_MARKS } from "../../../src/scoring/report/alert-marks.ts";

/** A mark that is a number. */
type MarkName = Exclude<keyof AlertMarks, "enabled" | "url">;

/** A mark in words. */
export interface MarkField {
  readonly name: MarkName;
  readonly words: string;
  readonly hint: string;
  /** Shares are typed in percent. */
  readonly isShare?: true;
}

/** Every mark once. */
export const MARK_FIELDS: readonly MarkField[] = [
  { name: "noFace", words: "No face found, %", hint: "Told above this share of the pictures", isShare: true },
  { name: "failed", words: "Failed or skipped, %", hint: "Told above this share of the pictures", isShare: true },
  {
    name: "labelShift",
    words: "Shift of the labels",
    hint: "Told from this size on: 0.1 is small, 0.3 medium, 0.5 large (Cramér’s V)",
  },
  {
    name: "quality",
    words: "Change of the pictures",
    hint: "Brightness, contrast, size and certainty: 0.1 is some, 0.25 much (stability index)",
  },
  {
    name: "accuracyDrop",
    words: "Fall of the accuracy, points",
    hint: "Told where reviews find so much less than those before",
    isShare: true,
  },
  { name: "accuracy", words: "Least accuracy, %", hint: "Told where a review finds less", isShare: true },
  { name: "costTimes", words: "Cost, times the usual", hint: "Told above it, from a dollar on" },
  { name: "dollars", words: "Most dollars a run", hint: "Told where a run costs more" },
];

/** The marks as they are typed; an empty one has its default. */
export type AlertDraft = Readonly<Record<MarkName, string>> & { readonly enabled: boolean; readonly url: string };

/** A mark as it is typed; empty for `null`. */
export const showMark = (value: number | null, isShare = false): string =>
  value === null ? "" : String(isShare ? Number((100 * value).toFixed(4)) : value);

/** What is not as it is by itself, as text. */
export function draftAlerts(marks: AlertMarks | null): AlertDraft {
  const known = marks ?? DEFAULT_ALERT_MARKS;
  const texts = MARK_FIELDS.map(({ name, isShare }) => [
    name,
    known[name] === DEFAULT_ALERT_MARKS[name] ? "" : showMark(known[name], isShare),
  ]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- MARK_FIELDS has every mark once; a test holds that
  return { ...(Object.fromEntries(texts) as Record<MarkName, string>), enabled: known.enabled, url: known.url ?? "" };
}

/** The marks that were typed; what is no number is among the `issues`. */
export function readAlerts(draft: AlertDraft): { readonly alerts: Partial<AlertMarks>; readonly issues: Issue[] } {
  const issues: Issue[] = [];
  const marks = MARK_FIELDS.flatMap(({ name, isShare }): [MarkName, number][] => {
    const text = draft[name].trim();
    const value = Number(text) / (isShare === true ? 100 : 1);
    if (text === "") return [];
    if (!Number.isNaN(value)) return [[name, value]];
    issues.push({ path: `alerts.${name}`, code: "invalid_type", message: "a number, or nothing" });
    return [];
  });
  const url = draft.url.trim();
  return { alerts: { ...Object.fromEntries(marks), enabled: draft.enabled, url: url === "" ? null : url }, issues };
}
