import { ScoringError } from "../../errors.ts";
import { addOperations, meterStore } from "../../storage/metered-store.ts";
import type { JobCoordinator, PlanReport, PlanTicket } from "../job/coordinator-port.ts";
import type { JobSpec } from "../job/job-spec.ts";
import { findListStore, toInputSpec } from "../manifest/input-spec.ts";
import { jobFolder, scanKey } from "../keys.ts";
import { splitInput } from "../plan/split-input.ts";
import { formatJoinedCursor, openPriorLines, parseJoinedCursor } from "../prior/prior-join.ts";
import { openPriorRun } from "../prior/prior-run.ts";
import { listPages } from "./list-pages.ts";
import { takeRanges } from "./take-ranges.ts";
import { sumOperations, type WorkDeps } from "./work-deps.ts";

/**
 * One planning step. The first lists a few pages. What is left of a large input after it is cut into ranges, which are listed beside each
 * other; the steps that follow take what is listed, in order. Where that cannot be, all steps list.
 */
export async function planPages(deps: WorkDeps, job: JobCoordinator, ticket: PlanTicket): Promise<void> {
  const report =
    ticket.scan === undefined
      ? ((await beginScan(deps, ticket)) ?? (await listNext(deps, ticket)))
      : await takeRanges(deps, { ...ticket, scan: ticket.scan });
  await chargeOwner(deps, ticket.spec, ticket.firstIndex + report.items);
  await job.commitPlan(report);
}

/** Cuts what is left into ranges; `null` where that is not the time, or not possible. */
async function beginScan(deps: WorkDeps, ticket: PlanTicket): Promise<PlanReport | null> {
  const { spec, step, attempt, cursor } = ticket;
  // Batches of an open job are small.
  if (ticket.arrived !== undefined) return null;
  // A schedule's listing is joined with that of the run before, key by key.
  if (step !== 1 || cursor === null || (await openPriorRun(deps, spec)) !== null) return null;
  const { manifest } = spec;
  const store = meterStore(deps.openStore(manifest.input.store));
  const listStore = meterStore(deps.openStore(findListStore(manifest)));
  const output = meterStore(deps.openStore(manifest.output.store));
  const ranges = await splitInput({ store, listStore }, toInputSpec(manifest), cursor, deps.limits);
  if (ranges.length < 2) return null;
  const key = scanKey(jobFolder(manifest.output.prefix, spec.id), attempt);
  await output.put(key, ranges.map((range) => `${JSON.stringify(range)}\n`).join(""));
  const nothing = { items: 0, bytes: 0, reads: 0, pageKeys: [], chunks: [], issues: [] };
  const operations = sumOperations([store, listStore, output]);
  return { step, attempt, cursor, ...nothing, operations, scan: { kind: "begun", key, total: ranges.length } };
}

/** Lists, freezes and reports a few pages: the whole input is never held. */
async function listNext(deps: WorkDeps, ticket: PlanTicket): Promise<PlanReport> {
  const joined = parseJoinedCursor(ticket.cursor);
  // What came in has no order in which it could be joined with the run before.
  const prior = ticket.arrived === undefined ? await openPriorRun(deps, ticket.spec) : null;
  const lines = prior === null ? null : await openPriorLines(prior, joined.prior, deps.limits);
  const { cursor, operations, ...listed } = await listPages(deps, ticket, joined.plan, lines);
  const next = prior === null ? cursor : formatJoinedCursor(cursor, lines?.position() ?? null);
  const { step, attempt } = ticket;
  const counted = prior === null ? operations : addOperations(operations, prior.store.operations());
  return { step, attempt, ...listed, cursor: next, operations: counted };
}

/** @throws ScoringError `quota_exceeded` */
async function chargeOwner(deps: WorkDeps, spec: JobSpec, images: number): Promise<void> {
  const maxImagesPerDay = spec.owner?.maxImagesPerDay ?? null;
  if (maxImagesPerDay === null || deps.chargeImages === undefined) return;
  if (await deps.chargeImages({ jobId: spec.id, images, maxImagesPerDay })) return;
  throw new ScoringError("quota_exceeded", `the job's API key may score ${maxImagesPerDay} images per day (UTC)`);
}
