/**
 * A whole deployment in one process: coordinator, consumers, queue and store, under what production does and local
 * runtimes do not. Messages are duplicated, reordered, delayed and lost; consumers run interleaved and are killed before or
 * after any call; leases expire under living consumers; stores hang; the clock moves only between calls. All of it from one seed.
 */

import type { Trace } from "../../src/scoring/work/spans.ts";
import { ScoringError } from "../../src/errors.ts";
import type { ImageDecoder } from "../../src/image/image-types.ts";
import type { ModelCard } from "../../src/model/card.ts";
import type { Classifier } from "../../src/model/classifier.ts";
import type { FaceFinder } from "../../src/model/face-finder.ts";
import { createCoordinator } from "../../src/scoring/job/coordinator.ts";
import type { JobCoordinator } from "../../src/scoring/job/coordinator-port.ts";
import type { JobSpec } from "../../src/scoring/job/job-spec.ts";
import type { JobState } from "../../src/scoring/job/job-state.ts";
import { isEnded } from "../../src/scoring/job/job-status.ts";
import type { ChunkRow } from "../../src/scoring/job/chunk-row.ts";
import type { JobRows } from "../../src/scoring/job/job-rows.ts";
import type { Limits } from "../../src/scoring/limits.ts";
import { createMemoryRows } from "../../src/scoring/job/memory-rows.ts";
import type { WorkMessage } from "../../src/scoring/job/messages.ts";
import { handleDeadLetter, handleMessage } from "../../src/scoring/work/handle-message.ts";
import type { WorkDeps } from "../../src/scoring/work/work-deps.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import {
  createFaultStore,
  createRandom,
  createSeededSchedule,
  type Fault,
  type FaultCall,
  type FaultRates,
  type FaultSchedule,
} from "./fault-store.ts";
import { createInvocationMeter, type InvocationPeaks, PLATFORM } from "./invocation-meter.ts";
import { createLife } from "./life.ts";

export interface SimulationOptions {
  /** See WorkDeps.trace. */
  readonly trace?: Trace;
  readonly seed: number;
  readonly spec: JobSpec;
  readonly store: ObjectStore;
  readonly card: ModelCard;
  readonly decoder: ImageDecoder;
  readonly classifier: Classifier;
  /** For jobs that search faces. */
  readonly finder?: FaceFinder;
  readonly limits: Limits;
  /** Chance of a kill at each side of each call. */
  readonly killRate: number;
  /** Chances of store faults. */
  readonly faults: FaultRates;
  /** What a call meets at this time, before any chance: a store that is away. */
  readonly outage?: (call: FaultCall, nowMs: number) => Fault | null;
  /** Most of them in one consumer's life; 20 by default, so that one ends. */
  readonly maxFaults?: number;
  /** Chances, for each message or step. */
  readonly duplicateRate: number;
  readonly loseRate: number;
  /** Chance that the clock leaps over a lease while consumers are at work. */
  readonly leapRate: number;
  /** Chance that the clock moves at all between two steps; it stands still within one. 0.05 by default. */
  readonly tickRate?: number;
  /** Chance, after each input, that the time of its chunk is over; 0 by default. */
  readonly stopRate?: number;
  /** Kills, losses, duplicates and leaps in all, so that every run ends. */
  readonly maxTroubles: number;
  /** The one kill, the one lost or doubled message of an exhaustive run; beside the chances. */
  readonly killAt?: (moment: string) => boolean;
  readonly sendAt?: (sends: number) => "lose" | "duplicate" | null;
  /** Pictures that kill the isolate that decodes them: it never answers. */
  readonly isDeadly?: (bytes: Uint8Array) => boolean;
  /** Where the coordinator keeps the job; in memory by default. */
  readonly rows?: JobRows;
  /** Coordinators of ended jobs that this one reads: the runs before it. */
  readonly ended?: ReadonlyMap<string, JobCoordinator>;
  /** Called between steps, to give commands. */
  readonly onStep?: (step: number, job: JobCoordinator, nowMs: number) => Promise<void>;
}

export interface SimulationResult {
  readonly state: JobState;
  readonly coordinator: JobCoordinator;
  readonly chunks: readonly ChunkRow[];
  readonly kills: number;
  readonly steps: number;
  /** Every gate that was passed, in order. */
  readonly moments: readonly string[];
  /** Messages that the coordinator sent. */
  readonly sends: number;
  /** By what the consumer was asked to do. */
  readonly peaks: Readonly<Record<WorkMessage["kind"], InvocationPeaks>>;
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
  /** Not before. */
  readonly dueMs: number;
}

/** A living consumer's sign of life. */
interface Heart {
  readonly beat: () => Promise<unknown>;
  dueMs: number;
}

/** Deliveries before a message is a dead letter: wrangler.toml's max_retries and the first. */
const MAX_DELIVERIES = 4;
const MAX_STEPS = 50_000;
/** Consumers at once. */
const MAX_LIVES = 4;

const noPeaks = (): InvocationPeaks => ({ connections: 0, subrequests: 0 });

export async function simulateJob(options: SimulationOptions): Promise<SimulationResult> {
  const random = createRandom(options.seed);
  const { limits, spec } = options;
  let nowMs = spec.createdMs;
  let troubles = options.maxTroubles;
  let kills = 0;
  let sends = 0;
  const moments: string[] = [];
  const peaks = {
    plan: noPeaks(),
    scan: noPeaks(),
    score: noPeaks(),
    finalize: noPeaks(),
    merge: noPeaks(),
    erase: noPeaks(),
    notify: noPeaks(),
  };
  const chance = (rate: number): boolean => {
    if (random() >= rate || troubles <= 0) return false;
    troubles -= 1;
    return true;
  };
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;

  let queue: QueuedMessage[] = [];
  const rows = options.rows ?? createMemoryRows();
  const coordinator = createCoordinator({
    rows,
    limits,
    clock: () => nowMs,
    queue: {
      async send(messages) {
        if (chance(options.loseRate)) throw new ScoringError("queue_unavailable", "simulated");
        for (const { message, delaySeconds } of messages) {
          const planned = options.sendAt?.(sends) ?? null;
          sends += 1;
          // A kill between the commit and the send, or a local queue that forgot: the message never was.
          if (planned === "lose" || chance(options.loseRate)) continue;
          const copies = planned === "duplicate" || chance(options.duplicateRate) ? 2 : 1;
          for (let copy = 0; copy < copies; copy++) {
            queue.push({ message, dueMs: nowMs + delaySeconds * 1000, attempts: 0, held: false });
          }
        }
      },
    },
  });

  const gates: Waiting[] = [];
  const hearts = new Set<Heart>();
  let living = 0;
  function startLife(kind: WorkMessage["kind"], number: number, end: () => void): WorkDeps {
    let dead = false;
    const stand = (moment: string, forMs: number): Promise<void> =>
      new Promise((resolve, reject) => {
        gates.push({
          dueMs: nowMs + forMs,
          resume: () => {
            moments.push(moment);
            if (!dead && (chance(options.killRate) || options.killAt?.(moment) === true)) {
              dead = true;
              kills += 1;
            }
            if (dead) reject(new Killed("killed"));
            else resolve();
          },
        });
      });
    const chances = createSeededSchedule(options.seed * 7919 + number, options.faults, options.maxFaults ?? 20);
    const schedule: FaultSchedule = (call) => options.outage?.(call, nowMs) ?? chances(call);
    return createLife({
      options,
      store: createFaultStore(options.store, schedule, () => stand("hanging", limits.storePace.answerMs)),
      coordinator,
      meter: createInvocationMeter(peaks[kind]),
      random,
      pass: (moment) => stand(moment, 0),
      startHeart(beat) {
        const heart = { beat: async () => !dead && (await beat()), dueMs: nowMs + limits.heartbeatMs };
        hearts.add(heart);
        return () => hearts.delete(heart);
      },
      die() {
        dead = true;
        end();
      },
    });
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
    const deps = startLife(entry.message.kind, lives, () => {
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

  async function beatHearts(): Promise<void> {
    for (const heart of hearts) {
      if (heart.dueMs > nowMs) continue;
      heart.dueMs = nowMs + limits.heartbeatMs;
      await heart.beat();
    }
  }

  await coordinator.create(spec);
  let steps = 0;
  for (; steps < MAX_STEPS; steps++) {
    await settle();
    const state = rows.readState()!;
    if (isEnded(state.status) && living === 0) break;
    await options.onStep?.(steps, coordinator, nowMs);
    await beatHearts();
    const due = queue.filter((entry) => !entry.held && entry.dueMs <= nowMs);
    const open = gates.filter((gate) => gate.dueMs <= nowMs);
    if (chance(options.leapRate)) {
      nowMs += limits.unwatchedLeaseMs;
      await coordinator.sweep();
    } else if (due.length > 0 && living < MAX_LIVES && (open.length === 0 || random() < 0.3)) {
      deliver(pick(due));
    } else if (open.length > 0) {
      const gate = pick(open);
      gates.splice(gates.indexOf(gate), 1);
      gate.resume();
    } else {
      nowMs += limits.sweepMs;
      await coordinator.sweep();
    }
    if (random() < (options.tickRate ?? 0.05)) nowMs += 10;
  }
  if (steps === MAX_STEPS) throw new Error(`seed ${options.seed}: the job never ended (${rows.readState()?.status})`);
  for (const [kind, { connections }] of Object.entries(peaks)) {
    // The throw itself may have been taken for a failure that passes.
    if (connections > PLATFORM.maxConnections) throw new Error(`${kind}: ${connections} connections at once`);
  }
  const state = rows.readState()!;
  return { state, coordinator, chunks: rows.listChunks(0, 1e6), kills, steps, moments, sends, peaks };
}
