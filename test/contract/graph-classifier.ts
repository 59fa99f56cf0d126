/** What every engine of the family "graph" must do: the same suite in Node and workerd, for tfjs and the SIMD engine. */

import { describe, expect, it } from "vitest";
import type { Classifier } from "../../src/model/classifier.ts";
import { createFlipClassifier } from "../../src/model/flip.ts";
import { describePlainNetwork } from "../../src/model/graph/plain-network.ts";
import { countInputBytes, GRAY_48, type InputForm } from "../../src/model/input-form.ts";
import { FACE_PIXELS, LABEL_COUNT, LABELS } from "../../src/model/labels.ts";
import type { Model } from "../../src/model/model.ts";
import { createOracle } from "../../src/model/oracle.ts";
import { rowOf } from "../../src/model/softmax.ts";
import type { Tensor } from "../../src/model/tensor.ts";
import { drawNoise } from "../golden/network.ts";
import { compareScores, PROBABILITY_TOLERANCE } from "./classifier-agreement.ts";
import { createDice } from "./drawn-networks.ts";
import { createTinyNet, drawBytes, TINY_INPUT, TINY_LABELS, type TinyScores } from "./tiny-net.ts";

/** A plain 3×3 network of these groups with drawn weights; sides stay whole for up to four groups. */
export function drawPlainModel(seed: number, groups: readonly (readonly number[])[], hidden: number): Model {
  const dice = createDice(seed);
  const tensors = new Map<string, Tensor>();
  const draw = (name: string, shape: readonly number[], gain: number): void => {
    const length = shape.reduce((product, size) => product * size, 1);
    tensors.set(name, { shape, data: Float32Array.from({ length }, () => gain * dice.real()) });
  };
  const layer = (name: string, shape: readonly [number, ...number[]], gain = 1.4): void => {
    const inputs = shape.slice(1).reduce((product, size) => product * size, 1);
    draw(`${name}.weight`, shape, gain * Math.sqrt(3 / inputs));
    draw(`${name}.bias`, [shape[0]], 0.1);
  };
  let before = 1;
  for (const [i, width] of groups.flat().entries()) {
    layer(`conv${i + 1}`, [width, before, 3, 3]);
    before = width;
  }
  const side = 48 / 2 ** groups.length;
  layer("fc1", [hidden, before * side * side]);
  layer("fc2", [LABEL_COUNT, hidden], 3);
  return {
    tensors,
    card: {
      name: "drawn",
      version: 1,
      family: "graph",
      sha256: "0".repeat(64),
      labels: [...LABELS],
      input: GRAY_48,
      alignCorners: null,
      temperature: 1.3,
      pipeline: 1,
      parameters: 1,
      shapes: Object.fromEntries([...tensors].map(([name, { shape }]) => [name, [...shape]])),
      settings: {},
      graph: describePlainNetwork(tensors),
      evaluations: [],
      training: { command: "drawn", data: "none", selection: "none" },
      license: "MIT",
      notices: [],
    },
  };
}

/** Widths of which none is a multiple of a register tile, and the last maps are 3×3, 6×6, 12×12 and 24×24. */
const GROUPS = [[5], [7, 7], [13, 13], [11]];

/** Declares the suite for one engine. */
export function describeGraphClassifier(
  name: string,
  engine: string,
  create: (model: Model) => Promise<Classifier>,
): void {
  describe(`the family "graph" on ${name}`, () => {
    it("agrees with the oracle", async () => {
      const model = drawPlainModel(1, GROUPS, 9);
      const pixels = drawNoise(2, 3);
      const classifier = await create(model);
      expect(classifier).toMatchObject({ engine, model: "drawn@1" });
      const scores = await classifier.classify(pixels, 3);
      const reference = await createOracle(model).classify(pixels, 3);
      const rows = [0, 1, 2].map((i) => [...reference.probabilities.subarray(i * LABEL_COUNT, (i + 1) * LABEL_COUNT)]);
      const { worst, labelFaults } = compareScores(scores, { probabilities: rows, theta: [] });
      expect(worst).toBeLessThan(PROBABILITY_TOLERANCE);
      expect(labelFaults).toEqual([]);
      expect(scores.theta).toBeNull();
      classifier.dispose();
    });

    it.each([
      ["logits", TINY_INPUT],
      ["probabilities", { size: 24, color: "bgr", mean: [0, 0, 0], std: [2, 1, 0.5] }],
      ["probabilities", { size: 40, color: "gray", mean: [0.3], std: [0.2] }],
    ] satisfies [TinyScores, InputForm][])(
      "takes labels, input and outputs from the card: %s of %j",
      async (kind, input) => {
        const model = createTinyNet(kind, input);
        const classifier = await create(model);
        const count = 5;
        const pixels = drawBytes(9, count * countInputBytes(input));
        const oracle = createOracle(model);
        expect([classifier.labels, classifier.input]).toEqual([TINY_LABELS, input]);
        for (const wrap of [(one: Classifier) => one, createFlipClassifier]) {
          const scores = await wrap(classifier).classify(pixels, count);
          const reference = await wrap(oracle).classify(pixels, count);
          for (const output of ["probabilities", "logits", "embedding"] as const) {
            const [made, wanted] = [scores[output]!, reference[output]!];
            expect([output, made.length]).toEqual([output, count * (output === "embedding" ? 6 : TINY_LABELS.length)]);
            const scale = Math.max(1, ...wanted.map(Math.abs));
            const gaps = made.map((value, i) => Math.abs(value - wanted[i]!) / scale);
            expect([output, Math.max(...gaps) < PROBABILITY_TOLERANCE]).toEqual([output, true]);
          }
          for (let face = 0; face < count; face++) {
            const sum = rowOf(scores.probabilities, face, TINY_LABELS.length).reduce((a, b) => a + b, 0);
            expect(sum).toBeCloseTo(1, 5);
          }
          expect(new Set(scores.probabilities).size).toBeGreaterThan(count);
        }
        await expect(classifier.classify(pixels.subarray(1), count)).rejects.toMatchObject({ name: "ScoringError" });
        classifier.dispose();
      },
    );

    it("refuses probabilities that are none", async () => {
      const model = createTinyNet();
      const outputs = { probabilities: "scores" };
      const classifier = await create({ ...model, card: { ...model.card, graph: { ...model.card.graph!, outputs } } });
      const pixels = drawBytes(9, countInputBytes(TINY_INPUT));
      await expect(classifier.classify(pixels, 1)).rejects.toThrow(
        /tiny@1: its output probabilities sums to .*, not 1/,
      );
      classifier.dispose();
    });

    it("gives a face the same scores in every place and number of faces", async () => {
      const classifier = await create(drawPlainModel(3, GROUPS, 9));
      const most = classifier.batchSize + 5;
      const pixels = drawNoise(4, most);
      const whole = await classifier.classify(pixels, most);
      for (const count of [1, 2, 3, 4, 5, 8, classifier.batchSize, classifier.batchSize + 1]) {
        const part = await classifier.classify(pixels.subarray((most - count) * FACE_PIXELS), count);
        expect(part.logits.length).toBe(count * LABEL_COUNT);
        const first = (most - count) * LABEL_COUNT;
        const gaps = part.logits.map((value, i) => Math.abs(value - whole.logits[first + i]!));
        expect(Math.max(...gaps)).toBeLessThan(1e-5);
      }
      classifier.dispose();
    });

    it("refuses a card without a graph, fewer pixels than faces, and faces after it was disposed", async () => {
      const model = drawPlainModel(1, [[4]], 3);
      const { graph: _, ...card } = model.card;
      await expect(create({ ...model, card })).rejects.toMatchObject({ code: "model_invalid" });
      const classifier = await create(model);
      expect((await classifier.classify(new Uint8Array(), 0)).logits.length).toBe(0);
      await expect(classifier.classify(new Uint8Array(FACE_PIXELS), 2)).rejects.toMatchObject({ name: "ScoringError" });
      classifier.dispose();
      classifier.dispose();
      const late = classifier.classify(new Uint8Array(FACE_PIXELS), 1);
      await expect(late).rejects.toMatchObject({ code: "engine_unavailable" });
    });
  });
}
