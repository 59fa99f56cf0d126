/**
 * A whole deployment in one process: coordinator, consumers, queue and store, under what production does and local
 * runtimes do not. Messages are duplicated, reordered, delayed and lost; consumers run interleaved and are killed before or
 * after any call; leases expire under living consumers; the clock moves only between calls. All of it from one seed.
 */

import { ScoringError } from "../../src/errors.ts";
import type { ImageDecoder } from "../../src/image/image-types.ts";
import type { ModelCard } from "../../src/model/card.ts";
import type { Classifier } from "../../src/model/classifier.ts";
import { createCoordinator } from "../../src/scoring/coordinator.ts";
import type { JobCoordinator } from "../../src/scoring/coordinator-port.ts";
import type { JobSpec } from "../../src/scoring/job-spec.ts";
import { type ChunkRow, isEnded, type JobState } from "../../src/scoring/job-state.ts";
import type { Limits } from "../../src/scoring/limits.ts";
import { createMemoryRows } from "../../src/scoring/memory-rows.ts";
import type { WorkMessage } from "../../src/scoring/messages.ts";
import { handleDeadLetter, handleMessage, type WorkDeps } from "../../src/scoring/work.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { createRetryBudget, withRetry } from "../../src/storage/retry.ts";
import { createFaultStore, createRandom, createSeededSchedule, type FaultRates } from "./fault-store.ts";
import { limitConnections, type ConnectionMeter } from "./connection-meter.ts";

export interface SimulationOptions {
  readonly seed: number;
  readonly spec: JobSpec;
  readonly store: ObjectStore;
  readonly card: ModelCard;
  readonly decoder: ImageDecoder;
  readonly classifier: Classifier;
  readonly limits: Limits;
  /** Chance of a kill at each side of each call. */
  readonly killRate: number;
  /** Chances of store faults. */
  readonly faults: FaultRates;
  /** Chances, for each message or step. */
  readonly duplicateRate: number;
  readonly loseRate: number;
  /** Chance that the clock leaps over a lease while consumers are at work. */
  readonly leapRate: number;
  /** Kills, losses, duplicates and leaps in all, so that every run ends. */
  readonly maxTroubles: number;
  /** Pictures that kill the isolate that decodes them: it never answers. */
  readonly isDeadly?: (bytes: Uint8Array) => boolean;
  /** Coordinators of ended jobs that this one reads: the runs before it. */
  readonly ended?: ReadonlyMap<string, JobCoordinator>;
  /** Called between steps, to give commands. */
  readonly onStep?: (step: number, job: JobCoordinator) => Promise<void>;
}

export interface SimulationResult {
  readonly state: JobState;
  readonly coordinator: JobCoordinator;
  readonly chunks: readonly ChunkRow[];
  readonly kills: number;
  readonly steps: number;
  readonly meter: ConnectionMeter;
}

/** The process died: nothing of this life may do anything more. */
class Killed extends Error {}

interface QueuedMessage {
  readonly message: WorkMessage;
  readonly dueMs: number;
  attempts: number;
  /** Held by a consumer until it acknowledges or dies. */
  held: boolean;
}

interface Waiting {
  readonly resume: () => void;
}

/** Deliveries before a message is a dead letter: wrangler.toml's max_retries and the first. */
const MAX_DELIVERIES = 4;
const MAX_STEPS = 50_000;
/** Consumers at once. */
const MAX_LIVES = 4;

export async function simulateJob(options: SimulationOptions): Promise<SimulationResult> {
  const random = createRandom(options.seed);
  const { limits, spec } = options;
  let nowMs = spec.createdMs;
  let troubles = options.maxTroubles;
  let kills = 0;
  const chance = (rate: number): boolean => {
    if (random() >= rate || troubles <= 0) return false;
    troubles -= 1;
    return true;
  };
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;

  let queue: QueuedMessage[] = [];
  const rows = createMemoryRows();
  const coordinator = createCoordinator({
    rows,
    limits,
    clock: () => nowMs,
    queue: {
      async send(messages) {
        if (chance(options.loseRate)) throw new ScoringError("queue_unavailable", "simulated");
        for (const { message, delaySeconds } of messages) {
          // A kill between the commit and the send, or a local queue that forgot: the message never was.
          if (chance(options.loseRate)) continue;
          const copies = chance(options.duplicateRate) ? 2 : 1;
          for (let copy = 0; copy < copies; copy++) {
            queue.push({ message, dueMs: nowMs + delaySeconds * 1000, attempts: 0, held: false });
          }
        }
      },
    },
  });

  const gates: Waiting[] = [];
  let living = 0;
  const meter: ConnectionMeter = { open: 0, most: 0, calls: 0, mostCalls: 0 };
  /** The engine is lent to one consumer at a time in an isolate; here each life is an isolate of its own. */
  function createLife(number: number, die: () => void): WorkDeps {
    let dead = false;
    const pass = (): Promise<void> =>
      new Promise((resolve, reject) => {
        gates.push({
          resume: () => {
            if (!dead && chance(options.killRate)) {
              dead = true;
              kills += 1;
            }
            if (dead) reject(new Killed("killed"));
            else resolve();
          },
        });
      });
    /** Both sides of every call are moments at which the process may die, or others may act. */
    const gated = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        await pass();
        const result = await call(...args);
        await pass();
        return result;
      };
    };
    const schedule = createSeededSchedule(options.seed * 7919 + number, options.faults, 20);
    const faulty = limitConnections(createFaultStore(options.store, schedule), limits.maxConnections, meter);
    const gatedStore: ObjectStore = {
      capabilities: faulty.capabilities,
      head: gated((key) => faulty.head(key)),
      get: gated((key, getOptions) => faulty.get(key, getOptions)),
      read: gated((key, readOptions) => faulty.read(key, readOptions)),
      put: gated((key, body, putOptions) => faulty.put(key, body, putOptions)),
      list: gated((listOptions) => faulty.list(listOptions)),
      delete: gated((keys) => faulty.delete(keys)),
      createMultipart: async (key, putOptions) =>
        gateUpload(await gated(() => faulty.createMultipart(key, putOptions))()),
      resumeMultipart: (key, uploadId) => gateUpload(faulty.resumeMultipart(key, uploadId)),
    };
    function gateUpload(upload: ReturnType<ObjectStore["resumeMultipart"]>): typeof upload {
      const { key, uploadId } = upload;
      return {
        key,
        uploadId,
        uploadPart: gated((n, body) => upload.uploadPart(n, body)),
        complete: gated((parts) => upload.complete(parts)),
        abort: gated(() => upload.abort()),
      };
    }
    const store = withRetry(gatedStore, {
      maxAttempts: 4,
      baseDelayMs: 1,
      maxDelayMs: 1,
      budget: createRetryBudget(100, 1),
      random,
      sleep: async () => {},
    });
    const job = gateCoordinator(coordinator, gated);
    return {
      openJob: (id) => options.ended?.get(id) ?? job,
      openStore: () => store,
      withScorer: (body) => {
        const { classifier } = options;
        const decoder: ImageDecoder = {
          ...options.decoder,
          decode: (bytes) => {
            if (options.isDeadly?.(bytes) !== true) return options.decoder.decode(bytes);
            dead = true;
            die();
            return new Promise(() => {});
          },
        };
        return body(async () => ({ decoder, classifier, finder: null }));
      },
      readCard: async () => options.card,
      limits,
    };
  }

  let lives = 0;
  function deliver(entry: QueuedMessage): void {
    entry.held = true;
    entry.attempts += 1;
    living += 1;
    lives += 1;
    let over = false;
    const end = (): void => {
      if (!over) living -= 1;
      over = true;
    };
    const deps = createLife(lives, () => {
      entry.held = false;
      end();
    });
    const dead = entry.attempts > MAX_DELIVERIES;
    const work = dead ? handleDeadLetter(deps, entry.message) : handleMessage(deps, entry.message);
    void settleDelivery(work);

    async function settleDelivery(pending: Promise<void>): Promise<void> {
      try {
        await pending;
        queue = queue.filter((other) => other !== entry);
      } catch {
        entry.held = false;
      }
      end();
    }
  }

  /** Until every living consumer stands at a gate: then what happens next is the seed's choice alone. */
  async function settle(): Promise<void> {
    while (gates.length < living) await new Promise((resolve) => setImmediate(resolve));
    // A consumer with several calls under way has several gates: let the last microtasks run.
    await new Promise((resolve) => setImmediate(resolve));
  }

  await coordinator.create(spec);
  let steps = 0;
  for (; steps < MAX_STEPS; steps++) {
    await settle();
    const state = rows.readState()!;
    if (isEnded(state.status) && living === 0) break;
    await options.onStep?.(steps, coordinator);
    const due = queue.filter((entry) => !entry.held && entry.dueMs <= nowMs);
    if (chance(options.leapRate)) {
      nowMs += limits.leaseMs;
      await coordinator.sweep();
    } else if (due.length > 0 && living < MAX_LIVES && (gates.length === 0 || random() < 0.3)) {
      deliver(pick(due));
    } else if (gates.length > 0) {
      const [gate] = gates.splice(Math.floor(random() * gates.length), 1);
      gate!.resume();
    } else {
      nowMs += limits.sweepMs;
      await coordinator.sweep();
    }
    if (random() < 0.05) nowMs += 10;
  }
  if (steps === MAX_STEPS) throw new Error(`seed ${options.seed}: the job never ended (${rows.readState()?.status})`);
  return { state: rows.readState()!, coordinator, chunks: rows.listChunks(0, 1e6), kills, steps, meter };
}

type Gated = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => (...args: A) => Promise<R>;

function gateCoordinator(inner: JobCoordinator, gated: Gated): JobCoordinator {
  return {
    create: gated((spec) => inner.create(spec)),
    read: gated(() => inner.read()),
    command: gated((command) => inner.command(command)),
    beginPlan: gated((step) => inner.beginPlan(step)),
    commitPlan: gated((report) => inner.commitPlan(report)),
    lease: gated((id) => inner.lease(id)),
    finish: gated((id, result) => inner.finish(id, result)),
    release: gated((id, attempt) => inner.release(id, attempt)),
    loseChunk: gated((id) => inner.loseChunk(id)),
    retryTask: gated((task, step, attempt, failure) => inner.retryTask(task, step, attempt, failure)),
    fail: gated((failure) => inner.fail(failure)),
    beginFinalize: gated((step) => inner.beginFinalize(step)),
    commitFinalize: gated((report) => inner.commitFinalize(report)),
    leaseToClient: gated((hold) => inner.leaseToClient(hold)),
    renewClient: gated((id, hold) => inner.renewClient(id, hold)),
    returnFromClient: gated((id, hold, issue) => inner.returnFromClient(id, hold, issue)),
    readChunk: gated((id) => inner.readChunk(id)),
    shareClientSecret: gated((candidate) => inner.shareClientSecret(candidate)),
    listChunks: gated((from, limit) => inner.listChunks(from, limit)),
    listPages: gated((skip, limit) => inner.listPages(skip, limit)),
    listOrphans: gated((ids) => inner.listOrphans(ids)),
    listEvents: gated((after, limit) => inner.listEvents(after, limit)),
    readNotice: gated((id) => inner.readNotice(id)),
    finishNotice: gated((id) => inner.finishNotice(id)),
    sweep: gated(() => inner.sweep()),
  };
}
