import { describe, expect, it } from "vitest";
import { listBundledModels } from "../../src/backends/models-workerd.ts";
import { createHogSvmClassifier } from "../../src/model/hog-svm.ts";
import { createClassifier, createRegistry } from "../../src/model/registry.ts";
import golden from "../golden/hog-svm-1.json" with { type: "json" };
import { drawFaces } from "../golden/network.ts";

describe("hog-svm@1 inside workerd", () => {
  it("gives NumPy's probabilities through the registry and the port", async () => {
    const model = await createRegistry(listBundledModels()).load("hog-svm");
    const classifier = await createClassifier(model, { "hog-svm": async (given) => createHogSvmClassifier(given) });
    expect(classifier.model).toBe("hog-svm@1");
    const { probabilities } = await classifier.classify(drawFaces(), golden.faces.length);
    const expected = golden.probabilities.flat();
    expect(probabilities).toHaveLength(expected.length);
    const gaps = expected.map((value, index) => Math.abs(value - (probabilities[index] ?? 9)));
    expect(Math.max(...gaps)).toBeLessThan(1e-6);
  });
});
