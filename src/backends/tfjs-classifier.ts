/** The Classifier port over a tfjs backend that is already registered. Every tfjs engine shares this file. */

import * as tf from "@tensorflow/tfjs-core";
import { ScoringError } from "../errors.ts";
import { formatModelId, requireAlignCorners } from "../model/card.ts";
import type { Classifier, Scores } from "../model/classifier.ts";
import { LOGITS, readClassifierNetwork } from "../model/graph/graph-model.ts";
import { FACE_PIXELS, FACE_SIZE, LABEL_COUNT } from "../model/labels.ts";
import type { Model } from "../model/model.ts";
import { buildTfjsNetwork, type TfjsNetwork } from "../model/network.ts";
import { THETA_SIZE } from "../model/network-shapes.ts";
import { checkPixels, normalizePixels } from "../model/pixels.ts";
import { computeProbabilities } from "../model/softmax.ts";
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
  const network = await uploadNetwork(model, backend, batchSize);
  let disposed = false;

  const runBatch = async (pixels: Uint8Array): Promise<{ theta: Float32Array | null; logits: Float32Array }> => {
    await selectBackend(backend);
    // A new array each time: a backend may keep the one it was given. Padded lanes are zeros.
    const input = new Float32Array(batchSize * FACE_PIXELS);
    normalizePixels(pixels, input);
    const output = network.run(input);
    try {
      const [theta, logits] = await Promise.all([
        output.theta === null ? null : output.theta.data<"float32">(),
        output.logits.data<"float32">(),
      ]);
      return { theta, logits };
    } finally {
      tf.dispose(output.theta === null ? output.logits : [output.theta, output.logits]);
    }
  };

  return {
    model: formatModelId(model.card),
    engine,
    batchSize,
    async classify(pixels: Uint8Array, count: number): Promise<Scores> {
      if (disposed) throw new ScoringError("engine_unavailable", `${engine} was disposed`);
      checkPixels(pixels, count);
      const logits = new Float32Array(count * LABEL_COUNT);
      const theta = model.card.family === "graph" ? null : new Float32Array(count * THETA_SIZE);
      for (let start = 0; start < count; start += batchSize) {
        const faces = Math.min(batchSize, count - start);
        const fault = findFault();
        if (fault !== null) throw new ScoringError("engine_unavailable", fault);
        let batch: { theta: Float32Array | null; logits: Float32Array };
        try {
          batch = await runBatch(pixels.subarray(start * FACE_PIXELS, (start + faces) * FACE_PIXELS));
        } catch (cause) {
          if (cause instanceof ScoringError) throw cause;
          const words = cause instanceof Error ? cause.message : String(cause);
          const fault = findFault() ?? (await awaitFault());
          throw new ScoringError("engine_unavailable", fault ?? `${engine} failed: ${words}`, { cause });
        }
        const late = findFault();
        if (late !== null) throw new ScoringError("engine_unavailable", late);
        logits.set(batch.logits.subarray(0, faces * LABEL_COUNT), start * LABEL_COUNT);
        if (batch.theta !== null) theta?.set(batch.theta.subarray(0, faces * THETA_SIZE), start * THETA_SIZE);
      }
      return { count, logits, theta, probabilities: computeProbabilities(logits, count, model.card.temperature) };
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      network.dispose();
    },
  };
}

/** The network of a model's family on `backend`. */
async function uploadNetwork(model: Model, backend: string, batchSize: number): Promise<TfjsNetwork> {
  if (model.card.family !== "graph") {
    const alignCorners = requireAlignCorners(model.card);
    await selectBackend(backend);
    return buildTfjsNetwork(model.tensors, { alignCorners, batchSize });
  }
  const network = readClassifierNetwork(model);
  await selectBackend(backend);
  const built = buildTfjsGraph(network);
  return {
    run(input) {
      const logits = tf.tidy(() => {
        const outputs = built.run(tf.tensor4d(input, [batchSize, FACE_SIZE, FACE_SIZE, 1]));
        return tf.reshape<tf.Rank.R2>(outputs[LOGITS]!, [batchSize, LABEL_COUNT]);
      });
      return { theta: null, logits };
    },
    dispose: () => built.dispose(),
  };
}
