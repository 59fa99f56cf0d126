/**
 * Runs the loop of a computing client in a worker, where a background tab's timers are not throttled. Scoring runs in
 * workers of its own, so that leases are renewed while chunks are scored.
 */

import { createApi } from "../../../src/client/api.ts";
import { createComputeApi } from "../../../src/client/compute/compute-api.ts";
import type { ComputeEvent, ScorerRung } from "../../../src/client/compute/ports.ts";
import { runClientCompute } from "../../../src/client/compute/run-client-compute.ts";
import { toScoringError } from "../../../src/errors.ts";
import { type LoopReply, type LoopRequest, listRungs, type PlainEvent } from "./messages.ts";
import { createWaiter } from "../waiter.ts";
import { openWorkerPool, type WorkerPool } from "./worker-pool.ts";

function say(reply: LoopReply): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker speaks to its maker only
  globalThis.postMessage(reply);
}

function tell(event: ComputeEvent): void {
  say({ kind: "event", event: makePlain(event) });
}

function makePlain(event: ComputeEvent): PlainEvent {
  if (event.kind === "waiting") return { ...event, error: event.error === null ? null : pickError(event.error) };
  return event.kind === "left" || event.kind === "released" ? { ...event, error: pickError(event.error) } : event;
}

function pickError(thrown: unknown): { code: ReturnType<typeof toScoringError>["code"]; detail: string } {
  const { code, detail } = toScoringError(thrown);
  return { code, detail };
}

function createLoop() {
  const waiter = createWaiter();
  let pool: WorkerPool | null = null;

  async function run({ jobId, model, choice }: Extract<LoopRequest, { kind: "start" }>): Promise<void> {
    const rungs = listRungs(choice).map((engine): ScorerRung => {
      // One GPU, or threads that share the cores: one worker. Otherwise one per core.
      const size = engine === "webgpu" || engine === "wasm-threads" ? 1 : Math.max(1, navigator.hardwareConcurrency);
      const open = async () => {
        pool = await openWorkerPool({
          engine,
          model,
          chosen: engine === choice,
          size,
          pausing: (waitMs, error) => say({ kind: "event", event: { kind: "waiting", waitMs, error } }),
        });
        return pool.scorer;
      };
      return { backend: engine, open };
    });
    // The page ends this worker to stop it.
    const { signal } = new AbortController();
    try {
      await runClientCompute({ api: createComputeApi(createApi()), rungs, wait: waiter.wait, tell }, jobId, { signal });
      say({ kind: "ended" });
    } catch (thrown) {
      say({ kind: "failed", error: pickError(thrown) });
    }
  }

  return {
    run,
    wake() {
      waiter.wake();
      pool?.wake();
    },
  };
}

const loop = createLoop();

addEventListener("message", ({ data: request }: MessageEvent<LoopRequest>) => {
  if (request.kind === "wake") loop.wake();
  else void loop.run(request);
});
addEventListener("online", () => loop.wake());
