/** Lists and freezes a few pages of the input, one after the other: the whole input is never held. */

import { meterStore } from "../../storage/metered-store.ts";
import { requireGrant } from "../access/access.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import type { PlanReport, PlanTicket } from "../job/coordinator-port.ts";
import { labelsOf } from "../job/job-spec.ts";
import { inputPageKey, jobFolder } from "../keys.ts";
import { findListStore, toInputSpec } from "../manifest/input-spec.ts";
import { addPartitions } from "../manifest/partition-by.ts";
import { chooseChunkPlan, countChunkReads, planChunks, spreadChunks } from "../plan/plan-chunks.ts";
import { startBatch } from "../plan/plan-cursor.ts";
import { planInputPage } from "../plan/plan-page.ts";
import { joinPrior, type PriorLines } from "../prior/prior-join.ts";
import { sumOperations, type WorkDeps } from "./work-deps.ts";

/** What a few pages from `from` on give; `endLine` as a page has it. */
export async function listPages(
  deps: WorkDeps,
  ticket: PlanTicket,
  from: string | null,
  lines: PriorLines | null,
): Promise<Omit<Required<PlanReport>, "step" | "attempt" | "scan"> & { readonly endLine: number | null }> {
  const { spec, attempt } = ticket;
  const { manifest } = spec;
  const { limits } = deps;
  const input = meterStore(deps.openStore(manifest.input.store));
  const list = meterStore(deps.openStore(findListStore(manifest)));
  const output = meterStore(deps.openStore(manifest.output.store));
  const folder = jobFolder(manifest.output.prefix, spec.id);
  const source = toInputSpec(manifest, ticket.arrived);
  // A batch of an open job begins where the last one ended.
  const start = ticket.arrived === undefined ? null : startBatch(ticket.firstIndex);
  const options = chooseChunkPlan(manifest, limits);
  const chunks: ChunkRow[] = [];
  const pageKeys: string[] = [];
  const issues = [];
  let cursor = from ?? start;
  let endLine: number | null = null;
  let items = 0;
  let bytes = 0;
  let reads = 0;
  let partitions: readonly string[] = [];
  for (let n = 0; n < limits.maxPagesPerPlanStep; n++) {
    const page = await planInputPage(input, source, cursor, { ...limits.plan, labels: labelsOf(spec) }, list);
    cursor = page.cursor;
    endLine = page.endLine ?? endLine;
    issues.push(...page.issues);
    // A listed key that the job's owner may not read stops the job here: nothing of it is read.
    for (const { key } of page.items) requireGrant(spec.owner?.grants ?? null, manifest.input.store, key);
    if (page.items.length > 0) {
      partitions = addPartitions(manifest, page.items, partitions, limits.dataset);
      const key = inputPageKey(folder, ticket.firstPage + pageKeys.length, attempt);
      const isWholeInput = ticket.firstIndex === 0 && items === 0 && cursor === null;
      const spread =
        isWholeInput && deps.scorers !== undefined ? spreadChunks(options, page.items.length, deps.scorers) : options;
      const frozen = planChunks(lines === null ? page.items : await joinPrior(page.items, lines), key, spread);
      await output.put(key, frozen.body, { contentType: "application/x-ndjson" });
      pageKeys.push(key);
      chunks.push(...frozen.chunks);
      reads += countChunkReads(page.items, frozen.chunks, limits);
      items += page.items.length;
      bytes += page.items.reduce((sum, item) => sum + (item.size ?? 0), 0);
    }
    // More cannot be told, and the job fails at its first.
    if (issues.length >= limits.maxIssues) cursor = null;
    if (cursor === null) break;
  }
  const operations = sumOperations([input, list, output]);
  return { cursor, endLine, items, bytes, reads, operations, pageKeys, chunks, issues, partitions };
}
