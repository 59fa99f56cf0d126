/** The network as one WebAssembly module: bytes in, θ, logits and probabilities out, no JavaScript between the layers. */

import { ScoringError } from "../../errors.ts";
import { formatModelId } from "../../model/card.ts";
import type { Classifier, Scores } from "../../model/classifier.ts";
import { FACE_PIXELS, LABEL_COUNT } from "../../model/labels.ts";
import type { Model } from "../../model/model.ts";
import { THETA_SIZE } from "../../model/graph/affine-sample.ts";
import { readClassifierNetwork } from "../../model/graph/graph-model.ts";
import { checkFaces } from "../../model/input-form.ts";
import { fitsFusedKernel } from "./fused-form.ts";
import { packNetwork } from "./pack.ts";

/** What assembly/index.ts exports. */
interface Kernel {
  readonly memory: WebAssembly.Memory;
  readonly CAPACITY: WebAssembly.Global;
  layOut(
    loc1: number,
    loc2: number,
    locHidden: number,
    conv1: number,
    conv2: number,
    conv3: number,
    conv4: number,
    hidden: number,
  ): number;
  addressOf(index: number): number;
  run(count: number, alignCorners: boolean, scale: number): void;
}

function readKernel(exports: object): Kernel {
  if (!isKernel(exports)) throw new ScoringError("engine_unavailable", "this is not the fused engine's binary");
  return exports;
}

function isKernel(exports: object): exports is Kernel {
  const functions = ["layOut", "addressOf", "run"].every((name) => typeof Reflect.get(exports, name) === "function");
  return functions && Reflect.get(exports, "memory") instanceof WebAssembly.Memory;
}

/** Indices of `addressOf` behind the 20 packed tensors. */
const PIXELS = 20;
const THETA = 21;
const LOGITS = 22;
const PROBABILITIES = 23;

/** Faces per call at which the engine is as fast as it gets; a multiple of its four lanes. */
const BATCH_SIZE = 64;

/** The two builds of the kernel; the relaxed one fuses multiply and add. */
export type FusedEngine = "fused-wasm-simd" | "fused-wasm-relaxed";

/** All builds. */
export const FUSED_ENGINES: readonly FusedEngine[] = ["fused-wasm-simd", "fused-wasm-relaxed"];

/** Files of the builds, beside this one; `npm run build:engine` writes them. */
export const FUSED_BINARIES = {
  "fused-wasm-simd": "deep-emotion.wasm",
  "fused-wasm-relaxed": "deep-emotion-relaxed.wasm",
} as const satisfies Record<FusedEngine, string>;

/** Options of the seams. */
export interface FusedOptions {
  /** Forces one build; without it the relaxed one where the runtime has it. */
  readonly engine?: FusedEngine;
}

/**
 * Loads `model` into an instance of `module` (deep-emotion.wasm or deep-emotion-relaxed.wasm).
 * The instance's memory is laid out here; `classify` allocates nothing but its result.
 * @throws ScoringError `model_invalid` if its network is not of Deep_Emotion's form; `engine_unavailable` if memory is refused
 */
export async function createFusedClassifier(
  module: WebAssembly.Module,
  model: Model,
  engine: FusedEngine = "fused-wasm-simd",
): Promise<Classifier> {
  if (!fitsFusedKernel(model.card)) {
    throw new ScoringError("model_invalid", `${formatModelId(model.card)}: its network is not the fused engine's`);
  }
  const network = readClassifierNetwork(model);
  const { widths, tensors } = packNetwork(network);
  const instance = await WebAssembly.instantiate(module, {});
  const kernel = readKernel(instance.exports);
  if (kernel.layOut(...widths) !== 0) {
    throw new ScoringError("engine_unavailable", "no memory for the fused engine");
  }
  const buffer = kernel.memory.buffer;
  tensors.forEach((values, index) => new Float32Array(buffer, kernel.addressOf(index), values.length).set(values));

  const capacity = Number(kernel.CAPACITY.value);
  const input = new Uint8Array(buffer, kernel.addressOf(PIXELS), capacity * FACE_PIXELS);
  const theta = new Float32Array(buffer, kernel.addressOf(THETA), capacity * THETA_SIZE);
  const logits = new Float32Array(buffer, kernel.addressOf(LOGITS), capacity * LABEL_COUNT);
  const probabilities = new Float32Array(buffer, kernel.addressOf(PROBABILITIES), capacity * LABEL_COUNT);
  const alignCorners = network.graph.nodes.some((node) => node.op === "affineSample" && node.corners === "aligned");
  const scale = 1 / (model.card.temperature ?? 1);

  let disposed = false;

  function score(pixels: Uint8Array, count: number): Scores {
    if (disposed) throw new ScoringError("engine_unavailable", "the fused engine was disposed");
    checkFaces(model.card.input, pixels, count);
    const scores = {
      count,
      logits: new Float32Array(count * LABEL_COUNT),
      probabilities: new Float32Array(count * LABEL_COUNT),
      theta: network.theta ? new Float32Array(count * THETA_SIZE) : null,
      embedding: null,
    };
    for (let first = 0; first < count; first += capacity) {
      const faces = Math.min(capacity, count - first);
      input.set(pixels.subarray(first * FACE_PIXELS, (first + faces) * FACE_PIXELS));
      kernel.run(faces, alignCorners, scale);
      scores.logits.set(logits.subarray(0, faces * LABEL_COUNT), first * LABEL_COUNT);
      scores.probabilities.set(probabilities.subarray(0, faces * LABEL_COUNT), first * LABEL_COUNT);
      scores.theta?.set(theta.subarray(0, faces * THETA_SIZE), first * THETA_SIZE);
    }
    return scores;
  }

  return {
    model: formatModelId(model.card),
    labels: model.card.labels,
    input: model.card.input,
    engine,
    batchSize: BATCH_SIZE,
    classify: async (pixels, count) => score(pixels, count),
    // The memory goes with the instance, when nothing refers to it.
    dispose: () => {
      disposed = true;
    },
  };
}
