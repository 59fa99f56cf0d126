/** Scoring workers as the loop knows them: one scorer, whose chunks go to whichever worker is least busy. */

import type { ChunkScorer } from "../../../src/client/compute/ports.ts";
import { type WorkReply, createWorkScorer } from "../../../src/client/compute/work-scorer.ts";
import { ScoringError } from "../../../src/errors.ts";
import type { EngineReply, EngineRequest, PlainError, Rung } from "./messages.ts";

/** What to open. */
export interface PoolOptions {
  readonly engine: Rung;
  /** `name@version` */
  readonly model: string;
  readonly chosen: boolean;
  /** Workers, ≥ 1. */
  readonly size: number;
  readonly pausing: (waitMs: number, error: PlainError) => void;
}

/** A pool that is open. */
export interface WorkerPool {
  readonly scorer: ChunkScorer;
  /** The network is back. */
  wake(): void;
}

/** One worker scores a chunk, reads the next, and may be handing in the last one. */
const LANES_OF_ONE = 3;
/** With more of them a core hardly waits: others have work meanwhile. */
const LANES_OF_MANY = 2;

/** @throws ScoringError `engine_unavailable`, `api_unavailable`, `unknown_model` */
export async function openWorkerPool(options: PoolOptions): Promise<WorkerPool> {
  const { engine, model, chosen, size } = options;
  const workers: ScoringWorker[] = [];
  const add = async (): Promise<string> => {
    const worker = startWorker(options.pausing);
    workers.push(worker);
    const reply = await worker.send({ kind: "open", id: 0, engine, model, chosen });
    if (reply.kind === "failed") throw new ScoringError(reply.code, reply.detail);
    return String(reply.value);
  };
  const close = async (): Promise<void> => {
    for (const worker of workers) worker.end("it was closed");
  };
  try {
    // The first one shows whether the others are worth starting.
    const what = await add();
    await Promise.all(Array.from({ length: size - 1 }, add));
    const detail = size === 1 ? what : `${what}; ${size} workers`;
    const lanes = size === 1 ? LANES_OF_ONE : LANES_OF_MANY * size;
    const scorer = createWorkScorer({ backend: engine, detail, lanes, close }, (work) => {
      const [first, ...rest] = workers;
      const free = rest.reduce((least, worker) => (worker.busy() < least.busy() ? worker : least), first!);
      return free.send({ kind: "work", id: 0, work });
    });
    return {
      scorer,
      wake: () => {
        for (const worker of workers) worker.wake();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface ScoringWorker {
  /** Requests that are not answered yet. */
  busy(): number;
  /** The request's id is set here. */
  send(request: Exclude<EngineRequest, { kind: "wake" }>): Promise<WorkReply>;
  wake(): void;
  end(why: string): void;
}

function startWorker(pausing: PoolOptions["pausing"]): ScoringWorker {
  const worker = new Worker(new URL("../engine/engine-worker.ts", import.meta.url), { type: "module", name: "engine" });
  const open = new Map<number, (reply: WorkReply) => void>();
  let fault: PlainError | null = null;
  let nextId = 1;
  let answered = false;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
  const post = (request: EngineRequest): void => worker.postMessage(request);

  function fail(error: PlainError): void {
    fault ??= error;
    worker.terminate();
    for (const settle of open.values()) settle({ kind: "failed", ...fault });
    open.clear();
  }

  worker.addEventListener("message", ({ data }: MessageEvent<EngineReply>) => {
    answered = true;
    if (data.kind === "pausing") {
      pausing(data.waitMs, data.error);
      return;
    }
    open.get(data.id)?.(data.reply);
    open.delete(data.id);
  });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    // Without a message its script could not be loaded; with one, it was loaded and broke.
    const away = !answered && !event.message;
    const code = away ? "api_unavailable" : "engine_unavailable";
    fail({ code, detail: event.message || "the scoring worker could not be loaded" });
  });
  return {
    busy: () => open.size,
    send(request) {
      if (fault !== null) return Promise.resolve({ kind: "failed", ...fault });
      const id = nextId++;
      return new Promise((resolve) => {
        open.set(id, resolve);
        post({ ...request, id });
      });
    },
    wake: () => post({ kind: "wake" }),
    end: (why) => fail({ code: "engine_unavailable", detail: `the scoring worker has ended: ${why}` }),
  };
}
