import { describe, expect, it } from "vitest";
import { FUSED_ENGINES } from "../../../src/backends/fused/fused-classifier.ts";
import { createFusedNodeClassifier } from "../../../src/backends/fused/fused-node.ts";
import { SIX_POINTS, transformKernel, transformMatrix } from "../../../src/backends/fused/winograd-weights.ts";
import { describeFusedEngine } from "../../contract/fused-kernel.ts";
import { drawModel, PUBLISHED_WIDTHS } from "../../contract/classifier-parity.ts";

for (const engine of FUSED_ENGINES) {
  describeFusedEngine("Node", engine, (model) => createFusedNodeClassifier(model, { engine }), { long: true });
}

describe("the fused engine in Node", () => {
  it("prefers the relaxed build where it is valid", async () => {
    const classifier = await createFusedNodeClassifier(drawModel(1, PUBLISHED_WIDTHS, [1, 0, 0, 0, 1, 0]));
    expect(classifier.engine).toBe("fused-wasm-relaxed");
  });

  it("refuses another family and incomplete tensors by name", async () => {
    const model = drawModel(1, PUBLISHED_WIDTHS, [1, 0, 0, 0, 1, 0]);
    const other = { ...model, card: { ...model.card, family: "hog-svm" as const } };
    await expect(createFusedNodeClassifier(other)).rejects.toMatchObject({ code: "model_invalid" });
    const tensors = new Map([...model.tensors].filter(([name]) => name !== "conv3.bias"));
    await expect(createFusedNodeClassifier({ ...model, tensors })).rejects.toThrow("conv3.bias");
  });
});

describe("Winograd's transform of a kernel", () => {
  it("is Lavin and Gray's G for F(4×4, 3×3)", () => {
    expect(transformMatrix(3, SIX_POINTS)).toEqual([
      [1 / 4, 0, 0],
      [-1 / 6, -1 / 6, -1 / 6],
      [-1 / 6, 1 / 6, -1 / 6],
      [1 / 24, 1 / 12, 1 / 6],
      [1 / 24, -1 / 12, 1 / 6],
      [0, 0, 1],
    ]);
  });

  it("of a single center tap is the outer product of G's middle column", () => {
    const points = transformKernel(Float32Array.from([0, 0, 0, 0, 1, 0, 0, 0, 0]), 3, SIX_POINTS);
    const column = [0, -1 / 6, 1 / 6, 1 / 12, -1 / 12, 0];
    // + 0 turns −0 into 0
    expect([...points].map((value) => value + 0)).toEqual(column.flatMap((a) => column.map((b) => a * b + 0)));
  });
});
