/** The Worker that stages.ts runs: a whole job with the Worker's own code, its steps kept apart, over the local bucket. */

import { createFaceFinderWorkerd } from "../src/backends/faces-workerd.ts";
import { listBundledModels } from "../src/backends/models-workerd.ts";
import { createScorerLender } from "../src/backends/scorer-workerd.ts";
import { createRegistry } from "../src/model/registry.ts";
import { createCoordinator } from "../src/scoring/job/coordinator.ts";
import type { JobCoordinator } from "../src/scoring/job/coordinator-port.ts";
import { LIMITS } from "../src/scoring/limits.ts";
import { parseManifest } from "../src/scoring/manifest/manifest.ts";
import { createMemoryRows } from "../src/scoring/job/memory-rows.ts";
import type { WorkMessage } from "../src/scoring/job/messages.ts";
import { handleMessage } from "../src/scoring/work/handle-message.ts";
import type { WorkDeps } from "../src/scoring/work/work-deps.ts";
import { createR2Store } from "../src/storage/r2/r2-store.ts";
import type { R2BucketLike } from "../src/storage/r2/r2-types.ts";
import { createRetryBudget } from "../src/storage/retry.ts";
import { withRetry } from "../src/storage/retried-store.ts";

/** The job under way: its coordinator in this isolate's memory, its messages in a list. */
interface Job {
  readonly coordinator: JobCoordinator;
  readonly messages: WorkMessage[];
  readonly work: WorkDeps;
}

const registry = createRegistry(listBundledModels());
const scorers = createScorerLender(registry, "fused", LIMITS.image, createFaceFinderWorkerd);
let job: Job | null = null;

async function startJob(bucket: R2BucketLike, value: unknown): Promise<Job> {
  const store = withRetry(createR2Store(bucket), {
    maxAttempts: 4,
    baseDelayMs: 100,
    maxDelayMs: 3000,
    budget: createRetryBudget(50, 0.2),
    random: Math.random,
    sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
  });
  const manifest = parseManifest(value, new Map([["faces", { versions: false }]]), () => true);
  const messages: WorkMessage[] = [];
  const coordinator = createCoordinator({
    rows: createMemoryRows(),
    clock: Date.now,
    queue: { send: async (sent) => void messages.push(...sent.map(({ message }) => message)) },
  });
  const model = registry.resolve(manifest.model);
  const card = await registry.card(manifest.model);
  await coordinator.create({
    id: crypto.randomUUID(),
    createdMs: Date.now(),
    manifest,
    manifestSha256: "",
    model,
    modelSha256: card.sha256,
    pipeline: manifest.pipeline ?? card.pipeline,
    retryOf: null,
    owner: null,
  });
  const work: WorkDeps = {
    openJob: () => coordinator,
    openStore: () => store,
    withScorer: (body) => scorers.withScorer(body),
    readCard: (id) => registry.card(id),
    limits: LIMITS,
    failed: (_, error) => {
      throw error;
    },
  };
  return { coordinator, messages, work };
}

/** Handles messages as long as the next one is of this kind. */
async function runStage({ messages, work }: Job, kind: string): Promise<void> {
  while (messages[0]?.kind === kind) await handleMessage(work, messages.shift()!);
}

export default {
  async fetch(request: Request, env: { readonly FACES: R2BucketLike }): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (request.method === "PUT") {
      await env.FACES.put(pathname.slice(1), new Uint8Array(await request.arrayBuffer()));
      return new Response();
    }
    if (pathname === "/start") job = await startJob(env.FACES, await request.json());
    if (job === null) return new Response("no job", { status: 500 });
    await runStage(job, pathname.slice(1));
    const read = await job.coordinator.read();
    return Response.json({ status: read?.state.status ?? null, records: read?.state.records ?? 0 });
  },
};
