/** What both deployments, the Worker and `src/serve/`, assemble from their parts: the API, the consumers' ports, the work of the crons. */

import { uuidv7 } from "uuidv7";
import type { ApiDeps, JobHandle } from "./http/api-deps.ts";
import { createApp } from "./http/app.ts";
import { readCallerById } from "./http/auth.ts";
import { nameWork } from "./jobs/consumer.ts";
import type { WholeDirectory } from "./jobs/directory-rows.ts";
import { createTurns } from "./jobs/turns.ts";
import { lookAtSchedules, runDueSchedules } from "./jobs/run-due-schedules.ts";
import { sweepOpenJobs, sweepRetainedJobs } from "./jobs/sweep-open-jobs.ts";
import type { Logger } from "./log.ts";
import type { Registry } from "./model/registry.ts";
import type { Eraser } from "./scoring/erase/eraser-port.ts";
import type { DeadLetterDirectory } from "./scoring/job/dead-letter.ts";
import type { Limits } from "./scoring/limits.ts";
import { DEFAULT_MODEL } from "./scoring/manifest/manifest.ts";
import { renderDeployment } from "./scoring/operations/deployment-metrics.ts";
import type { Counters } from "./scoring/operations/prometheus.ts";
import { createReadiness, type ReadinessDeps } from "./scoring/operations/readiness.ts";
import { type FedUploads, feedUploads, type Upload } from "./scoring/schedules/feed-uploads.ts";
import type { ScheduleDeps } from "./scoring/schedules/run-schedule.ts";
import { sendWebhook, type WebhookOptions } from "./scoring/webhook/webhook.ts";
import { deriveWebhookSecret } from "./scoring/webhook/webhook-secret.ts";
import { createNameResolver, type ResolveName } from "./scoring/webhook/webhook-names.ts";
import type { WorkDeps } from "./scoring/work/work-deps.ts";
import type { WebhookConfig } from "./settings.ts";
import type { StoreTable } from "./store-table.ts";
import { VERSION } from "./version.ts";

/** The parts that a deployment brings. */
export interface PlatformParts extends Pick<
  ApiDeps,
  "adminKey" | "devKey" | "limitRate" | "withReference" | "hook" | "basePath" | "queue" | "modelPlace"
> {
  readonly stores: StoreTable;
  readonly registry: Registry;
  readonly directory: WholeDirectory;
  openJob(id: string): JobHandle;
  openEraser(id: string): Eraser;
  readonly withScorer: WorkDeps["withScorer"];
  readonly checkModel: ScheduleDeps["checkModel"];
  readonly webhook: WebhookConfig | null;
  /** For reports; `null` where nobody is named. */
  readonly controller: string | null;
  readonly trace?: WorkDeps["trace"];
  readonly readQueue: ReadinessDeps["readQueue"];
  /** Where jobs and keys are kept; `null`: anywhere. */
  readonly jurisdiction: string | null;
  /** Observations of this process; `null` where a deployment has many. */
  readonly counters: Counters | null;
  readonly limits: Limits;
  readonly clock: () => number;
  readonly logger: Logger;
}

/** A deployment, wired. */
export interface Platform {
  readonly app: ReturnType<typeof createApp>;
  /** What a consumer works with. */
  readonly work: WorkDeps;
  readonly deadLetters: DeadLetterDirectory;
  /** The five-minute cron: schedules that are due at `nowMs`, and what follows their runs. */
  runSchedules(nowMs: number): Promise<void>;
  /** Uploads that a store tells of. */
  feedUploads(store: string, uploads: readonly Upload[]): Promise<FedUploads>;
  /** The hourly cron: jobs whose alarm was lost, and those whose retention is over. */
  sweep(): Promise<void>;
}

/** A coordinator that readiness asks; it never has a job. */
const NIL_UUID = "00000000-0000-0000-0000-000000000000";

const sleep = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

/** Wires the parts. No logic. */
export function createPlatform(parts: PlatformParts): Platform {
  const { stores, registry, directory, webhook, limits, clock, logger, adminKey, devKey } = parts;
  const openStore = (name: string): ReturnType<StoreTable["open"]> => stores.open(name);
  const openJob = (id: string): JobHandle => parts.openJob(id);
  const openEraser = (id: string): Eraser => parts.openEraser(id);
  const hook = parts.hook === undefined ? {} : { hook: parts.hook };
  const sender = webhook === null ? {} : { sendWebhook: makeWebhookSender(webhook, limits, clock) };
  const work: WorkDeps = {
    openJob,
    openEraser,
    openStore,
    withScorer: parts.withScorer,
    readCard: (model) => registry.card(model),
    chargeImages: (charge) => directory.chargeImages(charge),
    limits,
    ...(parts.trace === undefined ? {} : { trace: parts.trace }),
    ...createTurns(limits, clock, (error) => logger.log("warn", "heartbeat_failed", { error })),
    ...sender,
    failed: (message, error) => logger.log("warn", "work_failed", { ...nameWork(message), message, error }),
  };
  const { resolve } = webhook === null ? {} : makeResolver(webhook, limits);
  const schedule: ScheduleDeps = {
    openJob,
    openStore,
    storeNames: stores.names,
    registry,
    checkModel: parts.checkModel,
    directory,
    schedules: directory,
    readCaller: (keyId) => readCallerById(keyId, { adminKey, devKey, clock, keys: directory, ...hook }),
    clock,
    webhookHosts: webhook?.allowedHosts ?? null,
    ...(resolve === undefined ? {} : { resolveName: resolve }),
    newId: uuidv7,
    controller: parts.controller,
    limits,
    ...sender,
  };
  const readReadiness = createReadiness({
    checks: [
      { name: "model", probe: () => registry.load(DEFAULT_MODEL) },
      { name: "directory", probe: () => directory.list({ cursor: null, limit: 1, owner: null }) },
      { name: "coordinator", probe: () => openJob(NIL_UUID).owner() },
      ...stores.names.map((name) => ({
        name: `store:${name}`,
        probe: () => openStore(name).list({ prefix: "", limit: 1 }),
      })),
    ],
    readQueue: parts.readQueue,
    jurisdiction: parts.jurisdiction,
    clock,
    sleep,
    maxAgeMs: limits.readinessMaxAgeMs,
    timeoutMs: limits.readinessTimeoutMs,
    failed: (name, error) => logger.log("warn", "not_ready", { check: name, error }),
  });
  const app = createApp({
    ...schedule,
    openEraser,
    readReadiness,
    deadLetters: directory,
    queue: parts.queue,
    readMetrics: async () =>
      renderDeployment({
        version: VERSION,
        readiness: await readReadiness(),
        totals: await directory.readTotals(),
        counters: parts.counters,
      }),
    openJob,
    keys: directory,
    adminKey,
    devKey,
    ...hook,
    ...(parts.basePath === undefined ? {} : { basePath: parts.basePath }),
    limitRate: parts.limitRate,
    readWebhookSecret: webhook === null ? null : (keyId) => deriveWebhookSecret(webhook.secret, keyId),
    withScorer: parts.withScorer,
    withReference: parts.withReference,
    modelPlace: parts.modelPlace ?? null,
    logger,
    version: VERSION,
  });
  return {
    app,
    work,
    deadLetters: directory,
    feedUploads: (store, uploads) => feedUploads(schedule, store, uploads),
    async runSchedules(nowMs) {
      await runDueSchedules(schedule, nowMs, logger);
      await lookAtSchedules(schedule, nowMs, logger);
    },
    async sweep() {
      await sweepOpenJobs(directory, openJob, limits.maxJobsPerSweep, logger);
      await sweepRetainedJobs({ directory, openJob, openStore }, limits, clock(), logger);
    },
  };
}

function makeWebhookSender(
  webhook: WebhookConfig,
  limits: Limits,
  clock: () => number,
): NonNullable<WorkDeps["sendWebhook"]> {
  const options: Omit<WebhookOptions, "secret"> = {
    allowedHosts: webhook.allowedHosts,
    ...makeResolver(webhook, limits),
    maxRedirects: limits.maxWebhookRedirects,
    timeoutMs: limits.webhookTimeoutMs,
    clock,
    fetch: (target, init) => fetch(target, init),
  };
  return async (url, id, payload, keyId) => {
    const secret = keyId === null ? webhook.secret : await deriveWebhookSecret(webhook.secret, keyId);
    await sendWebhook(url, id, payload, { ...options, secret });
  };
}

function makeResolver({ resolverUrl }: WebhookConfig, limits: Limits): { readonly resolve?: ResolveName } {
  if (resolverUrl === null) return {};
  const timeoutMs = limits.webhookTimeoutMs;
  return { resolve: createNameResolver({ url: resolverUrl, timeoutMs, fetch: (target, init) => fetch(target, init) }) };
}
