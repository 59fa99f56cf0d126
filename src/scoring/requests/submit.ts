/** Accepting a job: check everything, remember the request, create the coordinator. Repeating it changes nothing. */

import { ScoringError } from "../../errors.ts";
import type { Registry } from "../../model/registry.ts";
import { probeConditionalPut } from "../../storage/conditional-put.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { type Caller, checkManifestAccess, requireGrant, toOwner } from "../access/access.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import type { Directory } from "../job/job-directory.ts";
import { describeEmptyInput } from "../manifest/empty-input.ts";
import { estimateJob, type JobEstimate } from "../plan/estimate.ts";
import { guardStore } from "../access/guarded-store.ts";
import { planInputPage } from "../plan/plan-page.ts";
import { chooseFaceFinder, findListStore, type JobSpec, type ScheduleOrigin, toInputSpec } from "../job/job-spec.ts";
import { isEnded } from "../job/job-state.ts";
import { type JobView, viewJob } from "../job/job-view.ts";
import { probeKey } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { type Manifest, parseManifest } from "../manifest/manifest.ts";
import { digestHex } from "../chunk/part.ts";
import { countMaxRecords, countParquetRows, describeExcess, describeOmission } from "../manifest/output-formats.ts";
import { chooseChunkPlan, countChunkReads, planChunks } from "../plan/plan-chunks.ts";
import { checkWebhookAddress } from "../webhook/webhook-address.ts";
import { checkWebhookTarget, type ResolveName } from "../webhook/webhook-names.ts";

/** Reservations of one request: each is taken back at most once by every other request that has its key. */
const MAX_RESERVATIONS = 5;

/** What accepting a job works with. */
export interface SubmitDeps {
  openStore(name: string): ObjectStore;
  openJob(jobId: string): JobCoordinator;
  /** Names of the configured stores. */
  readonly storeNames: readonly string[];
  readonly registry: Registry;
  readonly directory: Directory;
  /** Private `host:port` pairs that webhooks may reach; `null` where none can be signed. */
  readonly webhookHosts: readonly string[] | null;
  /** Looks up the names of webhooks; absent: they are taken as they are. */
  readonly resolveName?: ResolveName;
  readonly clock: () => number;
  readonly newId: () => string;
  readonly limits: Limits;
}

/** What a job would do and cost. */
export interface DryRun {
  readonly objects: number;
  readonly bytes: number;
  readonly chunks: number;
  /** False if the listing was cut: the figures are then those of its beginning. */
  readonly complete: boolean;
  readonly estimate: JobEstimate;
  /** Limits of the platform or the manifest that the job would meet, as sentences. */
  readonly warnings: readonly string[];
}

/** The answer to a manifest. */
export type Submission =
  | { readonly kind: "created"; readonly job: JobView }
  | { readonly kind: "known"; readonly job: JobView }
  | { readonly kind: "dry-run"; readonly plan: DryRun };

/**
 * Checks all that can be said of a manifest before its input is looked at.
 * @throws ScoringError `validation_failed`, `forbidden`, `address_forbidden`
 */
export function checkManifest(deps: SubmitDeps, body: unknown, caller: Caller): Manifest {
  const facts = new Map(deps.storeNames.map((name) => [name, deps.openStore(name).capabilities]));
  const manifest = parseManifest(body, facts, (reference) => knowsModel(deps.registry, reference));
  checkManifestAccess(manifest, caller);
  if (manifest.notify !== undefined) {
    if (deps.webhookHosts === null)
      throw new ScoringError("validation_failed", "notify: WEBHOOK_SECRET is not configured");
    checkWebhookAddress(manifest.notify.url, deps.webhookHosts);
  }
  return manifest;
}

/**
 * Takes a manifest.
 * @param options.caller whose job it becomes; what it may not use is `forbidden`
 * @param options.schedule the run that it is, for a job of a schedule
 * @throws ScoringError `validation_failed` and `forbidden` with all findings, `idempotency_mismatch`, `quota_exceeded`, `store_unconditional`
 */
export async function submitJob(
  deps: SubmitDeps,
  body: unknown,
  options: {
    readonly idempotencyKey: string | null;
    readonly retryOf?: string;
    readonly caller: Caller;
    readonly schedule?: ScheduleOrigin;
  },
): Promise<Submission> {
  const { caller, schedule } = options;
  const manifest = checkManifest(deps, body, caller);
  if (manifest.notify !== undefined) await checkNotifyName(deps, manifest.notify.url);
  if (manifest.dryRun) return { kind: "dry-run", plan: await planDryRun(deps, manifest, caller) };
  const card = await deps.registry.card(manifest.model);
  const manifestSha256 = await digestHex(new TextEncoder().encode(JSON.stringify(manifest)));
  const nowMs = deps.clock();
  const { kind, jobId, known } = await admitJob(deps, manifest, {
    idempotencyKey: options.idempotencyKey,
    bodySha256: manifestSha256,
    nowMs,
    owner: caller,
  });
  if (known !== null) return { kind, job: viewJob(known.state, known.spec, nowMs) };
  const job = deps.openJob(jobId);
  const spec: JobSpec = {
    id: jobId,
    createdMs: nowMs,
    manifest,
    manifestSha256,
    model: deps.registry.resolve(manifest.model),
    modelSha256: card.sha256,
    pipeline: manifest.pipeline ?? card.pipeline,
    ...chooseFaceFinder(manifest),
    retryOf: options.retryOf ?? null,
    owner: toOwner(caller),
    ...(schedule === undefined ? {} : { schedule }),
  };
  const state = await job.create(spec);
  // Of requests that repeat each other any may have made it: all show what it was made of.
  const made = kind === "known" ? await job.read() : null;
  return { kind, job: viewJob(made?.state ?? state, made?.spec ?? spec, nowMs) };
}

/** @throws ScoringError `address_forbidden`, `webhook_failed` */
async function checkNotifyName({ webhookHosts, resolveName }: SubmitDeps, url: string): Promise<void> {
  if (resolveName === undefined) return;
  await checkWebhookTarget(url, { allowedHosts: webhookHosts ?? [], resolve: resolveName });
}

/** The manifest that takes up a finished job's failed and skipped inputs: its `errors.jsonl` is one. */
export function makeRetryManifest(spec: JobSpec, errorsKey: string): Record<string, unknown> {
  const { input, ...rest } = spec.manifest;
  // Failed inputs lie in the input store, the list of them in the output store.
  return { ...rest, input: { store: input.store, manifest: { store: rest.output.store, key: errorsKey } } };
}

function knowsModel(registry: Registry, reference: string): boolean {
  try {
    registry.resolve(reference);
    return true;
  } catch (error) {
    if (error instanceof ScoringError && error.code === "unknown_model") return false;
    throw error;
  }
}

type ReserveRequest = Parameters<Directory["reserve"]>[0];

/** The job that a request may create; with `known`, the one that it has created before. */
interface Admitted {
  readonly kind: "created" | "known";
  readonly jobId: string;
  readonly known: Awaited<ReturnType<JobCoordinator["read"]>>;
}

/**
 * Reserves a job, looks at the store of its outputs, and confirms it. What fails in between is taken back, unless another request
 * with the same key has come further: then the job is that one's.
 * @throws ScoringError `idempotency_mismatch`, `quota_exceeded`, `store_unconditional`, `conflict`
 */
async function admitJob(
  deps: SubmitDeps,
  { output }: Manifest,
  request: Omit<ReserveRequest, "jobId">,
): Promise<Admitted> {
  for (let attempt = 0; attempt < MAX_RESERVATIONS; attempt++) {
    const { kind, jobId } = await reserveJob(deps, { ...request, jobId: deps.newId() });
    const admitted = { kind: kind === "new" ? "created" : "known", jobId } as const;
    const known = kind === "known" ? await deps.openJob(jobId).read() : null;
    if (known !== null) return { ...admitted, known };
    try {
      // A key of its own for each request: two that write one key would find the store out of order.
      await probeConditionalPut(deps.openStore(output.store), probeKey(output.prefix, deps.newId()));
    } catch (error) {
      await deps.directory.withdraw(jobId, { confirmed: false });
      throw error;
    }
    if (await deps.directory.confirm(jobId)) return { ...admitted, known: null };
  }
  throw new ScoringError("conflict", "the same request failed elsewhere meanwhile; send it again");
}

/** @throws ScoringError `idempotency_mismatch`, `quota_exceeded` */
async function reserveJob(
  deps: SubmitDeps,
  request: ReserveRequest,
): Promise<{ readonly kind: "new" | "known"; readonly jobId: string }> {
  let reservation = await deps.directory.reserve(request);
  if (reservation.kind === "full") {
    // The list may lag behind a job: ask those that it takes for open, the oldest; the hourly sweep asks all.
    const ended: string[] = [];
    let lost = 0;
    for (const { jobId, reservedMs } of reservation.openJobs.slice(0, deps.limits.maxOpenJobsAsked)) {
      const job = await deps.openJob(jobId).read();
      if (job !== null && isEnded(job.state.status)) ended.push(jobId);
      // Its requests have died between reserving and creating it.
      if (job !== null || reservedMs >= request.nowMs - deps.limits.maxSubmitMs) continue;
      await deps.directory.withdraw(jobId, { confirmed: true });
      lost += 1;
    }
    await deps.directory.release(ended);
    if (ended.length + lost > 0) reservation = await deps.directory.reserve(request);
  }
  switch (reservation.kind) {
    case "mismatch":
      throw new ScoringError("idempotency_mismatch", "this Idempotency-Key came with another manifest before");
    case "full":
      throw new ScoringError("quota_exceeded", `this API key may have ${request.owner.maxJobs} jobs at once`);
    case "spent":
      throw new ScoringError("quota_exceeded", "this API key has used its images of the day (UTC)");
    default:
      return reservation;
  }
}

async function planDryRun(deps: SubmitDeps, manifest: Manifest, caller: Caller): Promise<DryRun> {
  const { limits } = deps;
  const { store: storeName } = manifest.input;
  const openGuarded = (name: string): ObjectStore => guardStore(deps.openStore(name), name, caller.grants);
  const store = openGuarded(storeName);
  const listStore = openGuarded(findListStore(manifest));
  const options = chooseChunkPlan(manifest, limits);
  let cursor: string | null = null;
  let pages = 0;
  let objects = 0;
  let bytes = 0;
  let chunks = 0;
  let reads = 0;
  const warnings: string[] = [];
  const ids = new Set<string>();
  let repeated = 0;
  do {
    const page = await planInputPage(store, toInputSpec(manifest), cursor, limits.plan, listStore);
    if (page.issues.length > 0) {
      throw new ScoringError("validation_failed", "the input has findings", { issues: page.issues });
    }
    for (const { key } of page.items) requireGrant(caller.grants, storeName, key);
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
  if (objects > maxRecords) warnings.push(`the job would fail: ${describeExcess(maxRecords)}`);
  const empty = cursor === null ? describeEmptyInput(manifest, objects) : null;
  if (empty !== null) warnings.push(empty);
  if (repeated > 0) {
    warnings.push(
      `${repeated} inputs have the id of one before them: each has its record, in its place, under that id`,
    );
  }
  warnings.push(...warnOfParquet(manifest, objects, cursor === null, limits));
  const facts = { tta: manifest.tta, findsFaces: manifest.faces !== "aligned" };
  const packed = manifest.format !== "image";
  const estimate = estimateJob({ inputs: objects, bytes, chunks, pages, packed, reads, ...facts });
  return { objects, bytes, chunks, complete: cursor === null, estimate, warnings };
}

/** A Parquet file that would not be written, or may not: the end of a long input is not seen in a dry run. */
function warnOfParquet({ output }: Manifest, objects: number, complete: boolean, limits: Limits): string[] {
  const omission = describeOmission(output.formats, objects, limits);
  if (omission !== null) return [omission];
  if (complete || !output.formats.includes("parquet")) return [];
  const rows = countParquetRows(limits).toLocaleString("en");
  return [
    `labels.parquet is left out if there are more than ${rows} records; the listing was cut before that is known`,
  ];
}
