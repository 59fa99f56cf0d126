/** The formats that optional packages decode in Node: for messages where they are not decoded. */

import type { OptionalFormat } from "./image-types.ts";

/** One of them. */
export interface OptionalFormatRow {
  /** Its name in messages. */
  readonly name: string;
  /** How names of such files end, in lower case. */
  readonly endings: readonly string[];
  /** The package that decodes it, as npm names it. */
  readonly package: string;
}

/** By name. */
export const OPTIONAL_FORMATS: Readonly<Record<OptionalFormat, OptionalFormatRow>> = {
  heic: { name: "HEIC", endings: [".heic", ".heif", ".hif"], package: "libheif-js" },
  avif: { name: "AVIF", endings: [".avif"], package: "sharp" },
  gif: { name: "GIF", endings: [".gif"], package: "sharp" },
  tiff: { name: "TIFF", endings: [".tif", ".tiff"], package: "sharp" },
};

/** Formats of files by their names, each once, in the order of the table. */
export function findOptionalFormats(names: readonly string[]): readonly OptionalFormatRow[] {
  const lower = names.map((name) => name.toLowerCase());
  return Object.values(OPTIONAL_FORMATS).filter(({ endings }) =>
    lower.some((name) => endings.some((ending) => name.endsWith(ending))),
  );
}
