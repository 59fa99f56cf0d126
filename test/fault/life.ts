/**
 * One consumer's life in the simulation: an isolate of its own, whose every call of a port passes a gate before and after.
 * At a gate it waits for its turn, and may die there.
 */

import type { ImageDecoder } from "../../src/image/image-types.ts";
import type { JobCoordinator } from "../../src/scoring/job/coordinator-port.ts";
import type { WorkDeps } from "../../src/scoring/work/work-deps.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { createRetryBudget } from "../../src/storage/retry.ts";
import { withRetry } from "../../src/storage/retried-store.ts";
import type { InvocationMeter } from "./invocation-meter.ts";
import type { SimulationOptions } from "./simulation.ts";

export interface LifeOptions {
  readonly options: SimulationOptions;
  /** The store with its faults. */
  readonly store: ObjectStore;
  readonly coordinator: JobCoordinator;
  readonly meter: InvocationMeter;
  readonly random: () => number;
  /** Waits for this life's turn. @throws if it dies here, or did before */
  readonly pass: (moment: string) => Promise<void>;
  /** See WorkDeps.startHeart. */
  readonly startHeart: NonNullable<WorkDeps["startHeart"]>;
  /** The isolate died at once, without a word. */
  readonly die: () => void;
}

/** The ports that the consumer works with. */
export function createLife(life: LifeOptions): WorkDeps {
  const { options, store, coordinator, meter, random, pass, die } = life;
  let beating = false;
  /** Both sides of every call are moments at which the process may die, or others may act. */
  async function gate<T>(call: string, body: () => Promise<T>): Promise<T> {
    // A sign of life comes beside whatever the consumer is at.
    if (beating) return body();
    await pass(`before ${call}`);
    const result = await body();
    await pass(`after ${call}`);
    return result;
  }
  // The connection is open while the call waits at its gates; retries are calls of their own.
  const retried = withRetry(meter.limitStore(gateStore(store, gate)), {
    ...options.limits.storeTries,
    baseDelayMs: 1,
    maxDelayMs: 1,
    budget: createRetryBudget(100, 1),
    random,
    sleep: async () => {},
  });
  const job = gateCoordinator(coordinator, meter, gate);
  return {
    openJob: (id) => options.ended?.get(id) ?? job,
    openStore: () => retried,
    ...(options.trace === undefined ? {} : { trace: options.trace }),
    // The engine is lent to one consumer at a time in an isolate; here each life is an isolate of its own.
    withScorer: (body) => {
      const decoder: ImageDecoder = {
        ...options.decoder,
        decode: (bytes) => {
          if (options.isDeadly?.(bytes) !== true) return options.decoder.decode(bytes);
          die();
          return new Promise(() => {});
        },
      };
      return body(async () => ({ decoder, classifier: options.classifier, finder: options.finder ?? null }));
    },
    readCard: async () => options.card,
    ...(options.stopRate === undefined ? {} : { startTime: () => () => random() < options.stopRate! }),
    startHeart: (beat) =>
      life.startHeart(() => {
        beating = true;
        const sent = beat();
        beating = false;
        return sent;
      }),
    limits: options.limits,
  };
}

type Gate = <T>(call: string, body: () => Promise<T>) => Promise<T>;

function gateStore(inner: ObjectStore, gate: Gate): ObjectStore {
  const gateUpload = (upload: ReturnType<ObjectStore["resumeMultipart"]>): typeof upload => ({
    key: upload.key,
    uploadId: upload.uploadId,
    uploadPart: (n, body) => gate(`part ${n} of ${upload.key}`, () => upload.uploadPart(n, body)),
    complete: (parts) => gate(`complete ${upload.key}`, () => upload.complete(parts)),
    abort: () => gate(`abort ${upload.key}`, () => upload.abort()),
  });
  return {
    capabilities: inner.capabilities,
    head: (key) => gate(`head ${key}`, () => inner.head(key)),
    get: (key, options) => gate(`get ${key}`, () => inner.get(key, options)),
    read: (key, options) => gate(`read ${key}`, () => inner.read(key, options)),
    put: (key, body, options) => gate(`put ${key}`, () => inner.put(key, body, options)),
    list: (options) => gate(`list ${options.prefix}`, () => inner.list(options)),
    delete: (keys) => gate(`delete ${keys.join(" ")}`, () => inner.delete(keys)),
    createMultipart: async (key, options) =>
      gateUpload(await gate(`begin ${key}`, () => inner.createMultipart(key, options))),
    resumeMultipart: (key, uploadId) => gateUpload(inner.resumeMultipart(key, uploadId)),
  };
}

function gateCoordinator(inner: JobCoordinator, meter: InvocationMeter, gate: Gate): JobCoordinator {
  const ask = <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) => {
    return (...args: A): Promise<R> => {
      meter.count();
      const about = args.filter((arg) => typeof arg !== "object").join(" ");
      return gate(`${name} ${about}`.trimEnd(), () => call(...args));
    };
  };
  return {
    create: ask("create", (spec) => inner.create(spec)),
    read: ask("read", () => inner.read()),
    command: ask("command", (command) => inner.command(command)),
    addInputs: ask("addInputs", (inputs) => inner.addInputs(inputs)),
    seal: ask("seal", () => inner.seal()),
    beginPlan: ask("beginPlan", (step) => inner.beginPlan(step)),
    commitPlan: ask("commitPlan", (report) => inner.commitPlan(report)),
    lease: ask("lease", (id) => inner.lease(id)),
    finish: ask("finish", (id, result) => inner.finish(id, result)),
    finishPart: ask("finishPart", (id, attempt, part) => inner.finishPart(id, attempt, part)),
    release: ask("release", (id, attempt, failure) => inner.release(id, attempt, failure)),
    renew: ask("renew", (id, attempt, computing) => inner.renew(id, attempt, computing)),
    loseChunk: ask("loseChunk", (id) => inner.loseChunk(id)),
    retryTask: ask("retryTask", (task, step, attempt, failure, outage) =>
      inner.retryTask(task, step, attempt, failure, outage),
    ),
    renewTask: ask("renewTask", (task, step, attempt) => inner.renewTask(task, step, attempt)),
    fail: ask("fail", (failure) => inner.fail(failure)),
    beginFinalize: ask("beginFinalize", (step) => inner.beginFinalize(step)),
    commitFinalize: ask("commitFinalize", (report) => inner.commitFinalize(report)),
    beginRange: ask("beginRange", (phase, range, step) => inner.beginRange(phase, range, step)),
    commitRange: ask("commitRange", (report) => inner.commitRange(report)),
    retryRange: ask("retryRange", (at, failure, outage) => inner.retryRange(at, failure, outage)),
    readRange: ask("readRange", (phase, range) => inner.readRange(phase, range)),
    renewRange: ask("renewRange", (phase, range, step, attempt) => inner.renewRange(phase, range, step, attempt)),
    leaseToClient: ask("leaseToClient", (hold) => inner.leaseToClient(hold)),
    renewClient: ask("renewClient", (id, hold) => inner.renewClient(id, hold)),
    returnFromClient: ask("returnFromClient", (id, hold, issue) => inner.returnFromClient(id, hold, issue)),
    readChunk: ask("readChunk", (id) => inner.readChunk(id)),
    shareClientSecret: ask("shareClientSecret", (candidate) => inner.shareClientSecret(candidate)),
    listChunks: ask("listChunks", (from, limit) => inner.listChunks(from, limit)),
    listPages: ask("listPages", (skip, limit) => inner.listPages(skip, limit)),
    listOrphans: ask("listOrphans", (ids) => inner.listOrphans(ids)),
    listEvents: ask("listEvents", (after, limit) => inner.listEvents(after, limit)),
    readNotice: ask("readNotice", (id) => inner.readNotice(id)),
    finishNotice: ask("finishNotice", (id) => inner.finishNotice(id)),
    sweep: ask("sweep", () => inner.sweep()),
  };
}
