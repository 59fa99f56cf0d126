/** The Worker that chunk-profile.ts runs: scores one chunk of the bucket's objects as often as asked, as a consumer would. */

import { createFusedWorkerdClassifier } from "../src/backends/fused/fused-workerd.ts";
import { listBundledModels } from "../src/backends/models-workerd.ts";
import { loadCodecs } from "../src/image/codecs-workerd.ts";
import { createImageDecoder } from "../src/image/decode.ts";
import { createRegistry } from "../src/model/registry.ts";
import { scoreChunk, type ChunkDeps } from "../src/scoring/chunk.ts";
import { planInputPage } from "../src/scoring/inputs/plan-page.ts";
import type { InputItem } from "../src/scoring/records.ts";
import { LIMITS } from "../src/scoring/limits.ts";
import { describePart, storePart } from "../src/scoring/part.ts";
import { createR2Store } from "../src/storage/r2-store.ts";
import type { R2BucketLike } from "../src/storage/r2-types.ts";
import { createRetryBudget, withRetry } from "../src/storage/retry.ts";

interface Ready {
  readonly deps: ChunkDeps;
  readonly items: readonly InputItem[];
}

let ready: Promise<Ready> | null = null;
let runs = 0;

async function prepare(bucket: R2BucketLike, model: string): Promise<Ready> {
  const store = withRetry(createR2Store(bucket), {
    maxAttempts: 4,
    baseDelayMs: 100,
    maxDelayMs: 3000,
    budget: createRetryBudget(50, 0.2),
    random: Math.random,
    sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
  });
  const loaded = await createRegistry(listBundledModels()).load(model);
  const classifier = await createFusedWorkerdClassifier(loaded);
  const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
  const source = { kind: "prefix", format: "image", prefix: "in/" } as const;
  const { items } = await planInputPage(store, source, null, LIMITS.plan);
  return { deps: { store, decoder, finder: null, classifier }, items };
}

export default {
  async fetch(request: Request, env: { readonly FACES: R2BucketLike }): Promise<Response> {
    const url = new URL(request.url);
    if (request.method === "PUT") {
      await env.FACES.put(url.pathname.slice(1), new Uint8Array(await request.arrayBuffer()));
      return new Response();
    }
    const model = url.searchParams.get("model") ?? "";
    const { deps, items } = await (ready ??= prepare(env.FACES, model));
    for (let i = 0; i < Number(url.searchParams.get("chunks")); i++) {
      const { records, reads, readBytes } = await scoreChunk(deps, items, {
        ...LIMITS,
        format: "image",
        faces: { mode: "aligned", minFacePixels: 1, minFaceScore: 0 },
        stamp: { model, pipeline: 1 },
        tolerant: false,
      });
      runs += 1;
      const part = await storePart(deps.store, `out/${runs}.jsonl`, records, items, "aligned", LIMITS.maxPartBytes);
      const { outcomes } = await describePart(part, "aligned", { reads, readBytes, engine: deps.classifier.engine });
      if (outcomes.scored !== items.length) return new Response(JSON.stringify(outcomes), { status: 500 });
    }
    return new Response();
  },
};
