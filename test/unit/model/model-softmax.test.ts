import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Classifier, Scores } from "../../../src/model/classifier.ts";
import { GRAY_48 } from "../../../src/model/input-form.ts";
import { createFlipClassifier, mirrorFaces } from "../../../src/model/flip.ts";
import { FACE_PIXELS, FACE_SIZE, LABELS } from "../../../src/model/labels.ts";
import { createOracle } from "../../../src/model/oracle.ts";
import { computeProbabilities, deriveVerdict, rowOf } from "../../../src/model/softmax.ts";
import { drawModel, PUBLISHED_WIDTHS } from "../../contract/classifier-parity.ts";
import { drawFaces } from "../../golden/network.ts";

const logits = fc.array(fc.float({ min: -80, max: 80, noNaN: true }), { minLength: 7, maxLength: 7 });

/** First probability of the logits 2, 0, …, 0. */
function top(temperature: number | null): number {
  return computeProbabilities(Float32Array.of(2, 0, 0, 0, 0, 0, 0), 1, temperature)[0]!;
}

describe("softmax", () => {
  it("gives probabilities in the order of the logits, for any temperature", () => {
    fc.assert(
      fc.property(logits, fc.double({ min: 0.1, max: 10, noNaN: true }), (row, temperature) => {
        const probabilities = computeProbabilities(Float32Array.from(row), 1, temperature);
        expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
        const byLogit = row.map((logit, i) => ({ logit, p: probabilities[i]! })).sort((a, b) => a.logit - b.logit);
        expect(byLogit.every(({ p }, i) => i === 0 || p >= byLogit[i - 1]!.p)).toBe(true);
      }),
    );
  });

  it("survives logits that overflow an exponential", () => {
    const probabilities = computeProbabilities(Float32Array.of(3e38, 0, -3e38, 0, 0, 0, 0), 1, null);
    expect([...probabilities]).toEqual([1, 0, 0, 0, 0, 0, 0]);
  });

  it("sharpens below temperature 1 and softens above", () => {
    expect(top(0.5)).toBeGreaterThan(top(null));
    expect(top(2)).toBeLessThan(top(1));
    expect(top(1)).toBe(top(null));
  });
});

describe("verdict", () => {
  it("goes to the lower index in a tie, with margin 0", () => {
    const row = Float32Array.of(0, 0.25, 0.25, 0.25, 0.25, 0, 0);
    expect(deriveVerdict(LABELS, row)).toMatchObject({ label: "Disgust", labelIndex: 1, margin: 0 });
    const even = new Float32Array(7).fill(1 / 7);
    expect(deriveVerdict(LABELS, even)).toMatchObject({ label: "Angry", margin: 0 });
    expect(deriveVerdict(LABELS, even).entropy).toBeCloseTo(Math.log(7), 6);
  });

  it("equals a sort, for any row at any index", () => {
    const row = logits.map((values) => computeProbabilities(Float32Array.from(values), 1, null));
    fc.assert(
      fc.property(row, row, (first, second) => {
        const both = Float32Array.from([...first, ...second]);
        const verdict = deriveVerdict(LABELS, rowOf(both, 1, LABELS.length));
        const sorted = [...second].map((p, i) => ({ p, i })).sort((a, b) => b.p - a.p || a.i - b.i);
        expect(verdict.labelIndex).toBe(sorted[0]!.i);
        expect(verdict.label).toBe(LABELS[sorted[0]!.i]);
        expect(verdict.margin).toBe(sorted[0]!.p - sorted[1]!.p);
        expect(verdict.entropy).toBeGreaterThanOrEqual(0);
        expect(verdict.entropy).toBeLessThanOrEqual(Math.log(7) + 1e-6);
      }),
    );
  });

  it("has entropy 0 for certainty", () => {
    expect(deriveVerdict(LABELS, [0, 0, 0, 1, 0, 0, 0])).toMatchObject({
      label: "Happy",
      margin: 1,
      entropy: 0,
    });
  });
});

describe("flip", () => {
  const model = drawModel(11, PUBLISHED_WIDTHS, [1, 0.1, 0, 0, 1, 0]);
  const pixels = drawFaces().subarray(0, 2 * FACE_PIXELS);

  it("mirrors each row, and twice is none", () => {
    const mirrored = mirrorFaces(GRAY_48, pixels, 2);
    expect(mirrored[0]).toBe(pixels[FACE_SIZE - 1]);
    expect(mirrored[FACE_PIXELS + 5 * FACE_SIZE + 3]).toBe(pixels[FACE_PIXELS + 5 * FACE_SIZE + 44]);
    expect(mirrorFaces(GRAY_48, mirrored, 2)).toEqual(pixels);
    expect(mirrored).not.toEqual(pixels);
  });

  it("gives a face and its mirror image the same probabilities, the mean of both", async () => {
    const plain = createOracle(model);
    const flip = createFlipClassifier(plain);
    const straight = await flip.classify(pixels, 2);
    const mirrored = await flip.classify(mirrorFaces(GRAY_48, pixels, 2), 2);
    expect(straight.probabilities).toEqual(mirrored.probabilities);
    const one = await plain.classify(pixels, 2);
    const other = await plain.classify(mirrorFaces(GRAY_48, pixels, 2), 2);
    expect(one.probabilities).not.toEqual(other.probabilities);
    straight.probabilities.forEach((p, i) => {
      expect(p).toBeCloseTo((one.probabilities[i]! + other.probabilities[i]!) / 2, 7);
      expect(Math.exp(straight.logits[i]!)).toBeCloseTo(p, 6);
    });
    expect(straight.theta).toEqual(one.theta);
    expect(flip.engine).toBe("oracle+flip");
  });

  it("passes on disposal and failures", async () => {
    let disposed = 0;
    const inner: Classifier = {
      ...createOracle(model),
      classify: (): Promise<Scores> => Promise.reject(new Error("lost")),
      dispose: () => disposed++,
    };
    const flip = createFlipClassifier(inner);
    await expect(flip.classify(pixels, 2)).rejects.toThrow("lost");
    flip.dispose();
    expect(disposed).toBe(1);
  });
});
