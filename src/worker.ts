/** Wires the environment to the ports. No logic. */

import { createFaceFinderWorkerd } from "./backends/faces-workerd.ts";
import { listBundledModels } from "./backends/models-workerd.ts";
import { createScorerLender } from "./backends/scorer-workerd.ts";
import { type Config, parseConfig } from "./env.ts";
import { consumeBatch, consumeDeadLetters } from "./jobs/consumer.ts";
import { DirectoryBase } from "./jobs/directory-object.ts";
import type { WholeDirectory } from "./jobs/directory-rows.ts";
import { JobCoordinatorBase } from "./jobs/job-coordinator-object.ts";
import { createDatasetMetrics, createLogMetrics } from "./jobs/metrics-sinks.ts";
import { createWorkQueue } from "./jobs/work-queue.ts";
import { createConsoleLogger } from "./log.ts";
import { createPlatform, type Platform } from "./platform.ts";
import { LIMITS } from "./scoring/limits.ts";
import type { WorkMessage } from "./scoring/job/messages.ts";
import type { Metrics } from "./scoring/operations/metrics.ts";
import type { RawEnv } from "./settings.ts";
import { createStoreTable, openModels } from "./store-table.ts";
import { createR2Store } from "./storage/r2/r2-store.ts";
import { createS3Store } from "./storage/s3/s3-store.ts";

interface Wiring {
  readonly config: Config;
  readonly platform: Platform;
}

/** The two triggers of wrangler.toml; a trigger without a name, fired by hand, does the work of both. */
const SWEEP_CRON = "0 * * * *";
const SCHEDULE_CRON = "*/5 * * * *";

const logger = createConsoleLogger();
const clock = (): number => Date.now();

/** Engines and codecs live as long as the isolate; the rest belongs to the environment that the isolate was given. */
const wirings = new WeakMap<RawEnv, Wiring>();

function wire(env: RawEnv): Wiring {
  const known = wirings.get(env);
  if (known !== undefined) return known;
  const config = parseConfig(env);
  const { engine, adminKey, devKey, webhook, limits } = config;
  const stores = createStoreTable(
    new Map(
      [...config.stores].map(([name, store]) => [
        name,
        store.kind === "r2"
          ? createR2Store(store.bucket, limits.storePace)
          : createS3Store({ ...store.config, pace: limits.storePace }),
      ]),
    ),
  );
  const registry = openModels(listBundledModels(), stores, config.models);
  const scorers = createScorerLender(registry, engine, LIMITS.image, createFaceFinderWorkerd);
  const platform = createPlatform({
    stores,
    registry,
    directory: openDirectory(config),
    openJob: (id) => config.jobs.getByName(id),
    openEraser: (id) => config.jobs.getByName(id),
    withScorer: (body) => scorers.withScorer(body),
    withReference: (body) => scorers.withReference(body),
    limitRate: async (who) => (await config.rateLimit.limit({ key: who })).success,
    adminKey,
    devKey,
    webhook,
    limits,
    clock,
    logger,
  });
  const wiring = { config, platform };
  wirings.set(env, wiring);
  return wiring;
}

/** Locally the dataset keeps nothing, so metrics go to the log. */
function openMetrics({ environment, metrics }: Config): Metrics {
  return metrics === null || environment === "local" ? createLogMetrics(logger) : createDatasetMetrics(metrics, logger);
}

/** A stub belongs to the request that made it, so each call makes its own. */
function openDirectory(config: Config): WholeDirectory {
  const stub = () => config.directory.getByName("all");
  return {
    reserve: (request) => stub().reserve(request),
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

/** One per job. */
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
    return wire(env).platform.app.fetch(request);
  },
  async queue(batch: QueueBatch<WorkMessage>, env: RawEnv): Promise<void> {
    const { config, platform } = wire(env);
    const deps = { work: platform.work, logger, metrics: openMetrics(config), clock };
    // "chunks-dead" locally, "chunks-dead-<environment>" on the account.
    if (batch.queue.startsWith("chunks-dead")) await consumeDeadLetters(batch, deps);
    else await consumeBatch(batch, deps);
  },
  async scheduled(event: ScheduledEvent, env: RawEnv): Promise<void> {
    const { platform } = wire(env);
    if (event.cron !== SWEEP_CRON) await platform.runSchedules(event.scheduledTime);
    if (event.cron !== SCHEDULE_CRON) await platform.sweep();
  },
};
