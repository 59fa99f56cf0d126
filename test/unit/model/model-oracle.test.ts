import { describe, expect, it } from "vitest";
import { LABEL_COUNT, FACE_PIXELS } from "../../../src/model/labels.ts";
import { createOracle } from "../../../src/model/oracle.ts";
import { listDisagreements } from "../../contract/classifier-agreement.ts";
import { FACE_COUNT, FACE_SUMS, drawFaces, listGoldenCases, listProbes } from "../../golden/network.ts";

describe("golden generator", () => {
  it("draws the faces that PyTorch saw", () => {
    const faces = drawFaces();
    const sums = FACE_SUMS.map((_, i) =>
      faces.subarray(i * FACE_PIXELS, (i + 1) * FACE_PIXELS).reduce((sum, level) => sum + level, 0),
    );
    expect(sums).toEqual(FACE_SUMS);
  });

  it("draws the weights that PyTorch had", () => {
    for (const { tensors, probe } of listProbes()) {
      for (const [name, values] of Object.entries(probe)) {
        expect([...tensors.get(name)!.data.subarray(0, values.length)]).toEqual(values.map(Math.fround));
      }
    }
  });
});

describe("oracle against PyTorch", () => {
  for (const { name, model, expected } of listGoldenCases()) {
    it(`agrees on ${name}`, async () => {
      const scores = await createOracle(model).classify(drawFaces(), FACE_COUNT);
      for (let i = 0; i < FACE_COUNT * LABEL_COUNT; i++) {
        const row = Math.floor(i / LABEL_COUNT);
        const column = i % LABEL_COUNT;
        expect(Math.abs(scores.probabilities[i]! - expected.probabilities[row]![column]!)).toBeLessThan(1e-5);
        // PyTorch rounds sampler coordinates to float32: on pixel noise that moves its own logits by up to 9e-5.
        expect(Math.abs(scores.logits[i]! - expected.logits[row]![column]!)).toBeLessThan(2e-4);
      }
      for (let i = 0; i < FACE_COUNT * 6; i++) {
        expect(scores.theta![i]).toBeCloseTo(expected.theta[Math.floor(i / 6)]![i % 6]!, 5);
      }
    });
  }
});

describe("the rules of agreement", () => {
  const cases = listGoldenCases();

  it("notice the other align_corners on every weight set", async () => {
    for (let i = 0; i < cases.length; i += 2) {
      const scores = await createOracle(cases[i]!.model).classify(drawFaces(), FACE_COUNT);
      expect(listDisagreements(scores, cases[i]!.expected)).toEqual([]);
      expect(listDisagreements(scores, cases[i + 1]!.expected)).not.toEqual([]);
    }
  });

  it("notice values that are missing or not numbers", async () => {
    const { model, expected } = cases[0]!;
    const scores = await createOracle(model).classify(drawFaces(), FACE_COUNT);
    expect(listDisagreements({ ...scores, theta: null }, expected)).not.toEqual([]);
    const probabilities = scores.probabilities.map((p, i) => (i === 3 ? Number.NaN : p));
    expect(listDisagreements({ ...scores, probabilities }, expected)).not.toEqual([]);
  });
});
