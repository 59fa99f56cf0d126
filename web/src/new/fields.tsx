/** Fields of the form, each with the findings of its place in the manifest. */

import { type ReactNode, useId } from "react";
import type { Issue } from "../../../src/errors.ts";

/** Findings that stand at `path` or inside of it. */
export function listFindings(issues: readonly Issue[], path: string): readonly Issue[] {
  return issues.filter(
    (issue) => issue.path === path || issue.path.startsWith(`${path}.`) || issue.path.startsWith(`${path}[`),
  );
}

interface FieldProps {
  readonly name: string;
  /** Place in the manifest, such as `output.prefix`. */
  readonly path: string;
  readonly issues: readonly Issue[];
  readonly hint?: string;
}

function Findings({ id, findings }: { readonly id: string; readonly findings: readonly Issue[] }): ReactNode {
  if (findings.length === 0) return null;
  return (
    <span id={id} className="finding">
      {findings.map(({ path, message }) => (
        <span key={`${path} ${message}`}>{message}</span>
      ))}
    </span>
  );
}

/** A line of text. */
export function TextField(
  props: FieldProps & {
    readonly value: string;
    readonly change: (value: string) => void;
    readonly placeholder?: string;
    readonly inputMode?: "text" | "numeric" | "decimal" | "url";
  },
): ReactNode {
  const id = useId();
  const findings = listFindings(props.issues, props.path);
  return (
    <div className="field">
      <label className="name" htmlFor={id}>
        {props.name}
      </label>
      <input
        id={id}
        value={props.value}
        placeholder={props.placeholder}
        inputMode={props.inputMode}
        spellCheck={false}
        data-path={props.path}
        aria-invalid={findings.length > 0}
        aria-describedby={`${id}-hint ${id}-findings`}
        onChange={(event) => props.change(event.target.value)}
      />
      {props.hint !== undefined && (
        <span id={`${id}-hint`} className="hint">
          {props.hint}
        </span>
      )}
      <Findings id={`${id}-findings`} findings={findings} />
    </div>
  );
}

/** A choice of few. */
export function ChoiceField<T extends string>(
  props: FieldProps & {
    readonly value: T;
    readonly choices: readonly (readonly [value: T, words: string])[];
    readonly change: (value: T) => void;
  },
): ReactNode {
  const id = useId();
  const findings = listFindings(props.issues, props.path);
  return (
    <div className="field">
      <label className="name" htmlFor={id}>
        {props.name}
      </label>
      <select
        id={id}
        value={props.value}
        data-path={props.path}
        aria-invalid={findings.length > 0}
        aria-describedby={`${id}-hint ${id}-findings`}
        onChange={(event) => {
          const chosen = props.choices.find(([value]) => value === event.target.value);
          if (chosen !== undefined) props.change(chosen[0]);
        }}
      >
        {props.choices.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
      {props.hint !== undefined && (
        <span id={`${id}-hint`} className="hint">
          {props.hint}
        </span>
      )}
      <Findings id={`${id}-findings`} findings={findings} />
    </div>
  );
}

/** Whether people's faces stand on the report. */
export function FacesOnReport(props: {
  /** Place in what is sent. */
  readonly path: string;
  readonly issues: readonly Issue[];
  readonly value: boolean;
  readonly change: (value: boolean) => void;
}): ReactNode {
  return (
    <ChoiceField
      name="The report shows"
      path={props.path}
      issues={props.issues}
      value={props.value ? "faces" : "figures"}
      choices={[
        ["figures", "Figures alone"],
        ["faces", "Figures, and up to six small faces for each label"],
      ]}
      change={(choice) => props.change(choice === "faces")}
      hint="Whoever gets the file report.html sees those people"
    />
  );
}
