/** Accepting a job: check everything, remember the request, create the coordinator. Repeating it changes nothing. */

import { ScoringError } from "../../errors.ts";
import type { Registry } from "../../model/registry.ts";
import { probeConditionalPut } from "../../storage/conditional-put.ts";
import { type Caller, toOwner } from "../access/access.ts";
import { checkManifestAccess } from "../manifest/manifest-access.ts";
import type { Directory } from "../job/job-directory.ts";
import { chooseFaceFinder, chooseThresholds, type JobSpec, type ScheduleOrigin } from "../job/job-spec.ts";
import { isEnded } from "../job/job-status.ts";
import { type JobView, viewJob } from "../job/job-view.ts";
import { probeKey } from "../keys.ts";
import { type Manifest, parseManifest } from "../manifest/manifest.ts";
import { digestHex } from "../sha256.ts";
import { checkWebhookAddress } from "../webhook/webhook-address.ts";
import { checkWebhookTarget } from "../webhook/webhook-names.ts";
import type { SubmitDeps } from "./submit-deps.ts";
import { type DryRun, planDryRun } from "./dry-run.ts";

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
  const manifest = checkManifest(deps, body, caller);
  if (manifest.notify !== undefined) await checkNotifyName(deps, manifest.notify.url);
  if (manifest.dryRun) return { kind: "dry-run", plan: await planDryRun(deps, manifest, caller) };
  const card = await deps.registry.card(manifest.model);
  const thresholds = chooseThresholds(manifest, card);
  const manifestSha256 = await digestHex(new TextEncoder().encode(JSON.stringify(manifest)));
  const nowMs = deps.clock();
  const reservation = await reserveJob(deps, {
    jobId: deps.newId(),
    idempotencyKey: options.idempotencyKey,
    bodySha256: manifestSha256,
    nowMs,
    owner: caller,
  });
  const { jobId } = reservation;
  const job = deps.openJob(jobId);
  const known = reservation.kind === "known" ? await job.read() : null;
  if (known !== null) return { kind: "known", job: viewJob(known.state, known.spec, nowMs) };
  try {
    await probeConditionalPut(deps.openStore(manifest.output.store), probeKey(manifest.output.prefix, jobId));
  } catch (error) {
    await deps.directory.release([jobId]);
    throw error;
  }
  const spec: JobSpec = {
    id: jobId,
    createdMs: nowMs,
    manifest,
    manifestSha256,
    model: deps.registry.resolve(manifest.model),
    modelSha256: card.sha256,
    pipeline: manifest.pipeline ?? card.pipeline,
    ...thresholds,
    ...chooseFaceFinder(manifest),
    retryOf: options.retryOf ?? null,
    owner: toOwner(caller),
    ...(schedule === undefined ? {} : { schedule }),
  };
  return { kind: "created", job: viewJob(await job.create(spec), spec, nowMs) };
}

/** @throws ScoringError `address_forbidden`, `webhook_failed` */
async function checkNotifyName({ webhookHosts, resolveName }: SubmitDeps, url: string): Promise<void> {
  if (resolveName === undefined) return;
  await checkWebhookTarget(url, { allowedHosts: webhookHosts ?? [], resolve: resolveName });
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

/** @throws ScoringError `idempotency_mismatch`, `quota_exceeded` */
async function reserveJob(
  deps: SubmitDeps,
  request: ReserveRequest,
): Promise<{ readonly kind: "new" | "known"; readonly jobId: string }> {
  let reservation = await deps.directory.reserve(request);
  if (reservation.kind === "full") {
    // The list may lag behind jobs: ask the oldest that it takes for open; the hourly sweep asks all.
    const ended: string[] = [];
    for (const id of reservation.openJobs.slice(0, deps.limits.maxOpenJobsAsked)) {
      const job = await deps.openJob(id).read();
      if (job !== null && isEnded(job.state.status)) ended.push(id);
    }
    await deps.directory.release(ended);
    if (ended.length > 0) reservation = await deps.directory.reserve(request);
  }
  switch (reservation.kind) {
    case "mismatch":
      throw new ScoringError("idempotency_mismatch", "the Idempotency-Key has already come with another manifest");
    case "full":
      throw new ScoringError("quota_exceeded", `the API key may have ${request.owner.maxJobs} jobs at once`);
    case "spent":
      throw new ScoringError("quota_exceeded", "the API key has used up its images of the day (UTC)");
    default:
      return reservation;
  }
}
