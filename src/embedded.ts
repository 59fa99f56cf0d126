/**
 * `countenance/worker`: the whole platform as a part of a Worker of your own. docs/embedding.md has the bindings that it needs.
 * @packageDocumentation
 */

import { createFaceFinderWorkerd } from "./backends/faces-workerd.ts";
import { checkModelMemory } from "./backends/graph/model-memory.ts";
import { listBundledModels } from "./backends/models-workerd.ts";
import { createScorerLender } from "./backends/scorer-workerd.ts";
import { ScoringError } from "./errors.ts";
import type { CallerHook } from "./http/api-deps.ts";
import { describeProblem } from "./http/problem.ts";
import type { Caller } from "./scoring/access/access.ts";
import { type Config, parseConfig, type StoreConfig } from "./env.ts";
import { consumeBatch, consumeDeadLetters } from "./jobs/consumer.ts";
import { DirectoryBase } from "./jobs/directory-object.ts";
import { JobCoordinatorBase } from "./jobs/job-coordinator-object.ts";
import { createDatasetMetrics, createLogMetrics } from "./jobs/metrics-sinks.ts";
import { openDirectory } from "./jobs/open-directory.ts";
import { createTrace, markMessage, readTraceParent } from "./jobs/platform-spans.ts";
import { tracing } from "./jobs/runtime-tracing.ts";
import { consumeUploads } from "./jobs/upload-events.ts";
import { createWorkQueue, readQueueDepth } from "./jobs/work-queue.ts";
import { createConsoleLogger } from "./log.ts";
import { createPlatform, type Platform } from "./platform.ts";
import { LIMITS, type Limits } from "./scoring/limits.ts";
import type { WorkMessage } from "./scoring/job/messages.ts";
import type { Metrics } from "./scoring/operations/metrics.ts";
import { createCounters, joinMetrics } from "./scoring/operations/prometheus.ts";
import type { RawEnv } from "./settings.ts";
import { createStoreTable, findModelPlace, openModels } from "./store-table.ts";
import { createR2Store } from "./storage/r2/r2-store.ts";
import type { ObjectStore } from "./storage/object-store.ts";
import type { createS3Store } from "./storage/s3/s3-store.ts";

export type { Caller, Rights, Scope, StoreGrant } from "./scoring/access/access.ts";
export type { ObjectStore } from "./storage/object-store.ts";

/** Variables and bindings of a Worker. */
export type WorkerEnv = Readonly<Record<string, unknown>>;

/** Who may ask, where a Worker of your own knows people better than API keys do. */
export interface WorkerAuth {
  /** Who sends the request; `null`: whom its API key or session names. Other origins' requests with your cookies are yours to refuse. */
  identify(request: Request, env: WorkerEnv): Promise<Caller | null> | Caller | null;
  /** The rights of one of these callers later on, for runs of a schedule; `null` where there are none any more. Absent: none of them can have schedules. */
  recall?(keyId: string, env: WorkerEnv): Promise<Caller | null> | Caller | null;
}

/** What a Worker of your own may change. */
export interface CountenanceOptions {
  /** Where the API is mounted: `/faces` for `/faces/v1/jobs`. Default: at the root. */
  readonly basePath?: string;
  readonly auth?: WorkerAuth;
  /** Stores beside those of STORES, by name. */
  readonly stores?: (env: WorkerEnv) => Readonly<Record<string, ObjectStore>>;
  /** Opens the S3 stores of STORES; without it they are refused. */
  readonly openS3?: typeof createS3Store;
}

/** A batch of a queue, as the runtime hands it over. */
export interface WorkerBatch {
  readonly queue: string;
  readonly messages: readonly {
    readonly id: string;
    readonly timestamp: Date;
    readonly attempts: number;
    readonly body: unknown;
    ack(): void;
    retry(options?: { delaySeconds?: number }): void;
  }[];
}

/** A cron that fired, as the runtime tells of it. */
export interface WorkerCron {
  readonly cron: string;
  /** ms since the epoch. */
  readonly scheduledTime: number;
}

/** The handlers of a Worker. */
export interface CountenanceWorker {
  /** Requests below the base path; others are answered 404. */
  readonly fetch: (request: Request, env: WorkerEnv) => Promise<Response>;
  /** Batches of the queue CHUNKS, of its dead letters, whose name begins with `chunks-dead`, and of R2's event notifications (`uploads`). */
  readonly queue: (batch: WorkerBatch, env: WorkerEnv) => Promise<void>;
  /** Hourly (`0 * * * *`) and every five minutes; another cron does the work of both. */
  readonly scheduled: (event: WorkerCron, env: WorkerEnv) => Promise<void>;
}

interface Wiring {
  readonly config: Config;
  readonly platform: Platform;
}

/** The two triggers of wrangler.toml; a trigger without a name, fired by hand, does the work of both. */
const SWEEP_CRON = "0 * * * *";
const SCHEDULE_CRON = "*/5 * * * *";

const logger = createConsoleLogger();
const clock = (): number => Date.now();
/** Of this isolate: locally there is one. */
const counters = createCounters();

/**
 * The platform's handlers.
 * @example
 * ```ts
 * import { createCountenance, DirectoryObject, JobCoordinatorObject } from "countenance/worker";
 *
 * const countenance = createCountenance({ basePath: "/faces" });
 * export { DirectoryObject, JobCoordinatorObject };
 * export default {
 *   fetch: (request, env) =>
 *     new URL(request.url).pathname.startsWith("/faces/") ? countenance.fetch(request, env) : new Response("my own"),
 *   queue: countenance.queue,
 *   scheduled: countenance.scheduled,
 * };
 * ```
 */
export function createCountenance(options: CountenanceOptions = {}): CountenanceWorker {
  /** Engines and codecs live as long as the isolate; the rest belongs to the environment that the isolate was given. */
  const wirings = new WeakMap<RawEnv, Wiring>();
  const basePath = (options.basePath ?? "").replace(/\/+$/, "");
  const open = (env: RawEnv): Wiring => {
    const wiring = wirings.get(env) ?? wire(env, options, basePath);
    wirings.set(env, wiring);
    return wiring;
  };
  return {
    async fetch(request, env) {
      return relocate(basePath, request, (inner) => {
        let app: Platform["app"];
        try {
          ({ app } = open(env).platform);
        } catch (error) {
          return describeProblem(new URL(inner.url).pathname, error, logger);
        }
        return app.fetch(inner);
      });
    },
    async queue(batch, env) {
      const { config, platform } = open(env);
      const deps = {
        work: platform.work,
        deadLetters: platform.deadLetters,
        logger,
        metrics: openMetrics(config),
        clock,
      };
      // "uploads" locally, "uploads-<environment>" on the account: what R2 has sent.
      if (batch.queue.startsWith("uploads")) {
        return consumeUploads(batch, {
          findStores: (bucket) => findStoresOver(config, bucket),
          feed: (store, uploads) => platform.feedUploads(store, uploads),
          logger,
        });
      }
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what coordinators have sent
      const messages = batch as QueueBatch<WorkMessage>;
      // One message an invocation, as wrangler.toml says.
      for (const { body } of messages.messages.slice(0, 1)) markMessage(tracing, body);
      // "chunks-dead" locally, "chunks-dead-<environment>" on the account.
      if (batch.queue.startsWith("chunks-dead")) await consumeDeadLetters(messages, deps);
      else await consumeBatch(messages, deps);
    },
    async scheduled(event, env) {
      const { platform } = open(env);
      if (event.cron !== SWEEP_CRON) await platform.runSchedules(event.scheduledTime);
      if (event.cron !== SCHEDULE_CRON) await platform.sweep();
    },
  };
}

/** Asks `app` as though it were at the root, and puts addresses of its answer below the base path. */
async function relocate(
  basePath: string,
  request: Request,
  app: (request: Request) => Response | Promise<Response>,
): Promise<Response> {
  if (basePath === "") return app(request);
  const url = new URL(request.url);
  // Nothing is at the root.
  url.pathname = url.pathname.startsWith(`${basePath}/`) ? url.pathname.slice(basePath.length) : "/";
  const answer = await app(new Request(url, request));
  const location = answer.headers.get("location");
  const cookie = answer.headers.get("set-cookie");
  if (location === null && cookie === null) return answer;
  const moved = new Response(answer.body, answer);
  if (location?.startsWith("/") === true) moved.headers.set("location", `${basePath}${location}`);
  if (cookie !== null) moved.headers.set("set-cookie", cookie.replace("Path=/", `Path=${basePath}/`));
  return moved;
}

function wire(env: RawEnv, options: CountenanceOptions, basePath: string): Wiring {
  const config = parseConfig(env);
  const { engine, adminKey, devKey, webhook, limits } = config;
  const bare = new Map<string, ObjectStore>();
  for (const [name, store] of config.stores) bare.set(name, openBare(name, store, options, limits.storePace));
  for (const [name, store] of Object.entries(options.stores?.(env) ?? {})) bare.set(name, store);
  const stores = createStoreTable(bare);
  const registry = openModels(listBundledModels(), stores, config.models);
  const scorers = createScorerLender(registry, engine, LIMITS.image, createFaceFinderWorkerd);
  const platform = createPlatform({
    stores,
    registry,
    modelPlace: findModelPlace(config.models),
    directory: openDirectory(config.directory),
    openJob: (id) => config.jobs.getByName(id),
    openEraser: (id) => config.jobs.getByName(id),
    checkModel: checkModelMemory,
    withScorer: (body) => scorers.withScorer(body),
    withReference: (body) => scorers.withReference(body),
    trace: createTrace(tracing),
    queue: createWorkQueue(config.queue, () => readTraceParent(tracing)),
    readQueue: () => readQueueDepth(config.queue),
    jurisdiction: config.jurisdiction,
    counters: config.environment === "local" ? counters : null,
    limitRate: async (who) => (await config.rateLimit.limit({ key: who })).success,
    adminKey,
    devKey,
    webhook,
    controller: config.controller,
    limits,
    clock,
    logger,
    basePath,
    ...(options.auth === undefined ? {} : { hook: bindAuth(options.auth, env) }),
  });
  return { config, platform };
}

function openBare(
  name: string,
  store: StoreConfig,
  { openS3 }: CountenanceOptions,
  pace: Limits["storePace"],
): ObjectStore {
  if (store.kind === "r2") return createR2Store(store.bucket, pace);
  if (openS3 !== undefined) return openS3({ ...store.config, pace });
  throw new ScoringError(
    "config_invalid",
    `STORES: ${name}: this Worker opens no S3 stores: give createCountenance openS3`,
  );
}

/** Names of the stores over a bucket that event notifications name. */
function findStoresOver({ stores }: Config, bucket: string): readonly string[] {
  return [...stores].flatMap(([name, store]) => (store.kind === "r2" && store.name === bucket ? [name] : []));
}

function bindAuth(auth: WorkerAuth, env: RawEnv): CallerHook {
  return {
    identify: async (request) => auth.identify(request, env),
    recall: async (keyId) => (await auth.recall?.(keyId, env)) ?? null,
  };
}

/** Locally the dataset keeps nothing, so metrics go to the log, and are added up for `GET /metrics`. */
function openMetrics({ environment, metrics }: Config): Metrics {
  if (environment === "local") return joinMetrics(createLogMetrics(logger), counters);
  return metrics === null ? createLogMetrics(logger) : createDatasetMetrics(metrics, logger);
}

/** A class of Durable Objects, for the exports of a Worker. */
export type DurableObjectClass = new (ctx: never, env: never) => object;

/** One per job; bound as JOBS. */
export const JobCoordinatorObject: DurableObjectClass = class extends JobCoordinatorBase {
  constructor(ctx: DurableObjectState, env: RawEnv) {
    const config = parseConfig(env);
    super(ctx, env, {
      queue: createWorkQueue(config.queue, () => readTraceParent(tracing)),
      directory: openDirectory(config.directory),
      clock,
      logger,
      metrics: openMetrics(config),
      limits: config.limits,
    });
  }
};

/** One for all jobs; bound as DIRECTORY. */
export const DirectoryObject: DurableObjectClass = class extends DirectoryBase {};
