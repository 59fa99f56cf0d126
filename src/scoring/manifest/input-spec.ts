/** What names a job's inputs, in the form that planning takes. */

import type { InputItem } from "../records/input-item.ts";
import type { InputFormat } from "./input-formats.ts";
import type { Manifest } from "./manifest.ts";

/** One object that a caller names. `label` is the true label: a name or its index 0–6. */
export interface ObjectEntry {
  readonly key: string;
  readonly id?: string;
  readonly etag?: string;
  readonly versionId?: string;
  readonly label?: string | number;
  readonly groups?: Readonly<Record<string, string>>;
}

/** An input that came in while its job was open, checked. */
export type ArrivedInput = Omit<InputItem, "index" | "prior">;

/** The input of a job, resolved to one store. */
export type InputSpec =
  | { readonly kind: "prefix"; readonly format: InputFormat; readonly prefix: string }
  | { readonly kind: "objects"; readonly format: InputFormat; readonly objects: readonly ObjectEntry[] }
  | {
      readonly kind: "manifest";
      readonly format: InputFormat;
      /** JSONL or CSV, optionally gzip. */
      readonly key: string;
      /** Read only this version of the manifest. */
      readonly etag?: string;
      /** If given, rows whose `Bucket` column names another bucket are issues. */
      readonly bucket?: string;
    }
  | {
      readonly kind: "open";
      readonly format: InputFormat;
      /** Those of one batch: what came in so far is planned batch by batch. */
      readonly arrived: readonly ArrivedInput[];
    };

/** Name of the store that holds the list of inputs, where an object names them. */
export function findListStore({ input }: Manifest): string {
  return input.manifest?.store ?? input.store;
}

/**
 * The manifest's input in the form that planning takes.
 * @param arrived of an open job, the batch to plan
 */
export function toInputSpec(manifest: Manifest, arrived: readonly ArrivedInput[] = []): InputSpec {
  const { format, input } = manifest;
  if (input.open !== undefined) return { kind: "open", format, arrived };
  if (input.manifest !== undefined) {
    const { key, etag } = input.manifest;
    return { kind: "manifest", format, key, ...(etag === undefined ? {} : { etag }) };
  }
  if (input.objects !== undefined) {
    return { kind: "objects", format, objects: input.objects.map(toEntry) };
  }
  return { kind: "prefix", format, prefix: input.prefix ?? "" };
}

/** The schema's `| undefined` and an absent field mean the same; planning takes the latter. */
function toEntry(object: NonNullable<Manifest["input"]["objects"]>[number]): ObjectEntry {
  const { key, id, etag, versionId, label, groups } = object;
  return {
    key,
    ...(id === undefined ? {} : { id }),
    ...(etag === undefined ? {} : { etag }),
    ...(versionId === undefined ? {} : { versionId }),
    ...(label === undefined ? {} : { label }),
    ...(groups === undefined ? {} : { groups }),
  };
}
