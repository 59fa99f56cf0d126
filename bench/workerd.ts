/** Engines inside local workerd, timed by the CPU that its process uses. Linux only: the clock is /proc. */

import { join } from "node:path";
import { Miniflare } from "miniflare";
import type { RemoteEngine } from "./network.ts";
import { bundleWorker } from "./worker-bundle.ts";
import { listWorkerdProcesses, readThreadClock } from "./process-clock.ts";

/** Engines in a running workerd. */
export interface WorkerdEngines {
  /** The chosen model on every engine. */
  readonly engines: readonly RemoteEngine[];
  /** These models on the fused engine, named by their ids. */
  open(models: readonly string[]): readonly RemoteEngine[];
  dispose(): Promise<void>;
}

const ENGINES = ["fused-wasm-relaxed", "fused-wasm-simd", "tfjs-backend-wasm"];
/** Faces a request, so that the request itself hardly counts. */
const FACES_PER_REQUEST = 128;

/** Bundles worker.ts and starts it; no engines where the system has no /proc. */
export async function startWorkerdEngines(model: string, faces: Uint8Array): Promise<WorkerdEngines> {
  if (process.platform !== "linux") return { engines: [], open: () => [], dispose: async () => undefined };
  const manifest = await bundleWorker(join(import.meta.dirname, "worker.ts"));
  const before = listWorkerdProcesses();
  const miniflare = new Miniflare({
    workers: [{ config: { name: "bench", compatibilityDate: "2026-04-01", compatibilityFlags: [], manifest } }],
  });
  const answer = await miniflare.dispatchFetch("http://worker/", { method: "PUT", body: Buffer.from(faces) });
  if (!answer.ok) throw new Error(await answer.text());
  const pids = listWorkerdProcesses().filter((pid) => !before.includes(pid));

  const makeEngine = (name: string, engine: string, id: string): RemoteEngine => ({
    name: `${name} in workerd`,
    time: async (_: Uint8Array, batch: number) => {
      const calls = Math.max(1, Math.round(FACES_PER_REQUEST / batch));
      const start = readThreadClock(pids);
      const query = new URLSearchParams({ engine, model: id, batch: String(batch), calls: String(calls) });
      const response = await miniflare.dispatchFetch(`http://worker/?${query.toString()}`);
      if (!response.ok) throw new Error(await response.text());
      return (readThreadClock(pids) - start) / calls;
    },
  });
  return {
    engines: ENGINES.map((engine) => makeEngine(engine, engine, model)),
    open: (models) => models.map((id) => makeEngine(id, "fused-wasm-relaxed", id)),
    dispose: () => miniflare.dispose(),
  };
}
