/** Where pictures lie, or are uploaded to, and in which form. */

import type { ReactNode } from "react";
import { ChoiceField, TextField } from "./fields.tsx";
import type { SectionProps } from "./section-props.ts";

/** Where the pictures lie, or where they are uploaded to. */
export function PlaceFields({ draft, change, issues, choices }: SectionProps): ReactNode {
  const stores = (choices?.stores ?? []).map(({ name }) => [name, name] as const);
  return (
    <>
      <ChoiceField
        name="Store"
        path="input.store"
        issues={issues}
        value={draft.store}
        choices={stores}
        change={(store) => change({ store })}
      />
      {draft.source === "manifest" ? (
        <TextField
          name="Key of the list"
          path="input.manifest"
          issues={issues}
          value={draft.manifestKey}
          placeholder="lists/tonight.jsonl"
          hint="JSONL or CSV, may be gzip, or Parquet: key, id, label, groups"
          change={(manifestKey) => change({ manifestKey })}
        />
      ) : (
        <TextField
          name={draft.source === "upload" ? "Upload to the prefix" : "Prefix"}
          path="input.prefix"
          issues={issues}
          value={draft.prefix}
          placeholder="2026/11/22/"
          {...(draft.source === "upload" && draft.folders === "nothing"
            ? { hint: "Everything that lies below it is scored" }
            : {})}
          change={(prefix) => change({ prefix })}
        />
      )}
    </>
  );
}

/** Store and prefix of an upload, and what its files are. */
export function UploadSection(
  props: SectionProps & { readonly hasFiles: boolean; readonly clear: () => void },
): ReactNode {
  const { draft, change, issues } = props;
  return (
    <section>
      <h3>Files</h3>
      <div className="fields">
        {draft.source === "upload" && <PlaceFields {...props} />}
        <ChoiceField
          name="Format"
          path="format"
          issues={issues}
          value={draft.format}
          choices={[
            ["image", "Pictures"],
            ["tar", "Tar shards (WebDataset)"],
            ["fer2013-csv", "FER2013 tables"],
            ["parquet", "Parquet files of pictures (Hugging Face)"],
          ]}
          change={(format) => {
            if (props.hasFiles) props.clear();
            // Rows of a table are face crops; of shards and tables no folder says anything.
            change({ format, folders: "nothing", ...(format === "fer2013-csv" ? { faces: "auto" } : {}) });
          }}
        />
      </div>
    </section>
  );
}
