import { ScoringError } from "../../errors.ts";
import { meterStore } from "../../storage/metered-store.ts";
import { requireGrant } from "../access/access.ts";
import type { JobCoordinator, PlanTicket } from "../job/coordinator-port.ts";
import { type JobSpec, labelsOf } from "../job/job-spec.ts";
import { findListStore, toInputSpec } from "../manifest/input-spec.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import { inputPageKey, jobFolder } from "../keys.ts";
import { chooseChunkPlan, countChunkReads, planChunks, spreadChunks } from "../plan/plan-chunks.ts";
import { planInputPage } from "../plan/plan-page.ts";
import { formatJoinedCursor, joinPrior, openPriorLines, parseJoinedCursor } from "../prior/prior-join.ts";
import { openPriorRun } from "../prior/prior-run.ts";
import { sumOperations, type WorkDeps } from "./work-deps.ts";

/** Lists, freezes and reports a few pages: the whole input is never held. */
export async function planPages(deps: WorkDeps, job: JobCoordinator, ticket: PlanTicket): Promise<void> {
  const { spec, step, attempt } = ticket;
  const { manifest } = spec;
  const { limits } = deps;
  const input = meterStore(deps.openStore(manifest.input.store));
  const list = meterStore(deps.openStore(findListStore(manifest)));
  const output = meterStore(deps.openStore(manifest.output.store));
  const folder = jobFolder(manifest.output.prefix, spec.id);
  const source = toInputSpec(manifest);
  const options = chooseChunkPlan(manifest, limits);
  const joined = parseJoinedCursor(ticket.cursor);
  let cursor = joined.plan;
  const prior = await openPriorRun(deps, spec);
  const lines = prior === null ? null : await openPriorLines(prior, joined.prior, limits);
  const chunks: ChunkRow[] = [];
  const pageKeys: string[] = [];
  const issues = [];
  let items = 0;
  let bytes = 0;
  let reads = 0;
  for (let n = 0; n < limits.maxPagesPerPlanStep; n++) {
    const page = await planInputPage(input, source, cursor, { ...limits.plan, labels: labelsOf(spec) }, list);
    cursor = page.cursor;
    issues.push(...page.issues);
    // A listed key that the job's owner may not read stops the job here: nothing of it is read.
    for (const { key } of page.items) requireGrant(spec.owner?.grants ?? null, manifest.input.store, key);
    if (page.items.length > 0) {
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
  await chargeOwner(deps, spec, ticket.firstIndex + items);
  const operations = sumOperations([input, list, output, ...(prior === null ? [] : [prior.store])]);
  const next = prior === null ? cursor : formatJoinedCursor(cursor, lines?.position() ?? null);
  await job.commitPlan({ step, attempt, cursor: next, items, bytes, reads, operations, pageKeys, chunks, issues });
}

/** @throws ScoringError `quota_exceeded` */
async function chargeOwner(deps: WorkDeps, spec: JobSpec, images: number): Promise<void> {
  const maxImagesPerDay = spec.owner?.maxImagesPerDay ?? null;
  if (maxImagesPerDay === null || deps.chargeImages === undefined) return;
  if (await deps.chargeImages({ jobId: spec.id, images, maxImagesPerDay })) return;
  throw new ScoringError("quota_exceeded", `the job's API key may score ${maxImagesPerDay} images per day (UTC)`);
}
