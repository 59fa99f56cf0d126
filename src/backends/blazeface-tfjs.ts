/**
 * BlazeFace on tfjs operations (Bazarevsky et al. 2019, arXiv:1907.05047, back camera): a 5×5 stem, 31 blocks of depthwise 3×3 and 1×1 with a shortcut, two
 * heads. Fully convolutional: any rectangle in multiples of 32.
 */

import * as tf from "@tensorflow/tfjs-core";
import { ScoringError } from "../errors.ts";
import type { BlazeFaceNetwork } from "../model/blazeface.ts";
import type { Tensor } from "../model/tensor.ts";
import { selectBackend } from "./tfjs-backend.ts";

const BLOCKS = 31;
/** Blocks that halve the map. */
const HALVING: readonly number[] = [7, 15, 23];
/** What sets both channels' pads apart: a shortcut is widened at its end. */
const NO_PAD = [0, 0] as const;

interface Layer {
  readonly weight: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
}

/**
 * Uploads the weights to a tfjs backend that is registered.
 * @throws ScoringError `engine_unavailable`, `model_invalid` if a tensor is missing
 */
export async function buildBlazeFaceTfjs(
  tensors: ReadonlyMap<string, Tensor>,
  backend: string,
): Promise<BlazeFaceNetwork> {
  await selectBackend(backend);
  const kept: tf.Tensor[] = [];
  const upload = <R extends tf.Rank>(
    name: string,
    shape: (sizes: readonly number[]) => tf.ShapeMap[R],
  ): tf.Tensor<R> => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new ScoringError("model_invalid", `blazeface: tensor ${name} is missing`);
    const uploaded = tf.tensor<R>(tensor.data, shape(tensor.shape));
    kept.push(uploaded);
    return uploaded;
  };
  const filter = (name: string): tf.Tensor4D =>
    upload<tf.Rank.R4>(name, ([height = 0, width = 0, inputs = 0, outputs = 0]) => [height, width, inputs, outputs]);
  const layer = (name: string): Layer => ({
    weight: filter(`${name}.weight`),
    bias: upload<tf.Rank.R1>(`${name}.bias`, ([outputs = 0]) => [outputs]),
  });
  const stem = layer("stem");
  const names = [...Array.from({ length: BLOCKS }, (_, i) => `blocks.${i}`), "tail"];
  const blocks = names.map((name) => ({ ...layer(name), depthwise: filter(`${name}.depthwise`) }));
  const heads = ["near.scores", "near.values", "far.scores", "far.values"].map(layer);

  function runBlock(x: tf.Tensor4D, index: number): tf.Tensor4D {
    const block = blocks[index]!;
    const stride = HALVING.includes(index) || index === BLOCKS ? 2 : 1;
    const spread = tf.depthwiseConv2d(x, block.depthwise, stride, "same");
    const mixed = convolve(spread, block, 1);
    // Freed at once, not at the end of the block: the backend's memory never shrinks.
    spread.dispose();
    if (index === BLOCKS) return tf.relu(mixed);
    const straight = stride === 1 ? x : tf.maxPool(x, 2, 2, "same");
    const missing = mixed.shape[3] - straight.shape[3];
    const wide = missing === 0 ? straight : tf.pad(straight, [[...NO_PAD], [...NO_PAD], [...NO_PAD], [0, missing]]);
    const sum = tf.add<tf.Tensor4D>(mixed, wide);
    mixed.dispose();
    return tf.relu(sum);
  }

  return {
    async run(rgb, width, height) {
      await selectBackend(backend);
      const outputs = tf.tidy(() => {
        let map = convolve(tf.tensor4d(rgb, [1, height, width, 3]), stem, 2, "relu");
        let near = map;
        for (let i = 0; i <= BLOCKS; i++) {
          const before = map;
          map = tf.tidy(() => runBlock(before, i));
          if (i === BLOCKS - 1) near = map;
          else if (i < BLOCKS) before.dispose();
        }
        return heads.map((head, i) => convolve(i < 2 ? near : map, head));
      });
      try {
        const [nearScores, nearValues, farScores, farValues] = await Promise.all(
          outputs.map((output) => output.data<"float32">()),
        );
        return { nearScores: nearScores!, nearValues: nearValues!, farScores: farScores!, farValues: farValues! };
      } catch (cause) {
        throw new ScoringError("engine_unavailable", "the face detector failed", { cause });
      } finally {
        tf.dispose(outputs);
      }
    },
    dispose: () => tf.dispose(kept),
  };
}

function convolve(x: tf.Tensor4D, { weight, bias }: Layer, strides = 1, activation?: "relu"): tf.Tensor4D {
  return tf.fused.conv2d({ x, filter: weight, strides, pad: "same", bias, ...(activation && { activation }) });
}
