/** The form that makes or changes a schedule. The manifest is JSON: every option of a job can be had. */

import { type ReactNode, useCallback, useEffect, useId, useRef, useState } from "react";
import { type ManifestInput, type NewSchedule } from "../../../src/client/api.ts";
import { type Issue, ScoringError } from "../../../src/errors.ts";
import type { ScheduleView } from "../../../src/scoring/schedules/schedule.ts";
import { api, noteSignedOut, useLoad } from "../api.ts";
import { listFindings, TextField } from "../new/fields.tsx";
import { Failure } from "../parts.tsx";

interface Draft {
  readonly name: string;
  readonly cron: string;
  readonly windowOffsetHours: string;
  readonly manifest: string;
}

const EXAMPLE = {
  input: { store: "faces", prefix: "{yyyy}/{mm}/{dd}/" },
  output: { store: "faces", prefix: "out/" },
};

function makeDraft(schedule: ScheduleView | null): Draft {
  const { name, cron, windowOffsetHours, manifest } = schedule ?? {
    name: "",
    cron: "30 2 * * *",
    windowOffsetHours: -24,
    manifest: EXAMPLE,
  };
  return { name, cron, windowOffsetHours: String(windowOffsetHours), manifest: JSON.stringify(manifest, null, 2) };
}

/** @throws ScoringError `validation_failed` for what is no number or no JSON object */
function readDraft(draft: Draft): NewSchedule {
  const { name, cron } = draft;
  const issues: Issue[] = [];
  const windowOffsetHours = Number(draft.windowOffsetHours);
  if (draft.windowOffsetHours.trim() === "" || !Number.isInteger(windowOffsetHours)) {
    issues.push({ path: "windowOffsetHours", code: "invalid_type", message: "a whole number of hours" });
  }
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
  return { name, cron, windowOffsetHours, manifest: manifest as ManifestInput };
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
  return value === null ? <p className="quiet">Loading …</p> : <ScheduleForm schedule={value} />;
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
      const wanted = readDraft(draft);
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
      <h1>{schedule === null ? "New schedule" : `Edit ${schedule.name}`}</h1>
      {error !== null && (
        <div className="alert" role="alert" tabIndex={-1} ref={summary}>
          <strong>Not accepted:</strong> {error.detail}
        </div>
      )}
      <section className="card">
        <div className="fields">
          <TextField name="Name" path="name" issues={issues} value={draft.name} change={(name) => change({ name })} />
          <TextField
            name="Cron"
            path="cron"
            issues={issues}
            value={draft.cron}
            change={(cron) => change({ cron })}
            hint="Minute, hour, day of month, month, day of week, in UTC. 30 2 * * * is half past two every night."
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
        <ManifestField value={draft.manifest} issues={issues} change={(manifest) => change({ manifest })} />
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

function ManifestField(props: {
  readonly value: string;
  readonly issues: readonly Issue[];
  readonly change: (value: string) => void;
}): ReactNode {
  const id = useId();
  const findings = listFindings(props.issues, "manifest");
  return (
    <div className="field">
      <label className="name" htmlFor={id}>
        Manifest
      </label>
      <textarea
        id={id}
        rows={14}
        value={props.value}
        spellCheck={false}
        data-path="manifest"
        aria-invalid={findings.length > 0}
        aria-describedby={`${id}-hint ${id}-findings`}
        onChange={(event) => props.change(event.target.value)}
      />
      <span id={`${id}-hint`} className="hint">
        The manifest of a job, as JSON. Input, output and name may hold {"{yyyy}, {mm}, {dd} and {hh}"}.
      </span>
      {findings.length > 0 && (
        <span id={`${id}-findings`} className="finding">
          {findings.map(({ path, message }) => (
            <span key={`${path} ${message}`}>
              {path}: {message}
            </span>
          ))}
        </span>
      )}
    </div>
  );
}
