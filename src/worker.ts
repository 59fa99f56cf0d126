/** Wires the environment to the ports. No logic. */

import { uuidv7 } from "uuidv7";
import { createFaceFinderWorkerd } from "./backends/faces-workerd.ts";
import { listBundledModels } from "./backends/models-workerd.ts";
import { createScorerLender, type ScorerLender } from "./backends/scorer-workerd.ts";
import { type Config, parseConfig, type RawEnv } from "./env.ts";
import { ScoringError } from "./errors.ts";
import type { JobHandle } from "./http/api-deps.ts";
import { createApp } from "./http/app.ts";
import { describeProblem } from "./http/problem.ts";
import { readCallerById } from "./http/auth.ts";
import { consumeBatch, consumeDeadLetters, nameWork } from "./jobs/consumer.ts";
import { DirectoryBase } from "./jobs/directory-object.ts";
import { JobCoordinatorBase } from "./jobs/job-coordinator-object.ts";
import { createDatasetMetrics, createLogMetrics } from "./jobs/metrics-sinks.ts";
import { runDueSchedules } from "./jobs/run-due-schedules.ts";
import { sweepOpenJobs, sweepRetainedJobs } from "./jobs/sweep-open-jobs.ts";
import { createWorkQueue } from "./jobs/work-queue.ts";
import { createConsoleLogger } from "./log.ts";
import { createRegistry, type Registry } from "./model/registry.ts";
import type { KeyDirectory } from "./scoring/access/api-key.ts";
import type { Directory } from "./scoring/job/job-directory.ts";
import type { Eraser } from "./scoring/erase/eraser-port.ts";
import { LIMITS } from "./scoring/limits.ts";
import { DEFAULT_MODEL } from "./scoring/manifest/manifest.ts";
import type { WorkMessage } from "./scoring/job/messages.ts";
import type { Metrics } from "./scoring/operations/metrics.ts";
import { createReadiness } from "./scoring/operations/readiness.ts";
import type { ScheduleDeps } from "./scoring/schedules/run-schedule.ts";
import type { ScheduleDirectory } from "./scoring/schedules/schedule.ts";
import { sendWebhook, type WebhookOptions } from "./scoring/webhook/webhook.ts";
import { createNameResolver, type ResolveName } from "./scoring/webhook/webhook-names.ts";
import type { WorkDeps } from "./scoring/work/work-deps.ts";
import { listStoredModels } from "./scoring/operations/stored-models.ts";
import type { ObjectStore } from "./storage/object-store.ts";
import { createR2Store } from "./storage/r2/r2-store.ts";
import { createRetryBudget, type RetryPolicy, withRetry } from "./storage/retry.ts";
import { createS3Store } from "./storage/s3/s3-store.ts";
import { VERSION } from "./version.ts";

interface Wiring {
  readonly config: Config;
  readonly registry: Registry;
  readonly scorers: ScorerLender;
  readonly app: ReturnType<typeof createApp>;
  readonly work: WorkDeps;
  readonly schedule: ScheduleDeps;
}

/** The coordinator that readiness asks; it never has a job. */
const NIL_UUID = "00000000-0000-0000-0000-000000000000";

/** The two triggers of wrangler.toml; one without a name, by hand, does the work of both. */
const SWEEP_CRON = "0 * * * *";
const SCHEDULE_CRON = "*/5 * * * *";

const logger = createConsoleLogger();
const clock = (): number => Date.now();

/** Engines and codecs live as long as the isolate; everything hangs on the environment that it was given. */
const wirings = new WeakMap<RawEnv, Wiring>();

const retryPolicy = (): RetryPolicy => ({
  maxAttempts: 4,
  maxTimeouts: 2,
  baseDelayMs: 100,
  maxDelayMs: 3000,
  budget: createRetryBudget(50, 0.2),
  random: Math.random,
  sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
});

function openStores(config: Config): ReadonlyMap<string, ObjectStore> {
  return new Map(
    [...config.stores].map(([name, store]) => {
      const pace = config.limits.storePace;
      const inner = store.kind === "r2" ? createR2Store(store.bucket, pace) : createS3Store({ ...store.config, pace });
      return [name, withRetry(inner, retryPolicy())];
    }),
  );
}

function wire(env: RawEnv): Wiring {
  const known = wirings.get(env);
  if (known !== undefined) return known;
  const config = parseConfig(env);
  const stores = openStores(config);
  const openStore = (name: string): ObjectStore => {
    const store = stores.get(name);
    if (store === undefined) throw new ScoringError("unknown_store", `no store is named ${JSON.stringify(name)}`);
    return store;
  };
  const { models } = config;
  const stored =
    models === null ? [] : listStoredModels(openStore(models.store), models.prefix, models.ids, LIMITS.maxModelBytes);
  const registry = createRegistry([...listBundledModels(), ...stored], models?.aliases);
  const scorers = createScorerLender(registry, config.engine, LIMITS.image, createFaceFinderWorkerd);
  const openJob = (id: string): JobHandle => config.jobs.getByName(id);
  const openEraser = (id: string): Eraser => config.jobs.getByName(id);
  const work: WorkDeps = {
    openJob,
    openEraser,
    openStore,
    withScorer: (body) => scorers.withScorer(body),
    readCard: (model) => registry.card(model),
    chargeImages: (charge) => openDirectory(config).chargeImages(charge),
    limits: config.limits,
    ...(config.webhook === null ? {} : { sendWebhook: makeWebhookSender(config.webhook) }),
    failed: (message, error) => logger.log("warn", "work_failed", { ...nameWork(message), message, error }),
  };
  const directory = openDirectory(config);
  const readReadiness = createReadiness({
    checks: [
      { name: "model", probe: () => registry.load(DEFAULT_MODEL) },
      { name: "directory", probe: () => directory.list({ cursor: null, limit: 1, owner: null }) },
      { name: "coordinator", probe: () => openJob(NIL_UUID).owner() },
      ...[...stores].map(([name, store]) => ({
        name: `store:${name}`,
        probe: () => store.list({ prefix: "", limit: 1 }),
      })),
    ],
    clock,
    sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
    maxAgeMs: LIMITS.readinessMaxAgeMs,
    timeoutMs: LIMITS.readinessTimeoutMs,
    failed: (name, error) => logger.log("warn", "not_ready", { check: name, error }),
  });
  const { adminKey, devKey, limits } = config;
  const { resolve } = config.webhook === null ? {} : makeResolver(config.webhook);
  const schedule: ScheduleDeps = {
    openJob,
    openStore,
    storeNames: [...stores.keys()],
    registry,
    directory,
    schedules: directory,
    readCaller: (keyId) => readCallerById(keyId, { adminKey, devKey, clock, keys: directory }),
    clock,
    webhookHosts: config.webhook?.allowedHosts ?? null,
    ...(resolve === undefined ? {} : { resolveName: resolve }),
    newId: uuidv7,
    limits,
  };
  const app = createApp({
    ...schedule,
    openEraser,
    readReadiness,
    openJob,
    keys: directory,
    adminKey,
    devKey,
    limitRate: async (who) => (await config.rateLimit.limit({ key: who })).success,
    withScorer: (body) => scorers.withScorer(body),
    withReference: (body) => scorers.withReference(body),
    logger,
    version: VERSION,
  });
  const wiring = { config, registry, scorers, app, work, schedule };
  wirings.set(env, wiring);
  return wiring;
}

function makeWebhookSender(webhook: NonNullable<Config["webhook"]>): NonNullable<WorkDeps["sendWebhook"]> {
  const options: WebhookOptions = {
    secret: webhook.secret,
    allowedHosts: webhook.allowedHosts,
    ...makeResolver(webhook),
    maxRedirects: LIMITS.maxWebhookRedirects,
    timeoutMs: LIMITS.webhookTimeoutMs,
    clock,
    fetch: (target, init) => fetch(target, init),
  };
  return (url, id, payload) => sendWebhook(url, id, payload, options);
}

function makeResolver({ resolverUrl }: NonNullable<Config["webhook"]>): { readonly resolve?: ResolveName } {
  if (resolverUrl === null) return {};
  const timeoutMs = LIMITS.webhookTimeoutMs;
  return { resolve: createNameResolver({ url: resolverUrl, timeoutMs, fetch: (target, init) => fetch(target, init) }) };
}

/** Locally the dataset keeps nothing, so the log tells. */
function openMetrics({ environment, metrics }: Config): Metrics {
  return metrics === null || environment === "local" ? createLogMetrics(logger) : createDatasetMetrics(metrics, logger);
}

/** A stub belongs to the request that made it, so each call makes its own. */
function openDirectory(config: Config): Directory & KeyDirectory & ScheduleDirectory {
  const stub = () => config.directory.getByName("all");
  return {
    reserve: (request) => stub().reserve(request),
    confirm: (jobId) => stub().confirm(jobId),
    withdraw: (...args) => stub().withdraw(...args),
    rank: (standing) => stub().rank(standing),
    update: (view) => stub().update(view),
    list: (options) => stub().list(options),
    remove: (jobId) => stub().remove(jobId),
    takeOpenJob: () => stub().takeOpenJob(),
    takeRetainedJob: (nowMs) => stub().takeRetainedJob(nowMs),
    release: (jobIds) => stub().release(jobIds),
    chargeImages: (charge) => stub().chargeImages(charge),
    writeKey: (record) => stub().writeKey(record),
    readKey: (id) => stub().readKey(id),
    listKeys: () => stub().listKeys(),
    endSession: (...args) => stub().endSession(...args),
    isSessionEnded: (id) => stub().isSessionEnded(id),
    removeKey: (id) => stub().removeKey(id),
    addSchedule: (record, nextDueMs, maxPerOwner) => stub().addSchedule(record, nextDueMs, maxPerOwner),
    replaceSchedule: (record, nextDueMs) => stub().replaceSchedule(record, nextDueMs),
    readSchedule: (id) => stub().readSchedule(id),
    listSchedules: (options) => stub().listSchedules(options),
    takeDueSchedule: (nowMs) => stub().takeDueSchedule(nowMs),
    settleSchedule: (id, revision, settledMs, nextDueMs) => stub().settleSchedule(id, revision, settledMs, nextDueMs),
    removeSchedule: (id) => stub().removeSchedule(id),
    writeScheduleRun: (run, keep) => stub().writeScheduleRun(run, keep),
    listScheduleRuns: (id, limit) => stub().listScheduleRuns(id, limit),
  };
}

/** One a job. */
export class JobCoordinatorObject extends JobCoordinatorBase {
  constructor(ctx: DurableObjectState, env: RawEnv) {
    const config = parseConfig(env);
    super(ctx, env, {
      queue: createWorkQueue(config.queue),
      directory: openDirectory(config),
      clock,
      logger,
      metrics: openMetrics(config),
      limits: config.limits,
    });
  }
}

/** One for all jobs. */
export class DirectoryObject extends DirectoryBase {}

export default {
  fetch(request: Request, env: RawEnv): Response | Promise<Response> {
    let app: Wiring["app"];
    try {
      ({ app } = wire(env));
    } catch (error) {
      return describeProblem(new URL(request.url).pathname, error, logger);
    }
    return app.fetch(request);
  },
  async queue(batch: QueueBatch<WorkMessage>, env: RawEnv): Promise<void> {
    const { config, work } = wire(env);
    const deps = { work, logger, metrics: openMetrics(config), clock };
    // "chunks-dead" locally, "chunks-dead-<environment>" on the account.
    if (batch.queue.startsWith("chunks-dead")) await consumeDeadLetters(batch, deps);
    else await consumeBatch(batch, deps);
  },
  async scheduled(event: ScheduledEvent, env: RawEnv): Promise<void> {
    const { config, work, schedule } = wire(env);
    if (event.cron !== SWEEP_CRON) await runDueSchedules(schedule, event.scheduledTime, logger);
    if (event.cron === SCHEDULE_CRON) return;
    const directory = openDirectory(config);
    const openJob = (id: string): JobHandle => config.jobs.getByName(id);
    const { limits } = config;
    await sweepOpenJobs(directory, openJob, limits.maxJobsPerSweep, logger);
    await sweepRetainedJobs({ directory, openJob, openStore: (name) => work.openStore(name) }, limits, clock(), logger);
  },
};
