/** Which file of an ended job is downloaded as its labels. */

/** What most programs read comes first. */
const PATTERNS = [
  /^labels\.csv$/,
  /^labels\.jsonl$/,
  /^labels\.parquet$/,
  ...["csv.gz", "jsonl.gz", "parquet"].map(matchPart),
];

function matchPart(extension: string): RegExp {
  return new RegExp(`^labels/(?:[^/=]+=[^/]+/)*part-[\\d-]+\\.${extension.replace(".", "\\.")}$`);
}

/** The labels in the format that comes first: one file, or the parts of a data set, in order; empty where there are none. */
export function findLabels(names: readonly string[]): readonly string[] {
  for (const pattern of PATTERNS) {
    const found = names.filter((name) => pattern.test(name));
    if (found.length > 0) return found.toSorted();
  }
  return [];
}

/** What a downloaded file is called: folders of a data set would be underscores. */
export function nameDownload(name: string): string {
  return name.replaceAll("/", "-");
}
