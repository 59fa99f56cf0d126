/** The network alone: bytes of faces to probabilities, all engines in turn. */

import { FACE_PIXELS } from "../src/model/labels.ts";
import type { Model } from "../src/model/model.ts";
import { ENGINES, type Engine, type EngineEntry } from "./engines.ts";
import { compareRounds, readCpuClock, runRounds, summarizeRounds, type Rate } from "./timing.ts";

/** One batch size. */
export interface NetworkResult {
  readonly batch: number;
  readonly rates: readonly Rate[];
  /** Largest difference of a probability from onnxruntime-node's, by engine: a fast wrong answer would show. */
  readonly deviations: Readonly<Record<string, number>>;
  /** `ratios[a][b]`: how many times faster a is than b. */
  readonly ratios: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Contestants that live elsewhere, for instance in workerd: they time themselves. */
export interface RemoteEngine {
  readonly name: string;
  readonly time: (pixels: Uint8Array, batch: number) => Promise<number>;
}

/** The reference of the deviations. */
const REFERENCE = "onnxruntime-node";

/** Times every engine on `batch` faces per call. */
export async function measureNetwork(
  model: Model,
  faces: Uint8Array,
  batch: number,
  seconds: number,
  remotes: readonly RemoteEngine[],
): Promise<NetworkResult> {
  const pixels = faces.subarray(0, batch * FACE_PIXELS);
  const loaded: { entry: EngineEntry; engine: Engine }[] = [];
  for (const entry of ENGINES) loaded.push({ entry, engine: await entry.load(model, batch) });

  const answers = new Map<string, Float32Array>();
  // A copy: an engine may reuse its output.
  for (const { entry, engine } of loaded) answers.set(entry.name, (await engine.score(pixels, batch)).slice());
  const truth = answers.get(REFERENCE)!;
  const deviations = Object.fromEntries(
    [...answers].map(([name, values]) => [name, Math.max(...values.map((v, i) => Math.abs(v - truth[i]!)))]),
  );

  const contestants = loaded.map(({ entry, engine }) => ({
    name: entry.name,
    time: async () => {
      const start = readCpuClock();
      await engine.score(pixels, batch);
      return readCpuClock() - start;
    },
  }));
  const others = remotes.map(({ name, time }) => ({ name, time: () => time(pixels, batch) }));
  const rounds = await runRounds([...contestants, ...others], { seconds, least: 20, warmUp: 10 });
  for (const { engine } of loaded) await engine.dispose();
  const names = [...rounds.keys()];
  return {
    batch,
    rates: summarizeRounds(rounds, batch),
    deviations,
    ratios: Object.fromEntries(
      names.map((a) => [a, Object.fromEntries(names.map((b) => [b, compareRounds(rounds, a, b)]))]),
    ),
  };
}
