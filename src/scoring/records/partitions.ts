/** Folders of a partitioned data set, named as Hive names them: `site=north/camera=3/`. */

/** Hive's name for a record without a value. */
const NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__";

/** What Hive escapes in a folder's name (`FileUtils.escapePathName`), and NUL, which no file system has. */
// oxlint-disable-next-line no-control-regex -- control characters are among what is escaped
const ESCAPED = /[\u0000-\u001f\u007f"#%'*/:=?\\{[\]^]/g;

const escapeName = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(ESCAPED, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);

/** Values by partition name; `null`: the record has none. */
export type PartitionValues = Readonly<Record<string, string | null>>;

/** The values of a record's groups. An empty text is none, as in Hive. */
export function readPartition(names: readonly string[], groups: Readonly<Record<string, string>>): PartitionValues {
  const value = (name: string): string | null => (Object.hasOwn(groups, name) ? groups[name] || null : null);
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}

/** The folder of these values with its trailing slash; empty without names. */
export function namePartition(names: readonly string[], groups: Readonly<Record<string, string>>): string {
  const values = readPartition(names, groups);
  return names
    .map((name) => `${escapeName(name)}=${values[name] === null ? NULL_PARTITION : escapeName(values[name] ?? "")}/`)
    .join("");
}

/** The partitions of some records or inputs, each once, in the order in which they come; at most one more than `most`. */
export function listPartitions(
  names: readonly string[],
  items: Iterable<{ readonly groups?: Readonly<Record<string, string>> | undefined }>,
  known: readonly string[],
  most: number,
): readonly string[] {
  const found = new Set(known);
  for (const { groups = {} } of items) {
    if (found.size > most) break;
    found.add(namePartition(names, groups));
  }
  return [...found];
}
