/** The form that makes or changes a schedule: what most need as fields, every option of a job as JSON. */

import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { type ManifestInput, type NewSchedule } from "../../../src/client/api.ts";
import { type Issue, ScoringError } from "../../../src/errors.ts";
import type { ScheduleView } from "../../../src/scoring/schedules/schedule.ts";
import { api, noteSignedOut, useLoad } from "../api.ts";
import { TextField } from "../new/fields.tsx";
import { Failure, Skeleton } from "../parts.tsx";
import { type AlertDraft, draftAlerts, readAlerts } from "./alert-draft.ts";
import { AlertFields } from "./alert-fields.tsx";
import { ManifestField, ManifestFields, MoreManifestFields, NextTimes } from "./manifest-fields.tsx";

interface Draft {
  readonly name: string;
  readonly cron: string;
  readonly windowOffsetHours: string;
  readonly manifest: string;
  /** Faces to review a run; empty: none. */
  readonly perRun: string;
  readonly alerts: AlertDraft;
}

const EXAMPLE = {
  input: { store: "faces", prefix: "{yyyy}/{mm}/{dd}/" },
  output: { store: "faces", prefix: "out/" },
};

/** Patterns that most schedules have. */
const PRESETS = [
  ["30 2 * * *", "every night"],
  ["0 4 * * SUN", "every Sunday"],
  ["0 5 1 * *", "on the first of each month"],
  ["0 * * * *", "every hour"],
] as const;

function makeDraft(schedule: ScheduleView | null): Draft {
  const { name, cron, windowOffsetHours, manifest, review, alerts } = schedule ?? {
    name: "",
    cron: "30 2 * * *",
    windowOffsetHours: -24,
    manifest: EXAMPLE,
    review: null,
    alerts: null,
  };
  return {
    name,
    cron,
    windowOffsetHours: String(windowOffsetHours),
    manifest: JSON.stringify(manifest, null, 2),
    perRun: review === null ? "" : String(review.perRun),
    alerts: draftAlerts(alerts),
  };
}

/** @throws ScoringError `validation_failed` for what is no number or no JSON object */
function readDraft(draft: Draft, known: ScheduleView | null): NewSchedule {
  const { name, cron } = draft;
  const issues: Issue[] = [];
  const windowOffsetHours = Number(draft.windowOffsetHours);
  if (draft.windowOffsetHours.trim() === "" || !Number.isInteger(windowOffsetHours)) {
    issues.push({ path: "windowOffsetHours", code: "invalid_type", message: "a whole number of hours" });
  }
  const perRun = Number(draft.perRun);
  if (!Number.isInteger(perRun))
    issues.push({ path: "review.perRun", code: "invalid_type", message: "a whole number of faces, or nothing" });
  const marks = readAlerts(draft.alerts);
  issues.push(...marks.issues);
  let manifest: unknown = null;
  try {
    manifest = JSON.parse(draft.manifest);
  } catch (cause) {
    issues.push({
      path: "manifest",
      code: "invalid_json",
      message: cause instanceof Error ? cause.message : "not JSON",
    });
  }
  if (issues.length > 0) throw new ScoringError("validation_failed", "the form is not valid", { issues });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server checks all of it
  const checked = manifest as ManifestInput;
  return {
    name,
    cron,
    windowOffsetHours,
    manifest: checked,
    review: draft.perRun.trim() === "" ? null : { ...known?.review, perRun },
    alerts: marks.alerts,
  };
}

/** `#/schedules/new`. */
export function NewSchedulePage(): ReactNode {
  return <ScheduleForm schedule={null} />;
}

/** `#/schedules/<id>/edit`. */
export function EditSchedulePage({ id }: { readonly id: string }): ReactNode {
  const load = useCallback((signal: AbortSignal) => api.readSchedule(id, signal), [id]);
  const { value, error } = useLoad(load);
  if (error !== null) return <Failure error={error} />;
  return value === null ? <Skeleton rows={2} words="Loading the schedule" /> : <ScheduleForm schedule={value} />;
}

function ScheduleForm({ schedule }: { readonly schedule: ScheduleView | null }): ReactNode {
  const [draft, setDraft] = useState(() => makeDraft(schedule));
  const [error, setError] = useState<ScoringError | null>(null);
  const [busy, setBusy] = useState(false);
  const summary = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (error !== null) summary.current?.focus();
  }, [error]);
  const issues = error?.issues ?? [];
  const change = (part: Partial<Draft>): void => setDraft((before) => ({ ...before, ...part }));
  const send = async (): Promise<void> => {
    setError(null);
    setBusy(true);
    try {
      const wanted = readDraft(draft, schedule);
      const { id } =
        schedule === null
          ? await api.makeSchedule(wanted)
          : await api.changeSchedule(schedule.id, { ...wanted, manifest: { ...wanted.manifest } });
      window.location.hash = `#/schedules/${id}`;
    } catch (thrown) {
      setError(noteSignedOut(thrown));
      setBusy(false);
    }
  };
  return (
    <form
      className="new-job"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <div className="head">
        <h1>{schedule === null ? "New schedule" : `Edit ${schedule.name}`}</h1>
      </div>
      {error !== null && (
        <div className="alert" role="alert" tabIndex={-1} ref={summary}>
          <strong>Not accepted:</strong> {error.detail}
        </div>
      )}
      <section className="card">
        <div className="fields">
          <TextField name="Name" path="name" issues={issues} value={draft.name} change={(name) => change({ name })} />
          <label className="field">
            <span className="name">Runs</span>
            <select
              value={PRESETS.some(([cron]) => cron === draft.cron) ? draft.cron : ""}
              onChange={(event) => event.target.value !== "" && change({ cron: event.target.value })}
            >
              {PRESETS.map(([cron, words]) => (
                <option key={cron} value={cron}>
                  {words}
                </option>
              ))}
              <option value="">By a pattern of its own</option>
            </select>
          </label>
          <TextField
            name="Cron"
            path="cron"
            issues={issues}
            value={draft.cron}
            change={(cron) => change({ cron })}
            hint="Minute, hour, day of month, month, day of week, in UTC"
          />
          <TextField
            name="Window, hours"
            path="windowOffsetHours"
            issues={issues}
            value={draft.windowOffsetHours}
            change={(windowOffsetHours) => change({ windowOffsetHours })}
            hint="Added to the due time for {yyyy}, {mm}, {dd} and {hh}: -24 names the day before."
          />
        </div>
        <NextTimes cron={draft.cron} />
        <div className="fields even">
          <TextField
            name="Faces to review a run"
            path="review.perRun"
            issues={issues}
            value={draft.perRun}
            change={(perRun) => change({ perRun })}
            inputMode="numeric"
            placeholder="none"
            hint="Drawn of each run's new pictures, for people to label: 20 or more. They tell whether the model is as right as it was."
          />
        </div>
        <ManifestFields text={draft.manifest} issues={issues} change={(manifest) => change({ manifest })} />
        <details open={issues.some(({ path }) => path.startsWith("manifest") || path.startsWith("alerts"))}>
          <summary>More settings</summary>
          <MoreManifestFields text={draft.manifest} issues={issues} change={(manifest) => change({ manifest })} />
          <AlertFields
            draft={draft.alerts}
            issues={issues}
            change={(part) => change({ alerts: { ...draft.alerts, ...part } })}
          />
          <ManifestField value={draft.manifest} issues={issues} change={(manifest) => change({ manifest })} />
        </details>
        <div className="row">
          <button type="submit" className="primary" disabled={busy}>
            {schedule === null ? "Make the schedule" : "Save"}
          </button>
          <a className="button" href={schedule === null ? "#/schedules" : `#/schedules/${schedule.id}`}>
            Cancel
          </a>
        </div>
      </section>
    </form>
  );
}
