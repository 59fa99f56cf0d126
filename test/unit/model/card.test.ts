import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseModelCard, type ModelCard } from "../../../src/model/card.ts";
import { scaleLevels, tabulateLevels } from "../../../src/model/input-form.ts";
import { readClassifierNetwork } from "../../../src/model/graph/graph-model.ts";
import { createTinyNet } from "../../contract/tiny-net.ts";

const { card, tensors } = createTinyNet();
const change = (changes: Readonly<Record<string, unknown>>): unknown => ({ ...card, ...changes });

describe("a card of one's own labels and input", () => {
  it("is read as it was written", () => {
    expect(parseModelCard(JSON.stringify(card))).toEqual(card);
    expect(readClassifierNetwork({ card, tensors })).toMatchObject({ scores: "logits", embedding: 6 });
  });

  it("has 48×48 gray where it names no input", () => {
    const { input: _, ...older } = card;
    expect(parseModelCard(older).input).toEqual({ size: 48, color: "gray", mean: [0.5], std: [0.5] });
  });

  it.each([
    [{ labels: ["one"] }, /labels: .*>=2/],
    [{ labels: ["Not sure", "not_sure", "sure"] }, /labels\.1: is the same as Not sure/],
    [{ labels: ["1", "2", "3"] }, /labels\.0: must be a name/],
    [{ labels: ["a,b", "c", "d"] }, /labels\.0: must be a name/],
    [{ labels: ["__proto__", "c", "d"] }, /labels\.0: must be a name/],
    [{ input: { ...card.input, mean: [0.5] } }, /input\.mean: has 1 values, not 3/],
    [{ input: { ...card.input, std: [1, 0, 1] } }, /input\.std\.1: must not be 0/],
    [{ input: { ...card.input, size: 4096 } }, /input\.size/],
    [{ family: "hog-svm", graph: undefined }, /labels: the family hog-svm has Angry/],
  ])("refuses %j, naming the place", (changes, message) => {
    expect(() => parseModelCard(change(changes))).toThrow(message);
  });

  it("refuses figures of other labels", () => {
    const perClass = card.labels.map((label) => ({ label, precision: 1, recall: 1, f1: 1, support: 1 }));
    const evaluation = {
      dataset: "made",
      command: "made",
      tta: "none",
      faces: 3,
      accuracy: 1,
      interval: [0.5, 1],
      balancedAccuracy: 1,
      macroF1: 1,
      ece: { before: 0, after: null },
      perClass,
      confusion: card.labels.map((_, row) => card.labels.map((__, column) => Number(row === column))),
    };
    expect(parseModelCard(change({ evaluations: [evaluation] })).evaluations).toHaveLength(1);
    for (const wrong of [{ confusion: [[1]] }, { perClass: perClass.slice(1) }, { perClass: perClass.toReversed() }]) {
      const evaluations = [evaluation, { ...evaluation, ...wrong }];
      expect(() => parseModelCard(change({ evaluations }))).toThrow(
        "evaluations.1: its figures are not of left, right",
      );
    }
  });

  it.each<[Partial<ModelCard>, RegExp]>([
    [{ labels: ["a", "b"] }, /its output logits has 3 values, its card 2 labels/],
    [{ input: { ...card.input, size: 48 } }, /takes 32×32×3, its card's input is 48×48×3/],
    [{ input: { size: 32, color: "gray", mean: [0], std: [1] } }, /takes 32×32×3, its card's input is 32×32×1/],
    [{ graph: { ...card.graph!, outputs: { logits: "scores", probabilities: "scores" } } }, /no single output/],
  ])("refuses a network that does not fit the card: %j", (changes, message) => {
    expect(() => readClassifierNetwork({ card: { ...card, ...changes }, tensors })).toThrow(message);
  });

  it("scales bytes in one step as in three", () => {
    const value = fc.double({ min: -2, max: 2, noNaN: true });
    const spread = fc.double({ min: 0.001, max: 4, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, spread), { minLength: 1, maxLength: 3 }), fc.nat(255), (pairs, level) => {
        const form = { mean: pairs.map(([mean]) => mean), std: pairs.map(([, std]) => std) };
        const { scales, offsets } = scaleLevels(form);
        for (const [k, levels] of tabulateLevels(form).entries()) {
          expect(level * scales[k]! + offsets[k]!).toBeCloseTo(levels[level]!, 6);
        }
      }),
    );
  });
});
