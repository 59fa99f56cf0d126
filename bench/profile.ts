/** Where the fused engine's time goes: V8's sampling profiler on a build that keeps its function names. */

import { Session } from "node:inspector/promises";
import { compileEngine } from "../scripts/build-engine.ts";
import { createFusedClassifier } from "../src/backends/fused/fused-classifier.ts";
import type { Model } from "../src/model/model.ts";

/** Share of the samples that fell into one function of the kernel, its inlined callees included. */
export interface ProfileRow {
  readonly name: string;
  readonly share: number;
}

/** What a function computes; the compiler merges the multiplication of the points into `convolve`. */
const MEANINGS: Readonly<Record<string, string>> = {
  "winograd/convolve": "localization.3, conv2–4: products in Winograd's domain",
  "winograd/transformPatch": "localization.3, conv2–4: transform of the input",
  "winograd/finishPooled": "conv2, conv4: transform of the output, pool, bias, ReLU",
  "winograd/finishPlain": "conv3: transform of the output, bias, ReLU",
  "winograd/finishSingle": "localization.3: transform of the output, pool, bias, ReLU",
  "seven/multiplyWindows": "localization.0: products",
  "seven/finishSeven": "localization.0: transform of the output, pool, bias, ReLU",
  "seven/transformWindows": "localization.0: transform of the input",
  "direct/convolveThree": "conv1, ReLU",
  "sampler/sample": "sampler",
  "dense/connect": "dense layers",
  "index/localize": "bytes to the normalized image",
};

/** Profiles `seconds` of calls with the faces given. */
export async function profileKernel(model: Model, pixels: Uint8Array, count: number): Promise<ProfileRow[]> {
  const binary = await compileEngine({ source: "fused/assembly/index.ts", relaxed: true }, { names: true });
  const module = await WebAssembly.compile(new Uint8Array(binary));
  const classifier = await createFusedClassifier(module, model, "fused-wasm-relaxed");
  for (let i = 0; i < 50; i++) await classifier.classify(pixels, count);
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 200 });
  await session.post("Profiler.start");
  for (let i = 0; i < 300; i++) await classifier.classify(pixels, count);
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  const names = new Map(profile.nodes.map((node) => [node.id, node.callFrame.functionName]));
  const samples = profile.samples ?? [];
  const counts = new Map<string, number>();
  for (const id of samples) {
    const name = MEANINGS[(names.get(id) ?? "").replace("fused/assembly/", "")] ?? "the rest";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, n]) => ({ name, share: n / samples.length })).sort((a, b) => b.share - a.share);
}
