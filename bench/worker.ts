/** The Worker that workerd.ts runs: keeps faces, scores them as often as asked. */

import { createFusedWorkerdClassifier } from "../src/backends/fused/fused-workerd.ts";
import { listBundledModels } from "../src/backends/models-workerd.ts";
import { createTfjsWasmWorkerdClassifier } from "../src/backends/tfjs-wasm-workerd.ts";
import type { Classifier } from "../src/model/classifier.ts";
import { createRegistry } from "../src/model/registry.ts";

let faces = new Uint8Array();
const classifiers = new Map<string, Promise<Classifier>>();

async function loadClassifier(engine: string, id: string, batchSize: number): Promise<Classifier> {
  const model = await createRegistry(listBundledModels()).load(id);
  if (engine === "tfjs-backend-wasm") return createTfjsWasmWorkerdClassifier(model, { batchSize });
  return createFusedWorkerdClassifier(model, {
    engine: engine === "fused-wasm-simd" ? "fused-wasm-simd" : "fused-wasm-relaxed",
  });
}

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method === "PUT") {
      faces = new Uint8Array(await request.arrayBuffer());
      return new Response();
    }
    const query = new URL(request.url).searchParams;
    const batch = Number(query.get("batch"));
    const engine = query.get("engine") ?? "";
    const model = query.get("model") ?? "";
    const key = `${engine} ${model} ${batch}`;
    const loading = classifiers.get(key) ?? loadClassifier(engine, model, batch);
    classifiers.set(key, loading);
    const classifier = await loading;
    for (let i = 0; i < Number(query.get("calls")); i++) await classifier.classify(faces, batch);
    return new Response();
  },
};
