import { describe, expect, it } from "vitest";
import { listFolderModels } from "../../../src/backends/models-node.ts";
import { computeHog, HOG_FEATURES, HOG_SETTINGS } from "../../../src/model/hog-features.ts";
import { createHogSvmClassifier } from "../../../src/model/hog-svm.ts";
import { FACE_PIXELS, LABEL_COUNT } from "../../../src/model/labels.ts";
import { loadModel, type Model } from "../../../src/model/model.ts";
import type { Tensor } from "../../../src/model/tensor.ts";
import golden from "../../golden/hog-svm-1.json" with { type: "json" };
import network from "../../golden/network.json" with { type: "json" };
import { createTestModel, drawFaces } from "../../golden/network.ts";

const faces = drawFaces();
const count = golden.faces.length;
const faceAt = (index: number): Uint8Array => faces.subarray(index * FACE_PIXELS, (index + 1) * FACE_PIXELS);

async function loadShipped(): Promise<Model> {
  const source = (await listFolderModels()).find(({ id }) => id === "hog-svm@1");
  if (source === undefined) throw new Error("models/hog-svm@1 is missing");
  return loadModel(source);
}

function createModel(tensors: ReadonlyMap<string, Tensor>, settings: Model["card"]["settings"]): Model {
  const model = createTestModel(tensors);
  return { tensors, card: { ...model.card, family: "hog-svm", alignCorners: null, settings } };
}

describe("HOG features", () => {
  it("are made from the faces that the golden file means", () => {
    expect(golden.faces).toEqual(network.faces);
  });

  it("equal NumPy's", () => {
    for (let face = 0; face < count; face += 1) {
      const features = computeHog(faceAt(face));
      expect(features).toHaveLength(HOG_FEATURES);
      const ends = [...features.subarray(0, 18), ...features.subarray(-9)];
      const expected = [...(golden.features_first_18[face] ?? []), ...(golden.features_last_9[face] ?? [])];
      expect(ends).toHaveLength(expected.length);
      ends.forEach((value, index) => expect(value).toBeCloseTo(expected[index] ?? Number.NaN, 8));
      const sum = features.reduce((total, value) => total + value, 0);
      expect(sum).toBeCloseTo(golden.feature_sums[face] ?? Number.NaN, 5);
    }
  });
});

describe("hog-svm@1", () => {
  it("gives NumPy's probabilities through the port", async () => {
    const classifier = createHogSvmClassifier(await loadShipped());
    expect(classifier.model).toBe("hog-svm@1");
    const scores = await classifier.classify(faces, count);
    const expected = golden.probabilities.flat();
    expect(scores.probabilities).toHaveLength(expected.length);
    expected.forEach((value, index) => expect(Math.abs(value - (scores.probabilities[index] ?? 9))).toBeLessThan(1e-6));
    expect(scores.theta).toBeNull();
    expect(scores.logits).toHaveLength(count * LABEL_COUNT);
  });

  it("refuses a call that reads beyond its pixels", async () => {
    const classifier = createHogSvmClassifier(await loadShipped());
    await expect(classifier.classify(faces, count + 1)).rejects.toThrow("do not hold");
  });
});

describe("a hog-svm model", () => {
  const weight: Tensor = { shape: [LABEL_COUNT, HOG_FEATURES], data: new Float32Array(LABEL_COUNT * HOG_FEATURES) };
  const bias: Tensor = { shape: [LABEL_COUNT], data: new Float32Array(LABEL_COUNT) };

  it("is refused by tensor and both shapes", () => {
    const flat = { ...bias, shape: [1, LABEL_COUNT] };
    const model = createModel(
      new Map([
        ["weight", weight],
        ["bias", flat],
      ]),
      HOG_SETTINGS,
    );
    expect(() => createHogSvmClassifier(model)).toThrow("tensor bias is [1, 7], expected [7]");
    const short = createModel(new Map([["weight", weight]]), HOG_SETTINGS);
    expect(() => createHogSvmClassifier(short)).toThrow("tensor bias is missing");
    const more = createModel(
      new Map([
        ["weight", weight],
        ["bias", bias],
        ["scale", bias],
      ]),
      HOG_SETTINGS,
    );
    expect(() => createHogSvmClassifier(more)).toThrow("tensor scale is not one of this family");
  });

  it("is refused if its card states other features", () => {
    const model = createModel(
      new Map([
        ["weight", weight],
        ["bias", bias],
      ]),
      { ...HOG_SETTINGS, cellPixels: 8 },
    );
    expect(() => createHogSvmClassifier(model)).toThrow("cellPixels is 8, expected 6");
  });
});
