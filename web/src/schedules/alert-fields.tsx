/** From where on something about a run is told, as fields in plain words. */

import type { ReactNode } from "react";
import type { Issue } from "../../../src/errors.ts";
import { DEFAULT_ALERT_MARKS } from "../../../src/scoring/report/alert-marks.ts";
import { ChoiceField, TextField } from "../new/fields.tsx";
import { type AlertDraft, MARK_FIELDS, showMark } from "./alert-draft.ts";

/** The fields. */
export function AlertFields(props: {
  readonly draft: AlertDraft;
  readonly issues: readonly Issue[];
  readonly change: (part: Partial<AlertDraft>) => void;
}): ReactNode {
  const { draft, issues, change } = props;
  return (
    <section>
      <h2>Alerts</h2>
      <div className="fields even">
        <ChoiceField
          name="Tell what stands out"
          path="alerts.enabled"
          issues={issues}
          value={draft.enabled ? "yes" : "no"}
          choices={[
            ["yes", "Yes, after each run"],
            ["no", "No"],
          ]}
          change={(choice) => change({ enabled: choice === "yes" })}
        />
        <TextField
          name="Send alerts to"
          path="alerts.url"
          issues={issues}
          value={draft.url}
          change={(url) => change({ url })}
          inputMode="url"
          placeholder="where the manifest’s notify sends"
          hint="Address of a webhook"
        />
        {draft.enabled &&
          MARK_FIELDS.map(({ name, words, hint, isShare }) => (
            <TextField
              key={name}
              name={words}
              path={`alerts.${name}`}
              issues={issues}
              value={draft[name]}
              change={(text) => change({ [name]: text })}
              inputMode="decimal"
              placeholder={showMark(DEFAULT_ALERT_MARKS[name], isShare) || "not looked at"}
              hint={hint}
            />
          ))}
      </div>
    </section>
  );
}
