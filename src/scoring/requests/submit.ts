/** Accepting a job: check everything, remember the request, create the coordinator. Repeating it changes nothing. */

import { ScoringError } from "../../errors.ts";
import type { Registry } from "../../model/registry.ts";
import { probeConditionalPut } from "../../storage/conditional-put.ts";
import { type Caller, toOwner } from "../access/access.ts";
import { checkManifestAccess } from "../manifest/manifest-access.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import type { Directory } from "../job/job-directory.ts";
import {
  chooseFaceFinder,
  chooseLabels,
  chooseThresholds,
  type JobSpec,
  type ScheduleOrigin,
} from "../job/job-spec.ts";
import { pinModel } from "../job/pinned-model.ts";
import { isEnded } from "../job/job-status.ts";
import { type JobView, viewJob } from "../job/job-view.ts";
import { probeKey } from "../keys.ts";
import { DEFAULT_MODEL, type Manifest, parseManifest } from "../manifest/manifest.ts";
import { digestHex } from "../sha256.ts";
import { checkWebhookAddress } from "../webhook/webhook-address.ts";
import { checkWebhookTarget } from "../webhook/webhook-names.ts";
import type { SubmitDeps } from "./submit-deps.ts";
import { type DryRun, planDryRun } from "./dry-run.ts";

/** Reservations of one request: each is taken back at most once by every other request that has its key. */
const MAX_RESERVATIONS = 5;

/** The answer to a manifest. */
export type Submission =
  | { readonly kind: "created"; readonly job: JobView }
  | { readonly kind: "known"; readonly job: JobView }
  | { readonly kind: "dry-run"; readonly plan: DryRun };

/**
 * Checks everything about a manifest that does not need its input.
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
 * Accepts a manifest.
 * @param options.caller whose job it becomes; what the caller may not use is `forbidden`
 * @param options.schedule the run that the job is, if a schedule makes it
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
  await refreshModels(deps.registry, body);
  const manifest = checkManifest(deps, body, caller);
  if (manifest.notify !== undefined) await checkNotifyName(deps, manifest.notify.url);
  const card = await deps.registry.card(manifest.model);
  deps.checkModel?.(card);
  if (manifest.dryRun) return { kind: "dry-run", plan: await planDryRun(deps, manifest, caller) };
  const thresholds = chooseThresholds(manifest, card);
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
    ...(await pinModel(card, manifest)),
    ...chooseLabels(manifest, card),
    ...thresholds,
    ...chooseFaceFinder(manifest),
    retryOf: options.retryOf ?? null,
    owner: toOwner(caller),
    ...(deps.controller ? { controller: deps.controller } : {}),
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

/** Looks for the model that a manifest names, before `checkManifest`. @throws ScoringError as the store of the models does */
export async function refreshModels(registry: Registry, body: unknown): Promise<void> {
  const named = typeof body === "object" && body !== null && "model" in body ? body.model : undefined;
  await registry.refresh(typeof named === "string" ? named : DEFAULT_MODEL);
}

function knowsModel(registry: Registry, reference: string): true | string {
  try {
    registry.resolve(reference);
    return true;
  } catch (error) {
    if (error instanceof ScoringError && error.code === "unknown_model") return error.detail;
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
    // The list may lag behind jobs: ask the oldest that it takes for open; the hourly sweep asks all.
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
      throw new ScoringError("idempotency_mismatch", "the Idempotency-Key has already come with another manifest");
    case "full":
      throw new ScoringError("quota_exceeded", `the API key may have ${request.owner.maxJobs} jobs at once`);
    case "spent":
      throw new ScoringError("quota_exceeded", "the API key has used up its images of the day (UTC)");
    case "spent_dollars":
      throw new ScoringError(
        "quota_exceeded",
        `the API key has used up its budget of the month (UTC): $${request.owner.budget?.dollars}`,
      );
    default:
      return reservation;
  }
}
