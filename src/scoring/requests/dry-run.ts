/** A dry run: counts a job's inputs and estimates its costs, and makes nothing. */

import { countFaceWork } from "../../model/face-cost.ts";
import { readWorkload } from "../job/job-workload.ts";
import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { type Caller, requireGrant } from "../access/access.ts";
import { describeEmptyInput } from "../manifest/empty-input.ts";
import type { JobEstimate } from "../job/job-cost.ts";
import { chooseLabels, labelsOf } from "../job/job-spec.ts";
import { estimateJob } from "../plan/estimate.ts";
import { guardStore } from "../access/guarded-store.ts";
import { planInputPage } from "../plan/plan-page.ts";
import { describeLargeCrops } from "../manifest/large-crops.ts";
import { findListStore, toInputSpec } from "../manifest/input-spec.ts";
import type { Limits } from "../limits.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { countMaxRecords, countParquetRows, describeExcess, describeOmission } from "../manifest/output-formats.ts";
import { addPartitions, checkFolders } from "../manifest/partition-by.ts";
import { chooseChunkPlan, countChunkReads, planChunks } from "../plan/plan-chunks.ts";
import type { SubmitDeps } from "./submit-deps.ts";

/** What a job would do and cost. */
export interface DryRun {
  readonly objects: number;
  readonly bytes: number;
  readonly chunks: number;
  /** False if the listing was cut short: the figures are then about its beginning. */
  readonly complete: boolean;
  readonly estimate: JobEstimate;
  /** What the store of the inputs bills for handing them out, dollars; absent where it bills nothing, or sizes are not known. Not part of `estimate`. */
  readonly egressDollars?: number;
  /** Limits of the platform or the manifest that the job would meet, as sentences. */
  readonly warnings: readonly string[];
}

/** Counts the first `maxDryRunPages` pages of what a manifest names; makes nothing. */
export async function planDryRun(deps: SubmitDeps, manifest: Manifest, caller: Caller): Promise<DryRun> {
  const { limits } = deps;
  const { store: storeName } = manifest.input;
  const openGuarded = (name: string): ObjectStore => guardStore(deps.openStore(name), name, caller.grants);
  const store = openGuarded(storeName);
  const listStore = openGuarded(findListStore(manifest));
  const options = chooseChunkPlan(manifest, limits);
  const card = await deps.registry.card(manifest.model);
  const planLimits = { ...limits.plan, labels: labelsOf(chooseLabels(manifest, card)) };
  let cursor: string | null = null;
  let pages = 0;
  let objects = 0;
  let bytes = 0;
  let chunks = 0;
  let reads = 0;
  const warnings: string[] = [];
  const ids = new Set<string>();
  let repeated = 0;
  let partitions: readonly string[] = [];
  do {
    const page = await planInputPage(store, toInputSpec(manifest), cursor, planLimits, listStore);
    if (page.issues.length > 0) {
      throw new ScoringError("validation_failed", "the input is not valid", { issues: page.issues });
    }
    for (const { key } of page.items) requireGrant(caller.grants, storeName, key);
    partitions = addPartitions(manifest, page.items, partitions, limits.dataset);
    const misfit = checkFolders(partitions, limits.dataset);
    if (misfit !== null) throw new ScoringError("validation_failed", misfit.message, { issues: [misfit] });
    objects += page.items.length;
    for (const { id } of page.items) {
      if (ids.has(id)) repeated += 1;
      ids.add(id);
    }
    bytes += page.items.reduce((sum, item) => sum + (item.size ?? 0), 0);
    const planned = planChunks(page.items, "", options).chunks;
    chunks += planned.length;
    reads += countChunkReads(page.items, planned, limits);
    const tooLarge = page.items.filter((item) => (item.size ?? 0) > limits.maxImageBytes).length;
    if (tooLarge > 0) warnings.push(`${tooLarge} inputs have more than ${limits.maxImageBytes} bytes and would fail`);
    cursor = page.cursor;
    pages += 1;
  } while (cursor !== null && pages < limits.maxDryRunPages);
  const maxRecords = countMaxRecords(limits);
  // Each input has one record at least.
  if (manifest.output.layout === "single" && objects > maxRecords)
    warnings.push(`the job would fail: ${describeExcess(maxRecords)}`);
  const empty = cursor === null ? describeEmptyInput(manifest, objects) : null;
  if (empty !== null) warnings.push(empty);
  const large = describeLargeCrops(manifest, objects, bytes);
  if (large !== null) warnings.push(large);
  if (repeated > 0) {
    warnings.push(`${repeated} inputs repeat the id of an earlier one: each gets its own record under that id`);
  }
  warnings.push(...warnOfParquet(manifest, objects, cursor === null, limits));
  const facts = readWorkload({ manifest, faceWork: countFaceWork(card) });
  const packed = manifest.format !== "image";
  const estimate = estimateJob({ inputs: objects, bytes, chunks, pages, packed, reads, ...facts });
  const budget = manifest.budget?.dollars;
  if (budget !== undefined && estimate.dollars > budget) {
    warnings.push(`the job would pause: its budget is $${budget}, and it takes about $${estimate.dollars}`);
  }
  const egress = (bytes / 1e9) * (store.capabilities.egressDollarsPerGb ?? 0);
  const egressDollars = Math.round(egress * 1e6) / 1e6;
  const billed = egress > 0 ? { egressDollars } : {};
  return { objects, bytes, chunks, complete: cursor === null, estimate, ...billed, warnings };
}

/** A Parquet file that would not be written, or may not: a dry run does not see the end of a long input. */
function warnOfParquet({ output }: Manifest, objects: number, complete: boolean, limits: Limits): string[] {
  const omission = describeOmission(output, objects, limits);
  if (omission !== null) return [omission];
  if (complete || output.layout === "dataset" || !output.formats.includes("parquet")) return [];
  const rows = countParquetRows(limits).toLocaleString("en");
  return [`labels.parquet is left out if there are more than ${rows} records; the dry run did not list enough to know`];
}
