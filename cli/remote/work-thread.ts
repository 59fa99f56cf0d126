import { findsFaces } from "../../src/scoring/records/face-mode.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { createAddressReader } from "../../src/client/compute/compute-api.ts";
import type { WorkReply, ScoringWork } from "../../src/client/compute/work-scorer.ts";
import { createWorkRunner, requireServerModel } from "../../src/client/compute/work-runner.ts";
import { retryReads, type RetryPorts } from "../../src/client/compute/retry-request.ts";
import { createApi } from "../../src/client/api.ts";
import type { ClientTask } from "../../src/scoring/client-compute/protocol.ts";
import type { Scorer } from "../../src/scoring/chunk/scorer.ts";
import type { EngineName } from "../../src/backends/engine-table.ts";
import { createScorerSource, openRegistry } from "../score/node-work.ts";

/** One piece of work for a thread, and where its inputs are read. */
export interface WorkThreadTask {
  readonly baseUrl: string;
  readonly key: string;
  readonly engine: EngineName;
  readonly work: ScoringWork;
}

/** The program itself tells that the server is away: it renews leases meanwhile. A thread ends with its pool. */
const PATIENCE: RetryPorts = {
  wait: (waitMs) => sleep(waitMs),
  pausing: () => undefined,
  signal: new AbortController().signal,
};

let runner: ReturnType<typeof createWorkRunner> | null = null;

/** Runs in a pool's thread: two tasks at a time, of which one computes. */
export default function runWork({ baseUrl, key, engine, work }: WorkThreadTask): Promise<WorkReply> {
  runner ??= createWorkRunner({
    openScorer: createOpener(engine),
    read: retryReads(createAddressReader(createApi({ baseUrl, key })), PATIENCE),
  });
  return runner(work);
}

/** Opens the scorer of a task. @throws ScoringError `unknown_model`, `model_hash_mismatch` */
function createOpener(engine: EngineName): (task: ClientTask) => Promise<Scorer> {
  const scorers = createScorerSource(engine);
  return async (task) => {
    requireServerModel(task, await (await openRegistry()).card(task.model));
    return scorers({
      model: task.model,
      tta: task.tta,
      findsFaces: findsFaces({ faces: task.faces.mode, format: task.format }),
    });
  };
}
