/** The whole platform in one process: API and console, coordinators and directory over SQLite, the queue in a table, consumers in threads. */

import { createServer, type IncomingMessage, type Server } from "node:http";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { ScoringError } from "../errors.ts";
import { createDirectoryRows, type WholeDirectory } from "../jobs/directory-rows.ts";
import { createLogMetrics } from "../jobs/metrics-sinks.ts";
import { checkModelMemory } from "../backends/graph/model-memory.ts";
import { listFolderModels } from "../backends/models-node.ts";
import type { Logger } from "../log.ts";
import { makeBuiltInKey } from "../http/auth.ts";
import { makeSignInCode } from "../http/sign-in-code.ts";
import { createPlatform, type Platform } from "../platform.ts";
import { createCounters, joinMetrics } from "../scoring/operations/prometheus.ts";
import { recoverMessage } from "../scoring/work/recover-message.ts";
import type { WorkQueue } from "../scoring/job/messages.ts";
import { SERVE_LIMITS } from "./serve-limits.ts";
import type { RawEnv } from "../settings.ts";
import { findModelPlace, openModels } from "../store-table.ts";
import { readAdminKeyFile } from "./admin-key.ts";
import { createConsumer } from "./consumer.ts";
import { startConsumerLoop } from "./consumer-loop.ts";
import { lockFolder } from "./folder-lock.ts";
import { createJobFiles, type JobFiles } from "./job-files.ts";
import { openJobs } from "./jobs.ts";
import type { Answer } from "./port-calls.ts";
import { createQueueRows, type Delivery } from "./queue-rows.ts";
import { createRateCounter } from "./rate-counter.ts";
import { openServeStores, parseServeConfig } from "./serve-config.ts";
import { createSite } from "./site.ts";
import { loadSqlite, type SqliteFile } from "./sqlite-file.ts";
import { startThreads, TASKS_PER_THREAD } from "./threads.ts";

/** How a server is started. */
export interface ServeOptions {
  /** Folder of everything that the server keeps, and of nothing else. */
  readonly dataFolder: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Threads that work on jobs. */
  readonly threads: number;
  readonly variables: RawEnv;
  /** The built console. */
  readonly siteFolder: string;
  readonly logger: Logger;
}

/** A server that answers. */
export interface RunningServer {
  /** `http://<host>:<port>` */
  readonly origin: string;
  /** File of the admin key that was made because the configuration gave none; `null` if it gave one. */
  readonly adminKeyFile: string | null;
  /** A code for the console's address, `#/sign-in?code=…`, that signs in once with the admin key, within an hour. */
  makeSignInCode(): Promise<string>;
  /** Makes the runs of schedules that are due at `nowMs`; the server does so every minute by itself. */
  runSchedules(nowMs: number): Promise<void>;
  /** Takes nothing new, gives what is under way some time to end, and closes. */
  stop(): Promise<void>;
}

const clock = (): number => Date.now();

/** Starts a server. @throws ScoringError `config_invalid` */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { dataFolder, threads, variables, logger } = options;
  // Whoever can read the folder can read the hashes of keys, and jobs.
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const config = parseServeConfig(variables, dataFolder);
  const lock = await lockFolder(dataFolder);
  const openSqlite = await loadSqlite();
  // A key that was made must survive a power cut; a lost message is sent again by the sweep.
  const directoryFile = openSqlite(join(dataFolder, "directory.sqlite"), "disk");
  const queueFile = openSqlite(join(dataFolder, "queue.sqlite"), "system");
  const queue = createQueueRows(queueFile.sql, (body) => queueFile.transactionSync(body));
  const directory = inTransactions(createDirectoryRows(directoryFile.sql), directoryFile);
  const stores = await openServeStores(config);
  const registry = openModels(await listFolderModels(), stores, config.models);
  const admin = config.adminKey === null ? readAdminKeyFile(dataFolder) : { key: config.adminKey, path: null };
  const counters = createCounters();
  const metrics = joinMetrics(createLogMetrics(logger), counters);
  const wakers: (() => void)[] = [];
  const work: WorkQueue = {
    async send(messages) {
      queue.send(messages, clock());
      for (const wake of wakers) wake();
    },
  };
  const shellDeps = {
    queue: work,
    directory,
    clock,
    logger,
    metrics,
    limits: config.limits,
  };
  const jobs = openJobs((): JobFiles => files, shellDeps, SERVE_LIMITS.alarmRetryMs);
  const files = createJobFiles(join(dataFolder, "jobs"), openSqlite, queueFile.sql, (atMs) => jobs.alarmSet(atMs));
  const answer: Answer = async (target, name, method, args) => {
    if (target === "directory" && method === "workFailed") {
      logger.log("warn", "work_failed", { message: args[0], error: args[1] });
      return null;
    }
    const port: object = target === "directory" ? directory : jobs.open(name);
    const call: unknown = Reflect.get(port, method);
    if (typeof call !== "function") throw new ScoringError("internal", `nothing answers ${target}.${method}`);
    return Reflect.apply(call, port, args);
  };
  const pool = startThreads({ threads, variables: pickWorkVariables(variables), dataFolder, answer });
  const platform = createPlatform({
    stores,
    registry,
    modelPlace: findModelPlace(config.models),
    directory,
    openJob: (id) => jobs.open(id),
    openEraser: (id) => jobs.open(id),
    checkModel: checkModelMemory,
    withScorer: pool.lend(config.engine),
    withReference: pool.lend("tfjs"),
    queue: work,
    readQueue: async () => queue.readDepth(),
    counters,
    jurisdiction: null,
    limitRate: createRateCounter(SERVE_LIMITS.maxRequests, SERVE_LIMITS.requestPeriodMs, clock),
    adminKey: admin.key,
    devKey: null,
    webhook: config.webhook,
    controller: config.controller,
    limits: config.limits,
    clock,
    logger,
  });

  // The consumers of these messages died with the previous process.
  for (const held of queue.releaseHeld(clock())) {
    if (!held.dead && (await recoverMessage(platform.work, held.body))) queue.settle(held);
  }
  const consumer = createConsumer({
    queue,
    pool,
    work: platform.work,
    deadLetters: directory,
    logger,
    metrics,
    clock,
  });
  const common = {
    queue,
    holdMs: SERVE_LIMITS.holdMs,
    clock,
    consume: (delivery: Delivery) => consumer.consume(delivery),
  };
  const loops = [
    startConsumerLoop({ ...common, lane: "work", places: threads * TASKS_PER_THREAD }),
    startConsumerLoop({ ...common, lane: "notify", places: SERVE_LIMITS.maxNotices }),
  ];
  for (const loop of loops) wakers.push(() => loop.wake());
  const crons = startCrons(platform, logger);
  const server = createHttpServer(
    createSite(options.siteFolder, (request) => platform.app.fetch(request)),
    config.trustsProxy,
  );
  const closeAll = async (): Promise<void> => {
    for (const cron of crons) clearInterval(cron);
    const ended = await Promise.all(loops.map((loop) => loop.stop(SERVE_LIMITS.stopMs)));
    consumer.giveBack();
    await pool.close();
    if (ended.includes(false)) await Promise.all(loops.map((loop) => loop.stop(SERVE_LIMITS.stopMs)));
    await jobs.stop();
    files.close();
    queueFile.close();
    directoryFile.close();
    await lock.release();
  };
  try {
    const origin = await listen(server, options.host, options.port);
    return {
      origin,
      adminKeyFile: admin.path,
      makeSignInCode: async () => makeSignInCode(await makeBuiltInKey("admin", admin.key), clock()),
      runSchedules: (nowMs) => platform.runSchedules(nowMs),
      async stop() {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        // Event streams would never end; their readers reconnect.
        server.closeIdleConnections();
        const patience = setTimeout(() => server.closeAllConnections(), SERVE_LIMITS.drainMs);
        await closed;
        clearTimeout(patience);
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** What a Durable Object does by itself: all writes of one call, or none. */
function inTransactions(rows: WholeDirectory, file: SqliteFile): WholeDirectory {
  return new Proxy(rows, {
    get: (target, name) => {
      const call: unknown = Reflect.get(target, name);
      if (typeof call !== "function") return call;
      return (...args: readonly unknown[]): unknown => file.transactionSync(() => Reflect.apply(call, target, args));
    },
  });
}

/** Threads need neither the admin key nor the webhook's secret. */
function pickWorkVariables(variables: RawEnv): RawEnv {
  const names = Object.keys(variables).filter((name) => /^(ENGINE|STORES|STORE_.*|MODELS|LOCAL_TIMES)$/.test(name));
  return Object.fromEntries(names.map((name) => [name, variables[name]]));
}

function startCrons(platform: Platform, logger: Logger): readonly NodeJS.Timeout[] {
  const every = (periodMs: number, event: string, body: () => Promise<void>): NodeJS.Timeout =>
    setInterval(() => {
      body().catch((error: unknown) => logger.log("error", event, { error }));
    }, periodMs);
  return [
    every(SERVE_LIMITS.schedulePeriodMs, "schedules_failed", () => platform.runSchedules(clock())),
    every(SERVE_LIMITS.sweepPeriodMs, "sweep_failed", () => platform.sweep()),
  ];
}

/** The header that tells the API who asks; on the platform Cloudflare sets it. */
const ADDRESS_HEADER = "cf-connecting-ip";

function createHttpServer(site: ReturnType<typeof createSite>, trustsProxy: boolean): Server {
  const listener = getRequestListener((request) => site(request));
  const secureListener = getRequestListener((request) => site(makeSecure(request)));
  return createServer((incoming, outgoing) => {
    setAddress(incoming, trustsProxy);
    const isSecure = trustsProxy && incoming.headers["x-forwarded-proto"] === "https";
    void (isSecure ? secureListener : listener)(incoming, outgoing);
  });
}

/** Puts the caller's address where the API looks for it; what the caller itself put there is ignored. */
function setAddress(incoming: IncomingMessage, trustsProxy: boolean): void {
  const forwarded = trustsProxy ? String(incoming.headers["x-forwarded-for"] ?? "") : "";
  // The last entry is the nearest proxy's own.
  const address = forwarded.split(",").at(-1)?.trim() || (incoming.socket.remoteAddress ?? "");
  const raw: string[] = [];
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    const [name = "", value = ""] = incoming.rawHeaders.slice(at, at + 2);
    if (name.toLowerCase() !== ADDRESS_HEADER) raw.push(name, value);
  }
  incoming.rawHeaders = [...raw, ADDRESS_HEADER, address];
}

/** The request as the caller sent it to the proxy: over TLS. */
function makeSecure(request: Request): Request {
  const { method, headers, body, signal } = request;
  const init = { method, headers, signal, ...(body === null ? {} : { body, duplex: "half" }) };
  return new Request(request.url.replace(/^http:/, "https:"), init);
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: Error) =>
      reject(new ScoringError("config_invalid", `cannot listen on ${host}:${port}: ${cause.message}`, { cause })),
    );
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const name = host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${typeof address === "object" ? address?.port : port}`;
}
