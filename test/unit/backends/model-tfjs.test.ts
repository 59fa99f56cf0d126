import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { createTfjsWasmNodeClassifier } from "../../../src/backends/tfjs-wasm-node.ts";
import { describeClassifierParity, drawModel, PUBLISHED_WIDTHS } from "../../contract/classifier-parity.ts";
import { drawNoise } from "../../golden/network.ts";

describeClassifierParity("tfjs wasm in Node", (model) => createTfjsWasmNodeClassifier(model), { long: true });

describe("tensors of tfjs wasm in Node", () => {
  it("are as many after a thousand calls as after one, and none after dispose", async () => {
    const model = drawModel(3, PUBLISHED_WIDTHS, [1, 0, 0, 0, 1, 0]);
    const warm = await createTfjsWasmNodeClassifier(model, { batchSize: 1 });
    warm.dispose();
    const before = tf.memory().numTensors;
    const classifier = await createTfjsWasmNodeClassifier(model, { batchSize: 1 });
    const pixels = drawNoise(4, 1);
    await classifier.classify(pixels, 1);
    const once = tf.memory();
    for (let i = 0; i < 1000; i++) await classifier.classify(pixels, 1);
    const often = tf.memory();
    expect([often.numTensors, often.numBytes]).toEqual([once.numTensors, once.numBytes]);
    classifier.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
