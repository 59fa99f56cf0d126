import simdModule from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { listBundledModels } from "../../src/backends/models-workerd.ts";
import { createTfjsWasmWorkerdClassifier, startTfjsWasmWorkerd } from "../../src/backends/tfjs-wasm-workerd.ts";
import { createClassifier, createRegistry } from "../../src/model/registry.ts";
import { describeClassifierParity, drawModel, PUBLISHED_WIDTHS } from "../contract/classifier-parity.ts";
import { drawFaces, drawNoise, FACE_COUNT } from "../golden/network.ts";

describe("tfjs wasm in workerd", () => {
  it("runs the SIMD binary, on one thread", async () => {
    const proof = await startTfjsWasmWorkerd();
    // What vector code that file holds is counted in test/unit/backends/model-simd.test.ts; here its bytes cannot be read.
    expect(proof.module).toBe(simdModule);
    expect(proof.threads).toBe(1);
    expect(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")).toBe(true);
  });

  it("is the current backend after a call, and keeps no tensor of it", async () => {
    const classifier = await createTfjsWasmWorkerdClassifier(drawModel(3, PUBLISHED_WIDTHS, [1, 0, 0, 0, 1, 0]));
    const pixels = drawNoise(4, 40);
    await classifier.classify(pixels, 40);
    expect(tf.getBackend()).toBe("wasm");
    const once = tf.memory().numTensors;
    for (let i = 0; i < 20; i++) await classifier.classify(pixels, 40);
    expect(tf.memory().numTensors).toBe(once);
    classifier.dispose();
  });

  it("scores with every bundled model of its family", async () => {
    const registry = createRegistry(listBundledModels());
    expect(registry.list().length).toBeGreaterThan(0);
    for (const id of registry.list()) {
      const model = await registry.load(id);
      if (model.card.family !== "deep-emotion") continue;
      const classifier = await createClassifier(model, { "deep-emotion": createTfjsWasmWorkerdClassifier });
      const scores = await classifier.classify(drawFaces(), FACE_COUNT);
      expect(scores.probabilities.every((p) => p >= 0 && p <= 1)).toBe(true);
      expect(classifier.model).toBe(id);
      classifier.dispose();
    }
  });
});

describeClassifierParity("tfjs wasm in workerd", (model) => createTfjsWasmWorkerdClassifier(model));
