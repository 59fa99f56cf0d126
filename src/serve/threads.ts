/** The threads of a server: as many as requested for jobs, each with an engine, and one that scores for the API while there are requests. */

import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import type { DecodedImage, ImageDecoder } from "../image/image-types.ts";
import type { Classifier, Scores } from "../model/classifier.ts";
import type { FaceFinder, FoundFace } from "../model/face-finder.ts";
import type { LendScorer, Scorer, ScorerOptions } from "../scoring/chunk/scorer.ts";
import type { WorkMessage } from "../scoring/job/messages.ts";
import type { EngineName } from "../backends/engine-table.ts";
import type { RawEnv } from "../settings.ts";
import { type Answer, openReply, type Reply, serveCalls } from "./port-calls.ts";
import type { ScorerCall, ThreadTask } from "./serve-thread.ts";

/** Tasks that a thread runs at a time: while one reads or waits for an answer, the other has the engine. */
export const TASKS_PER_THREAD = 2;

/** The work of the threads. */
export interface Threads {
  /** Handles one message in a thread. @throws ScoringError; an error of the pool if the thread died: see `isThreadDeath` */
  handle(message: WorkMessage): Promise<void>;
  /** Scorers for the API: pictures and faces go to a thread, so that the API can answer in the meantime. */
  lend(engine: EngineName): LendScorer;
  close(): Promise<void>;
}

/** How the threads are started. */
export interface ThreadsOptions {
  readonly threads: number;
  readonly variables: RawEnv;
  readonly dataFolder: string;
  readonly answer: Answer;
}

/** Starts them. */
export function startThreads({ threads, variables, dataFolder, answer }: ThreadsOptions): Threads {
  const common = { variables, dataFolder, threads };
  const workers = openPool({ minThreads: threads, maxThreads: threads });
  const bench = openPool({ minThreads: 0, maxThreads: 1 });
  const run = async (pool: typeof workers, task: ThreadTask, transfer: readonly MessagePort[] = []): Promise<unknown> =>
    openReply(await pool.run(task, { transferList: [...transfer] }));

  const ask = (engine: EngineName, options: ScorerOptions, call: ScorerCall): Promise<unknown> =>
    run(bench, { ...common, work: { kind: "scorer", engine, options, call } });

  async function open(engine: EngineName, options: ScorerOptions): Promise<Scorer> {
    // oxlint-disable typescript/no-unsafe-type-assertion -- what the thread's own methods give
    const told = (await ask(engine, options, { method: "describe" })) as Omit<Scorer["classifier"], "classify"> & {
      readonly finder: string | null;
    };
    const decoder: ImageDecoder = {
      decode: async (...args) => (await ask(engine, options, { method: "decode", args })) as DecodedImage,
      // The memory of decoding is the thread's own.
      memoryBytes: () => 0,
      peakMemoryBytes: () => 0,
    };
    const finder: FaceFinder | null =
      told.finder === null
        ? null
        : {
            name: told.finder,
            find: async (...args) => (await ask(engine, options, { method: "find", args })) as readonly FoundFace[],
            dispose: () => undefined,
          };
    const classifier: Classifier = {
      model: told.model,
      labels: told.labels,
      input: told.input,
      engine: told.engine,
      batchSize: told.batchSize,
      classify: async (...args) => (await ask(engine, options, { method: "classify", args })) as Scores,
      dispose: () => undefined,
    };
    // oxlint-enable typescript/no-unsafe-type-assertion
    return { decoder, finder, classifier };
  }

  return {
    async handle(message) {
      const { port1, port2 } = new MessageChannel();
      serveCalls(port1, answer);
      try {
        await run(workers, { ...common, work: { kind: "message", message, port: port2 } }, [port2]);
      } finally {
        port1.close();
      }
    },
    lend(engine) {
      let lastTurn: Promise<unknown> = Promise.resolve();
      return (body) => {
        const turn = lastTurn.then(() => body((options) => open(engine, options)));
        lastTurn = turn.catch(() => undefined);
        return turn;
      };
    },
    async close() {
      await Promise.all([workers.destroy(), bench.destroy()]);
    },
  };
}

function openPool(size: { readonly minThreads: number; readonly maxThreads: number }): Piscina<ThreadTask, Reply> {
  return new Piscina<ThreadTask, Reply>({
    filename: new URL("./serve-thread.ts", import.meta.url).href,
    ...size,
    concurrentTasksPerWorker: TASKS_PER_THREAD,
    idleTimeout: 60_000,
  });
}

/** Whether a thread ran out of memory or was ended, which on the platform would be an expired lease. */
export function isThreadDeath(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    ["ERR_WORKER_OUT_OF_MEMORY", "ERR_WORKER_TERMINATED"].includes(String(error.code))
  );
}
