import { type MessagePort, MessageChannel } from "node:worker_threads";
import { Piscina } from "piscina";
import type { FormattedPiece } from "../../src/scoring/finalize/merge-piece.ts";
import type { LocalWorkOptions } from "./node-work.ts";
import type { ThreadTask } from "./score-thread.ts";
import { type JobDesk, serveDesk } from "./thread-calls.ts";

/** What a thread gives back: what a chunk was formatted to, else nothing. */
type Result = FormattedPiece | null;

/** Tasks of one thread at a time: while one is on its way to the desk and back, the other has the engine. A third would only wait. */
const TASKS = 2;

/** The threads of a local job, an engine each. */
export interface Threads {
  /**
   * Runs `work` as soon as a thread is free. Steps that follow one another, planning and merging, are the first thread's, whose
   * store then walks a folder once for all its pages; it does them beside the work that any thread may take.
   */
  run(work: ThreadTask["work"], desk: JobDesk): Promise<Result>;
  close(): Promise<void>;
}

interface Waiting {
  readonly work: ThreadTask["work"];
  readonly desk: JobDesk;
  readonly resolve: (result: Promise<Result>) => void;
}

/** A pool of one thread: a task can then be given to this one and no other, and a thread that dies is replaced. */
interface Thread {
  readonly pool: Piscina<ThreadTask, Result>;
  tasks: number;
  /** A step is under way; the next one waits for its end. */
  hasStep: boolean;
}

/** Starts `options.threads` of them. */
export function startThreads(options: LocalWorkOptions): Threads {
  const threads: Thread[] = Array.from({ length: options.threads }, () => ({
    pool: openPool(),
    tasks: 0,
    hasStep: false,
  }));
  const first = threads[0]!;
  const steps: Waiting[] = [];
  const rest: Waiting[] = [];

  function start(thread: Thread, next: Waiting | undefined): void {
    if (next === undefined) return;
    const step = isStep(next.work);
    thread.tasks += 1;
    if (step) thread.hasStep = true;
    next.resolve(
      runTask(thread.pool, options, next).finally(() => {
        thread.tasks -= 1;
        if (step) thread.hasStep = false;
        fill();
      }),
    );
  }

  function fill(): void {
    if (first.tasks < TASKS && !first.hasStep) start(first, steps.shift());
    // Whoever has nothing to do comes first.
    for (let load = 0; load < TASKS; load++) {
      for (const thread of threads) {
        // Whoever merges formats as much as it has time for, unasked.
        const merges = thread.hasStep && rest[0]?.work.kind === "format";
        if (thread.tasks === load && !merges) start(thread, rest.shift());
      }
    }
  }

  return {
    run: (work, desk) =>
      new Promise((resolve) => {
        (isStep(work) ? steps : rest).push({ work, desk, resolve });
        fill();
      }),
    async close() {
      await Promise.all(threads.map(({ pool }) => pool.destroy()));
    },
  };
}

const isStep = (work: ThreadTask["work"]): boolean => work.kind === "message" && work.message.kind !== "score";

function openPool(): Piscina<ThreadTask, Result> {
  return new Piscina<ThreadTask, Result>({
    filename: new URL("./thread-entry.ts", import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: TASKS,
    idleTimeout: 60_000,
  });
}

async function runTask(pool: Piscina, options: LocalWorkOptions, { work, desk }: Waiting): Promise<Result> {
  const { port1, port2 } = new MessageChannel();
  const port: MessagePort = port2;
  serveDesk(port1, desk);
  try {
    return await pool.run({ options, work, port }, { transferList: [port] });
  } finally {
    port1.close();
  }
}
