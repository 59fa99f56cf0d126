/** What the form holds, and the manifest that it stands for. */

import type { FaceMode } from "../../../src/scoring/records/face-mode.ts";
import type { ManifestInput } from "../../../src/client/api.ts";
import { ABSTENTION_PRECISIONS } from "../../../src/model/abstention.ts";
import type { InputFormat } from "../../../src/scoring/manifest/input-formats.ts";
import type { LabelFormat, OutputLayout } from "../../../src/scoring/keys.ts";
import { LABELS } from "../../../src/model/labels.ts";
import type { DroppedFile } from "./dropped-file.ts";

/** The form's values, as text where a person types. */
export interface Draft {
  readonly name: string;
  readonly purpose: string;
  /** Comma-separated. */
  readonly tags: string;
  readonly source: "upload" | "prefix" | "manifest" | "again";
  /** The input of the job that is run again; `null` for a new one. */
  readonly again: ManifestInput["input"] | null;
  readonly store: string;
  readonly prefix: string;
  readonly manifestKey: string;
  /** What the folders of an upload mean. */
  readonly folders: "nothing" | "groups" | "labels";
  readonly format: InputFormat;
  readonly faces: FaceMode;
  readonly tta: "none" | "flip";
  /** The precision below which labels are not given, as text; empty: every face gets one. */
  readonly abstain: string;
  readonly model: string;
  readonly execution: "edge" | "client" | "auto";
  readonly outputStore: string;
  readonly outputPrefix: string;
  readonly formats: readonly LabelFormat[];
  readonly layout: OutputLayout;
  /** Comma-separated; for a data set. */
  readonly partitionBy: string;
  /** Whether the report shows small faces. */
  readonly thumbnails: boolean;
  /** Comma-separated. */
  readonly groupBy: string;
  readonly minGroupSize: string;
  readonly chunkSize: string;
  readonly maxConcurrency: string;
  readonly errorThreshold: string;
  /** Dollars. */
  readonly budget: string;
  readonly notifyUrl: string;
}

/** Where an upload goes that must not mix with another. */
export function nameUpload(stamp: string): string {
  return `uploads/${stamp}/`;
}

/** @param stamp part of the upload's prefix */
export function emptyDraft(stamp: string): Draft {
  return {
    name: "",
    purpose: "",
    tags: "",
    source: "upload",
    again: null,
    store: "",
    prefix: nameUpload(stamp),
    manifestKey: "",
    folders: "nothing",
    format: "image",
    faces: "auto",
    tta: "none",
    abstain: "",
    model: "deep-emotion",
    execution: "edge",
    outputStore: "",
    outputPrefix: "out/",
    formats: ["jsonl", "csv"],
    layout: "single",
    partitionBy: "",
    thumbnails: false,
    groupBy: "",
    minGroupSize: "10",
    chunkSize: "",
    maxConcurrency: "",
    errorThreshold: "",
    budget: "",
    notifyUrl: "",
  };
}

/** The name of the group that folders make. */
const FOLDER_GROUP = "folder";

/** Inline objects that one manifest may hold. */
export const MAX_NAMED_OBJECTS = 10_000;

/** The manifest of a draft. Invalid numbers stay as they were typed: the server says what is wrong with them. */
export function makeManifest(draft: Draft, files: readonly DroppedFile[]): ManifestInput {
  const groupBy = splitTexts(draft.groupBy);
  const tags = splitTexts(draft.tags);
  const marksGroups = draft.source === "upload" && draft.folders === "groups" && files.length > 0;
  const limits = {
    ...readNumber("chunkSize", draft.chunkSize),
    ...readNumber("maxConcurrency", draft.maxConcurrency),
    ...readNumber("errorThreshold", draft.errorThreshold),
  };
  return {
    ...(draft.name.trim() === "" ? {} : { name: draft.name.trim() }),
    ...(draft.purpose.trim() === "" ? {} : { purpose: draft.purpose.trim() }),
    ...(tags.length === 0 ? {} : { tags }),
    input: makeInput(draft, files),
    format: draft.format,
    faces: draft.faces,
    tta: draft.tta,
    ...makeAbstain(draft.abstain),
    model: draft.model,
    execution: draft.execution,
    output: {
      store: draft.outputStore,
      prefix: draft.outputPrefix,
      formats: [...draft.formats],
      ...(draft.layout === "single" ? {} : { layout: draft.layout, ...makePartitions(draft.partitionBy) }),
    },
    ...(draft.thumbnails ? { thumbnails: true } : {}),
    groupBy: marksGroups ? [...new Set([FOLDER_GROUP, ...groupBy])] : groupBy,
    ...readNumber("minGroupSize", draft.minGroupSize),
    ...(draft.budget.trim() === "" ? {} : { budget: { dollars: 0, ...readNumber("dollars", draft.budget) } }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(draft.notifyUrl.trim() === "" ? {} : { notify: { url: draft.notifyUrl.trim() } }),
  };
}

function splitTexts(text: string): string[] {
  return text.split(",").flatMap((one) => (one.trim() === "" ? [] : [one.trim()]));
}

function makeInput(draft: Draft, files: readonly DroppedFile[]): ManifestInput["input"] {
  const { store, prefix } = draft;
  if (draft.source === "again" && draft.again !== null) return draft.again;
  if (draft.source === "manifest") return { store, manifest: { key: draft.manifestKey } };
  if (draft.source === "prefix" || draft.folders === "nothing" || files.length === 0) return { store, prefix };
  return {
    store,
    objects: files.map(({ path }) => {
      const folder = path.includes("/") ? (path.split("/")[0] ?? "") : "";
      const label = LABELS.find((known) => known.toLowerCase() === folder.toLowerCase());
      if (draft.folders === "labels") return { key: `${prefix}${path}`, ...(label === undefined ? {} : { label }) };
      return { key: `${prefix}${path}`, ...(folder === "" ? {} : { groups: { [FOLDER_GROUP]: folder } }) };
    }),
  };
}

function readNumber<K extends string>(name: K, text: string): Partial<Record<K, number>> {
  const value = Number(text);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one computed key
  return text.trim() === "" ? {} : ({ [name]: Number.isNaN(value) ? text : value } as Partial<Record<K, number>>);
}

/** The folders of a data set, if there are to be any. */
function makePartitions(text: string): Pick<ManifestInput["output"], "partitionBy"> {
  const partitionBy = splitTexts(text);
  return partitionBy.length === 0 ? {} : { partitionBy };
}

/** The wish for certainty, if there is one. */
function makeAbstain(text: string): Pick<ManifestInput, "abstain"> {
  const precision = ABSTENTION_PRECISIONS.find((one) => String(one) === text);
  return precision === undefined ? {} : { abstain: { precision } };
}

const describe = (value: number | undefined): string => (value === undefined ? "" : String(value));

/** The form of a job that was run before, to run it again. */
export function draftFrom(manifest: ManifestInput, stamp: string): Draft {
  const { limits, output } = manifest;
  return {
    ...emptyDraft(stamp),
    name: manifest.name ?? "",
    purpose: manifest.purpose ?? "",
    tags: (manifest.tags ?? []).join(", "),
    source: "again",
    again: manifest.input,
    store: manifest.input.store,
    format: manifest.format ?? "image",
    faces: manifest.faces ?? "auto",
    tta: manifest.tta ?? "none",
    abstain: describe(manifest.abstain?.precision),
    model: manifest.model ?? "deep-emotion",
    execution: manifest.execution ?? "edge",
    outputStore: output.store,
    outputPrefix: output.prefix ?? "out/",
    formats: output.formats ?? ["jsonl", "csv"],
    layout: output.layout ?? "single",
    partitionBy: [output.partitionBy ?? []].flat().join(", "),
    thumbnails: manifest.thumbnails ?? false,
    groupBy: (manifest.groupBy ?? []).join(", "),
    minGroupSize: describe(manifest.minGroupSize),
    chunkSize: describe(limits?.chunkSize),
    maxConcurrency: describe(limits?.maxConcurrency),
    errorThreshold: describe(limits?.errorThreshold),
    budget: describe(manifest.budget?.dollars),
    notifyUrl: manifest.notify?.url ?? "",
  };
}
