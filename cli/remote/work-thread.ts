import { findsFaces } from "../../src/scoring/records/face-mode.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { createAddressReader } from "../../src/client/compute/compute-api.ts";
import type { WorkReply, ScoringWork } from "../../src/client/compute/work-scorer.ts";
import { createWorkRunner, requireServerModel } from "../../src/client/compute/work-runner.ts";
import { retryReads, type RetryPorts } from "../../src/client/compute/retry-request.ts";
import { readDirectly } from "../../src/client/compute/direct-reads.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { createRetryBudget } from "../../src/storage/retry.ts";
import { withRetry } from "../../src/storage/retried-store.ts";
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
  /** Bucket that inputs are read from; absent: through the server. */
  readonly bucket?: string | undefined;
  readonly work: ScoringWork;
}

/** The program itself tells that the server is away: it renews leases meanwhile. A thread ends with its pool. */
const PATIENCE: RetryPorts = {
  wait: (waitMs) => sleep(waitMs),
  pausing: () => undefined,
  signal: new AbortController().signal,
};

let opened: ObjectStore | null = null;
let runner: ReturnType<typeof createWorkRunner> | null = null;

/** Runs in a pool's thread: two tasks at a time, of which one computes. */
export default async function runWork(task: WorkThreadTask): Promise<WorkReply> {
  const { baseUrl, key, engine, work, bucket } = task;
  const store = bucket === undefined ? null : (opened ??= await openBucket(bucket));
  runner ??= createWorkRunner({
    ...(store === null ? {} : { readLease: (lease) => readDirectly(lease, store) }),
    openScorer: createOpener(engine),
    read: retryReads(createAddressReader(createApi({ baseUrl, key })), PATIENCE),
  });
  return runner(work);
}

/** The bucket, with the region, credentials and endpoint that the AWS SDK finds on this machine. */
async function openBucket(bucket: string): Promise<ObjectStore> {
  const { createS3Store } = await import("../../src/storage/s3/s3-store.ts");
  // Servers of one's own mostly have no name for each bucket.
  const forcePathStyle = (process.env["AWS_ENDPOINT_URL_S3"] ?? process.env["AWS_ENDPOINT_URL"] ?? "") !== "";
  return withRetry(createS3Store({ bucket, forcePathStyle }), {
    maxAttempts: 4,
    baseDelayMs: 100,
    maxDelayMs: 3000,
    budget: createRetryBudget(50, 0.2),
    random: Math.random,
    sleep: (delayMs) => sleep(delayMs),
  });
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
