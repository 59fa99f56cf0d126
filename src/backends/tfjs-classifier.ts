/** The Classifier port over a tfjs backend that is already registered. Every tfjs engine shares this file. */

import * as tf from "@tensorflow/tfjs-core";
import { ScoringError } from "../errors.ts";
import { formatModelId } from "../model/card.ts";
import type { Classifier, Scores } from "../model/classifier.ts";
import { type ClassifierNetwork, readClassifierNetwork } from "../model/graph/graph-model.ts";
import { assembleScores } from "../model/graph/graph-scores.ts";
import { checkFaces, countChannels, countInputBytes } from "../model/input-form.ts";
import type { Model } from "../model/model.ts";
import { createNormalizer } from "../model/pixels.ts";
import { selectBackend } from "./tfjs-backend.ts";
import { buildTfjsGraph } from "./tfjs-graph.ts";

/** What one tfjs engine differs in from another. */
export interface TfjsClassifierOptions {
  /** Name of the tfjs backend, as registered. */
  readonly backend: string;
  /** Name of the engine, for records. */
  readonly engine: string;
  /** Faces per run; a last, smaller batch is padded to it. */
  readonly batchSize: number;
  /** Returns why the device can no longer be used, or `null`. */
  readonly findFault?: () => string | null;
  /** The same after a batch failed: batches fail before the device reports that it is lost. */
  readonly awaitFault?: () => Promise<string | null>;
}

/** Faces per run by default: larger batches gain nothing on one core and cost memory. */
export const TFJS_BATCH_SIZE = 32;

/**
 * Uploads a model and wraps it.
 * @throws ScoringError `engine_unavailable`, `model_invalid`
 */
export async function createTfjsClassifier(model: Model, options: TfjsClassifierOptions): Promise<Classifier> {
  const { backend, engine, batchSize, findFault = () => null, awaitFault = async () => null } = options;
  const uploaded = await uploadNetwork(model, backend, batchSize);
  const { network } = uploaded;
  const { labels, input } = model.card;
  const bytes = countInputBytes(input);
  const normalize = createNormalizer(input);
  let disposed = false;

  const runBatch = async (pixels: Uint8Array): Promise<Record<string, Float32Array>> => {
    await selectBackend(backend);
    // A new array each time: a backend may keep the one it was given. Padded lanes are zeros.
    const values = new Float32Array(batchSize * bytes);
    normalize(pixels, values);
    const outputs = uploaded.run(values);
    try {
      const read = Object.entries(outputs).map(
        async ([name, tensor]) => [name, await tensor.data<"float32">()] as const,
      );
      return Object.fromEntries(await Promise.all(read));
    } finally {
      tf.dispose(Object.values(outputs));
    }
  };

  return {
    model: formatModelId(model.card),
    labels,
    input,
    engine,
    batchSize,
    async classify(pixels: Uint8Array, count: number): Promise<Scores> {
      if (disposed) throw new ScoringError("engine_unavailable", `${engine} was disposed`);
      checkFaces(input, pixels, count);
      const outputs = Object.fromEntries(
        network.widths.map(([name, width]) => [name, new Float32Array(count * width)]),
      );
      for (let start = 0; start < count; start += batchSize) {
        const faces = Math.min(batchSize, count - start);
        const fault = findFault();
        if (fault !== null) throw new ScoringError("engine_unavailable", fault);
        let batch: Record<string, Float32Array>;
        try {
          batch = await runBatch(pixels.subarray(start * bytes, (start + faces) * bytes));
        } catch (cause) {
          if (cause instanceof ScoringError) throw cause;
          const words = cause instanceof Error ? cause.message : String(cause);
          const fault = findFault() ?? (await awaitFault());
          throw new ScoringError("engine_unavailable", fault ?? `${engine} failed: ${words}`, { cause });
        }
        const late = findFault();
        if (late !== null) throw new ScoringError("engine_unavailable", late);
        for (const [name, width] of network.widths) {
          outputs[name]!.set(batch[name]!.subarray(0, faces * width), start * width);
        }
      }
      return assembleScores(model.card, network, count, outputs);
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      uploaded.dispose();
    },
  };
}

/** A network on a backend. */
interface Uploaded {
  readonly network: ClassifierNetwork;
  /**
   * Runs one batch synchronously (a GPU backend only enqueues).
   * @param input `batch` faces of normalized pixels, channels together
   * @returns tensors the caller disposes, by the name of the output: `[batch, values]` each
   */
  run(input: Float32Array): Readonly<Record<string, tf.Tensor2D>>;
  /** Frees the weights. */
  dispose(): void;
}

async function uploadNetwork(model: Model, backend: string, batchSize: number): Promise<Uploaded> {
  const network = readClassifierNetwork(model);
  const { size } = model.card.input;
  const channels = countChannels(model.card.input);
  await selectBackend(backend);
  const built = buildTfjsGraph(network);
  return {
    network,
    run: (input) =>
      tf.tidy(() => {
        const outputs = built.run(tf.tensor4d(input, [batchSize, size, size, channels]));
        return Object.fromEntries(
          network.widths.map(([name, width]) => [name, tf.reshape<tf.Rank.R2>(outputs[name]!, [batchSize, width])]),
        );
      }),
    dispose: () => built.dispose(),
  };
}
