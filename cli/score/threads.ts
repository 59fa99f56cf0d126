import { type MessagePort, MessageChannel } from "node:worker_threads";
import { Piscina } from "piscina";
import type { FormattedPiece } from "../../src/scoring/merge-piece.ts";
import type { LocalWorkOptions } from "./node-work.ts";
import type { ThreadTask } from "./score-thread.ts";
import { type JobDesk, serveDesk } from "./thread-calls.ts";

/** What a thread gives back: what a chunk was formatted to, else nothing. */
type Result = FormattedPiece | null;

/** The threads of a local job, an engine each. */
export interface Threads {
  /**
   * Runs `work` as soon as a thread is free. Steps that follow one another, planning and merging, are the first thread's, whose
   * store then walks a folder once for all its pages; it does them in turn with the work that any thread may take.
   */
  run(work: ThreadTask["work"], desk: JobDesk): Promise<Result>;
  close(): Promise<void>;
}

interface Waiting {
  readonly work: ThreadTask["work"];
  readonly desk: JobDesk;
  readonly resolve: (result: Promise<Result>) => void;
}

/** Starts `options.threads` of them. */
export function startThreads(options: LocalWorkOptions): Threads {
  // A pool a thread: a task can then be given to this one and no other, and a thread that dies is replaced.
  const pools = Array.from({ length: options.threads }, () => openPool());
  const busy = new Set<Piscina>();
  const steps: Waiting[] = [];
  const rest: Waiting[] = [];
  let wasStep = false;

  function takeNext(isFirst: boolean): Waiting | undefined {
    if (!isFirst) return rest.shift();
    wasStep = steps.length > 0 && (!wasStep || rest.length === 0);
    return (wasStep ? steps : rest).shift();
  }

  function fill(): void {
    for (const [at, pool] of pools.entries()) {
      if (busy.has(pool)) continue;
      const next = takeNext(at === 0);
      if (next === undefined) continue;
      busy.add(pool);
      next.resolve(
        runTask(pool, options, next).finally(() => {
          busy.delete(pool);
          fill();
        }),
      );
    }
  }

  return {
    run: (work, desk) =>
      new Promise((resolve) => {
        (isStep(work) ? steps : rest).push({ work, desk, resolve });
        fill();
      }),
    async close() {
      await Promise.all(pools.map((pool) => pool.destroy()));
    },
  };
}

const isStep = (work: ThreadTask["work"]): boolean => work.kind === "message" && work.message.kind !== "score";

function openPool(): Piscina<ThreadTask, Result> {
  return new Piscina<ThreadTask, Result>({
    filename: new URL("./thread-entry.ts", import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
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
