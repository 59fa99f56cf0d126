/** What a face costs with each model that comes with the project, on the engine that serves it, in one run. */

import { createFusedNodeClassifier } from "../src/backends/fused/fused-node.ts";
import { createGraphNodeClassifier } from "../src/backends/graph/graph-node.ts";
import type { Classifier } from "../src/model/classifier.ts";
import type { Model } from "../src/model/model.ts";
import { FACE_PIXELS } from "../src/model/labels.ts";
import { createHogSvmClassifier } from "../src/model/hog-svm.ts";
import { createClassifier, type Registry } from "../src/model/registry.ts";
import type { WorkerdEngines } from "./workerd.ts";
import { quantile, readCpuClock, runRounds } from "./timing.ts";

/** One model. */
export interface ModelResult {
  readonly model: string;
  readonly engine: string;
  /** Faces per second of CPU, medians; in workerd where the engine was measured there. */
  readonly node: number;
  readonly workerd: number | null;
}

/** Times all models of `registry` on `batch` faces per call, in turn. */
export async function measureModels(
  registry: Registry,
  faces: Uint8Array,
  batch: number,
  seconds: number,
  workerd: WorkerdEngines,
): Promise<ModelResult[]> {
  const pixels = faces.subarray(0, batch * FACE_PIXELS);
  const classifiers = new Map<string, Classifier>();
  for (const id of registry.list()) {
    const table = {
      "deep-emotion": createFusedNodeClassifier,
      graph: (model: Model) => createGraphNodeClassifier(model),
      "hog-svm": async (model: Parameters<typeof createHogSvmClassifier>[0]) => createHogSvmClassifier(model),
    };
    classifiers.set(id, await createClassifier(await registry.load(id), table));
  }
  const inNode = [...classifiers].map(([id, classifier]) => ({
    name: id,
    time: async () => {
      const start = readCpuClock();
      await classifier.classify(pixels, batch);
      return readCpuClock() - start;
    },
  }));
  const fused = [...classifiers].filter(([, { engine }]) => engine.startsWith("fused")).map(([id]) => id);
  const inWorkerd = workerd.open(fused).map(({ name, time }) => ({ name, time: () => time(pixels, batch) }));
  const rounds = await runRounds([...inNode, ...inWorkerd], { seconds, least: 10, warmUp: 5 });
  const rate = (name: string): number => (1000 * batch) / quantile(rounds.get(name) ?? [], 0.5);
  for (const classifier of classifiers.values()) classifier.dispose();
  return [...classifiers].map(([model, { engine }]) => ({
    model,
    engine,
    node: rate(model),
    workerd: rounds.has(`${model} in workerd`) ? rate(`${model} in workerd`) : null,
  }));
}
