/** A job without input is done at once, and most often a slip: a prefix that is misspelled, a format that is another's. */

import type { Manifest } from "./manifest.ts";

/** What was looked for and not found, as a sentence; `null` where something was. @param listed inputs of the whole input */
export function describeEmptyInput(
  { input, format }: Pick<Manifest, "input" | "format">,
  listed: number,
): string | null {
  if (listed > 0) return null;
  if (input.manifest !== undefined) return `there is no input: the list ${input.manifest.key} names none`;
  const kind = { image: "no object", tar: "no .tar file", "fer2013-csv": "no .csv file" }[format];
  return `there is no input: ${kind} lies below ${JSON.stringify(input.prefix ?? "")} of the store ${input.store}`;
}
