/** A job without input is done at once, and usually a mistake: a misspelled prefix, or the wrong format. */

import type { Manifest } from "./manifest.ts";

/** What was looked for and not found, as a sentence; `null` if something was found. @param listed inputs of the whole input */
export function describeEmptyInput(
  { input, format }: Pick<Manifest, "input" | "format">,
  listed: number,
): string | null {
  if (listed > 0) return null;
  if (input.open !== undefined) return "there is no input: none came in before the job was sealed";
  if (input.manifest !== undefined) return `there is no input: the list ${input.manifest.key} names none`;
  const kind = { image: "no object", tar: "no .tar file", "fer2013-csv": "no .csv file", parquet: "no .parquet file" }[
    format
  ];
  return `there is no input: ${kind} lies below ${JSON.stringify(input.prefix ?? "")} of the store ${input.store}`;
}
