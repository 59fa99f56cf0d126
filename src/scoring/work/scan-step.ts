/** One step of listing a range of the input: a few pages, frozen as objects, whose inputs count from the beginning of the range. */

import { ScoringError } from "../../errors.ts";
import { addOperations, meterStore } from "../../storage/metered-store.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { readObject } from "../../storage/read-object.ts";
import { requireGrant } from "../access/access.ts";
import type { RangeReport, RangeTicket } from "../job/coordinator-port.ts";
import { labelsOf } from "../job/job-spec.ts";
import { jobFolder, rangePageKey, scanCarryKey } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { findListStore, toInputSpec } from "../manifest/input-spec.ts";
import { addPartitions } from "../manifest/partition-by.ts";
import { chooseChunkPlan, countChunkReads, planChunks } from "../plan/plan-chunks.ts";
import { planInputPage } from "../plan/plan-page.ts";
import { openListing, type RangeListing } from "../plan/range-listing.ts";
import { splitLines } from "../records/record-line.ts";
import { parseStored } from "../stored-json.ts";
import { sumOperations, type WorkDeps } from "./work-deps.ts";

/** Lists and freezes; the report to commit. Errors as for planning. */
export async function runScanStep(deps: WorkDeps, ticket: RangeTicket): Promise<RangeReport> {
  const { spec, state, range, step, attempt } = ticket;
  const { manifest } = spec;
  const { limits } = deps;
  const input = meterStore(deps.openStore(manifest.input.store));
  const list = meterStore(deps.openStore(findListStore(manifest)));
  const output = meterStore(deps.openStore(manifest.output.store));
  const folder = jobFolder(manifest.output.prefix, spec.id);
  const source = toInputSpec(manifest);
  const options = chooseChunkPlan(manifest, limits);
  let listing =
    range.checkpoint === null
      ? openListing(await readStart(output, state.scan!.key, range.number, limits))
      : await readListing(output, range.checkpoint, limits);
  for (let n = 0; n < limits.maxPagesPerPlanStep && listing.cursor !== null; n++) {
    const page = await planInputPage(input, source, listing.cursor, { ...limits.plan, labels: labelsOf(spec) }, list);
    // A listed key that the job's owner may not read stops the job here: nothing of it is read.
    for (const { key } of page.items) requireGrant(spec.owner?.grants ?? null, manifest.input.store, key);
    const issues = [...listing.issues, ...page.issues];
    // More cannot be told, and the job fails at its first.
    const cursor = issues.length >= limits.maxIssues ? null : page.cursor;
    listing = { ...listing, cursor, issues, ...(page.endLine === undefined ? {} : { endLine: page.endLine }) };
    if (page.items.length === 0) continue;
    const key = rangePageKey(folder, range.number, listing.pages.length, attempt);
    const frozen = planChunks(page.items, key, options);
    await output.put(key, frozen.body, { contentType: "application/x-ndjson" });
    const number = listing.pages.length;
    listing = {
      ...listing,
      items: listing.items + page.items.length,
      partitions: addPartitions(manifest, page.items, listing.partitions ?? [], limits.dataset),
      bytes: listing.bytes + page.items.reduce((sum, { size }) => sum + (size ?? 0), 0),
      reads: listing.reads + countChunkReads(page.items, frozen.chunks, limits),
      pages: [...listing.pages, key],
      chunks: [
        ...listing.chunks,
        ...frozen.chunks.map(({ first, count, offset, length }) => [number, first, count, offset, length] as const),
      ],
    };
  }
  const operations = addOperations(listing.operations, sumOperations([input, list, output]));
  const { stepsPerRange, chunksPerRange } = limits.scan;
  const done = listing.cursor === null || step + 1 >= stepsPerRange || listing.chunks.length >= chunksPerRange;
  const checkpoint = scanCarryKey(folder, range.number, step, attempt);
  await output.put(checkpoint, JSON.stringify({ ...listing, operations }));
  return { phase: "scan", range: range.number, step, attempt, checkpoint, done };
}

/** What the steps of a range left. @throws ScoringError `manifest_lost` */
export async function readListing(
  store: ObjectStore,
  key: string,
  { maxPageBytes }: Pick<Limits, "maxPageBytes">,
): Promise<RangeListing> {
  const bytes = await readObject(store, key, maxPageBytes);
  if (bytes === null) throw new ScoringError("manifest_lost", `${key} is gone`);
  return parseStored<RangeListing>(new TextDecoder().decode(bytes));
}

async function readStart(
  store: ObjectStore,
  key: string,
  range: number,
  { maxPageBytes }: Pick<Limits, "maxPageBytes">,
): Promise<string> {
  const bytes = await readObject(store, key, maxPageBytes);
  const line = bytes === null ? undefined : splitLines(bytes)[range];
  if (line === undefined) throw new ScoringError("manifest_lost", `${key} is gone`);
  return parseStored<string>(line);
}
