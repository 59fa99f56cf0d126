/** What a manifest may partition its data set by, and how many partitions that may give. */

import type { Issue } from "../../errors.ts";
import { LIMITS, type Limits } from "../limits.ts";
import { nameProbabilityColumn } from "../../model/label-column.ts";
import { listRecordColumns } from "../records/record-fields.ts";
import { listPartitions } from "../records/partitions.ts";
import { SHIPPED_SHAPE } from "../records/records.ts";
import type { OutputLayout } from "../keys.ts";

/** Names in paths and names of columns are one set to those who read both; some of them do not tell upper case. */
const fold = (name: string): string => name.toLowerCase();

const PATH = "output.partitionBy";

/** Inputs, or records, by their groups. */
type Grouped = Iterable<{ readonly groups?: Readonly<Record<string, string>> | undefined }>;

/** What is looked at of a manifest. */
interface Partitioned {
  readonly output: { readonly layout: OutputLayout; readonly partitionBy?: readonly string[] | undefined };
  readonly groupBy: readonly string[];
  readonly input: { readonly objects?: Grouped | undefined };
}

/** Findings about `output.partitionBy`; none without it. */
export function checkPartitions(manifest: Partitioned): readonly Issue[] {
  const { output, groupBy, input } = manifest;
  const { partitionBy: names } = output;
  if (names === undefined) return [];
  const issues: Issue[] = [];
  const add = (code: string, message: string): void => void issues.push({ path: PATH, code, message });
  if (output.layout !== "dataset") add("dataset_only", 'folders by group need output.layout "dataset"');
  const shape = { ...SHIPPED_SHAPE, embedding: true };
  const columns = new Set(listRecordColumns(groupBy, shape).map(({ name }) => fold(name)));
  const probability = nameProbabilityColumn("");
  for (const name of names) {
    if (!groupBy.includes(name)) add("not_grouped", `${JSON.stringify(name)} is not in groupBy`);
    if (columns.has(fold(name)) || fold(name).startsWith(probability)) {
      add(
        "name_taken",
        `the labels have a column ${JSON.stringify(name)}: readers could not tell it from the folder's`,
      );
    }
  }
  if (new Set(names.map(fold)).size < names.length) add("name_taken", "two names differ in upper case alone");
  const issue = checkFolders(addPartitions(manifest, input.objects ?? [], [], LIMITS.dataset), LIMITS.dataset);
  return issue === null ? issues : [...issues, issue];
}

/** Bounds of the folders. */
export type PartitionLimits = Pick<Limits["dataset"], "maxPartitions" | "maxPartitionBytes">;

/** The partitions of some inputs and of those before them; none where the manifest asks for none. */
export function addPartitions(
  { output }: Pick<Partitioned, "output">,
  items: Grouped,
  known: readonly string[],
  { maxPartitions }: PartitionLimits,
): readonly string[] {
  return output.partitionBy === undefined ? [] : listPartitions(output.partitionBy, items, known, maxPartitions);
}

/** What is wrong with these partitions, if anything is. */
export function checkFolders(partitions: readonly string[], limits: PartitionLimits): Issue | null {
  if (partitions.length > limits.maxPartitions) {
    const message = `the input has more than ${limits.maxPartitions} partitions: partition by fewer values`;
    return { path: PATH, code: "too_many_partitions", message };
  }
  const long = partitions.find((folder) => new TextEncoder().encode(folder).length > limits.maxPartitionBytes);
  if (long === undefined) return null;
  const message = `a folder of ${limits.maxPartitionBytes} bytes at most cannot be named ${long.slice(0, 80)}…`;
  return { path: PATH, code: "partition_too_long", message };
}
