/** The manifest of a schedule: its most used places as fields over the JSON that is sent. */

import { type ReactNode, useId } from "react";
import type { Issue } from "../../../src/errors.ts";
import { formatTime } from "../../../src/scoring/report/report-format.ts";
import "../styles/tables.css";
import { FacesOnReport, listFindings, TextField } from "../new/fields.tsx";
import { describeCron } from "./cron-words.ts";

/** Due times that are told. */
const TIMES = 5;

/** The pattern in words, and when it is due next. */
export function NextTimes({ cron }: { readonly cron: string }): ReactNode {
  const said = describeCron(cron, Date.now(), TIMES);
  if ("problem" in said) {
    return (
      <p className="finding" role="status">
        {said.problem}
      </p>
    );
  }
  return (
    <div role="status">
      <p>{said.words}</p>
      <ul className="times" aria-label="Next times">
        {said.times.map((time) => (
          <li key={time}>{formatTime(time)}</li>
        ))}
      </ul>
    </div>
  );
}

/** Places that have a field: name, words, path, hint. */
const FIELDS = [
  ["Store", ["input", "store"], null],
  ["Prefix", ["input", "prefix"], "May hold {yyyy}, {mm}, {dd} and {hh}"],
  ["Model", ["model"], "Empty: the newest"],
  ["Output store", ["output", "store"], null],
  ["Output prefix", ["output", "prefix"], null],
] as const;

type Json = Readonly<Record<string, unknown>>;

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** The text as an object; `null` for what is none. */
function parse(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : null;
  } catch {
    return null;
  }
}

function read(value: unknown, [name, ...rest]: readonly string[]): string {
  if (name === undefined) return typeof value === "string" ? value : "";
  return isJson(value) ? read(value[name], rest) : "";
}

/** The same with one place changed; an empty text takes the place away. */
function write(value: unknown, [name = "", ...rest]: readonly string[], set: string | boolean): Json {
  const { [name]: inner, ...others } = isJson(value) ? value : {};
  if (rest.length > 0) return { ...others, [name]: write(inner, rest, set) };
  return set === "" ? others : { ...others, [name]: set };
}

interface ManifestFieldProps {
  readonly text: string;
  readonly issues: readonly Issue[];
  readonly change: (text: string) => void;
}

/** The fields; none while the JSON below is not whole, and where the input is a list. */
export function ManifestFields(props: ManifestFieldProps): ReactNode {
  const manifest = parse(props.text);
  if (manifest === null) return null;
  return (
    <div className="fields">
      {FIELDS.map(([name, path, hint]) => (
        <TextField
          key={name}
          name={name}
          path={`manifest.${path.join(".")}`}
          issues={props.issues}
          value={read(manifest, path)}
          change={(text) => props.change(JSON.stringify(write(manifest, path, text), null, 2))}
          {...(hint === null ? {} : { hint })}
        />
      ))}
    </div>
  );
}

/** Fields that most leave as they are. */
export function MoreManifestFields(props: ManifestFieldProps): ReactNode {
  const manifest = parse(props.text);
  if (manifest === null) return null;
  return (
    <div className="fields even">
      <FacesOnReport
        path="manifest.thumbnails"
        issues={props.issues}
        value={manifest["thumbnails"] === true}
        change={(value) => props.change(JSON.stringify(write(manifest, ["thumbnails"], value || ""), null, 2))}
      />
    </div>
  );
}

/** The manifest as it is sent. */
export function ManifestField(props: {
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
