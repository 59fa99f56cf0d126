import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../src/errors.ts";
import {
  buildSamplerMatrix,
  locatePixel,
  normalizePixel,
  TRANSFORM_SIZE,
} from "../../../src/model/graph/affine-sample.ts";
import { countParameters, readNetworkWidths } from "../../../src/model/graph/deep-emotion-tensors.ts";
import { readDeepEmotion } from "../../../src/model/graph/deep-emotion.ts";
import { countFaceWork } from "../../../src/model/face-cost.ts";
import type { Tensor } from "../../../src/model/tensor.ts";
import { drawModel, ODD_WIDTHS, PUBLISHED_WIDTHS } from "../../contract/classifier-parity.ts";

const THETA = [1, 0, 0, 0, 1, 0];

/** Folds a network after an edit of its tensors. */
function change(edit: (tensors: Map<string, Tensor>) => void): () => unknown {
  const tensors = new Map(drawModel(1, PUBLISHED_WIDTHS, THETA).tensors);
  edit(tensors);
  return () => readDeepEmotion(tensors, "half");
}

describe("network shapes", () => {
  it("count what the published network has", () => {
    expect(countParameters(PUBLISHED_WIDTHS)).toBe(66_877);
    expect(countFaceWork(drawModel(1, PUBLISHED_WIDTHS, THETA).card)).toBe(3_915_450);
  });

  it("are read off the weights, whatever the widths", () => {
    expect(readNetworkWidths(drawModel(1, ODD_WIDTHS, THETA).tensors)).toEqual(ODD_WIDTHS);
  });

  it("name the tensor and both shapes when one is wrong", () => {
    const wrong = { shape: [10, 10, 3, 2], data: new Float32Array(600) };
    expect(change((tensors) => tensors.set("conv3.weight", wrong))).toThrow(
      "tensor conv3.weight is [10, 10, 3, 2], expected [10, 10, 3, 3]",
    );
  });

  it("name a missing tensor, an unknown one and one that is not finite", () => {
    expect(change((tensors) => tensors.delete("norm.running_var"))).toThrow("norm.running_var missing, expected [10]");
    expect(change((tensors) => tensors.delete("conv2.weight"))).toThrow("conv2.weight is missing");
    const extra = { shape: [10], data: new Float32Array(10) };
    expect(change((tensors) => tensors.set("norm2.weight", extra))).toThrow("norm2.weight [10] is not a tensor");
    const holed = { shape: [7], data: new Float32Array(7).fill(Number.NaN) };
    expect(change((tensors) => tensors.set("fc2.bias", holed))).toThrow("fc2.bias holds a value that is not finite");
  });

  it("refuse a variance that has no root", () => {
    const below = { shape: [10], data: new Float32Array(10).fill(-1, 3, 4) };
    expect(change((tensors) => tensors.set("norm.running_var", below))).toThrow(
      "norm.running_var holds a negative variance",
    );
  });

  it("report all wrong tensors together", () => {
    const fold = change((tensors) => {
      tensors.delete("fc2.bias");
      tensors.delete("fc1.bias");
    });
    let paths: string[] = [];
    try {
      fold();
    } catch (error) {
      if (error instanceof ScoringError) paths = error.issues.map(({ path }) => path);
    }
    expect(paths).toEqual(["fc1.bias", "fc2.bias"]);
  });

  it("let PyTorch's batch counter pass", () => {
    const counter = { shape: [], data: Float32Array.of(12) };
    expect(change((tensors) => tensors.set("norm.num_batches_tracked", counter))).not.toThrow();
  });
});

describe("sampler matrix", () => {
  it("maps pixels as affine_grid and grid_sample do, whatever the sides", () => {
    const entry = fc.double({ min: -3, max: 3, noNaN: true });
    const side = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(
        fc.tuple(entry, entry, entry, entry, entry, entry),
        fc.tuple(side, side),
        fc.tuple(fc.nat(), fc.nat()),
        fc.constantFrom("half" as const, "aligned" as const),
        (theta, [height, width], [row, column], corners) => {
          const { matrix, offset } = buildSamplerMatrix(height, width, corners);
          const [r, c] = [row % height, column % width];
          const made = [...offset].map((start, i) =>
            theta.reduce((sum, value, k) => sum + value * matrix[k * TRANSFORM_SIZE + i]!, start),
          );
          const [a, b, tx, d, e, ty] = theta;
          const [u, v] = [normalizePixel(c, width, corners), normalizePixel(r, height, corners)];
          expect(made[0]! * c + made[1]! * r + made[2]!).toBeCloseTo(
            locatePixel(a * u + b * v + tx, width, corners),
            2,
          );
          expect(made[3]! * c + made[4]! * r + made[5]!).toBeCloseTo(
            locatePixel(d * u + e * v + ty, height, corners),
            2,
          );
          expect(made.slice(6)).toEqual([0, 0]);
        },
      ),
    );
  });

  it("has PyTorch's coordinates: edges at −1 and 1, or centers", () => {
    expect([0, 47].map((i) => normalizePixel(i, 48, "half"))).toEqual([1 / 48 - 1, 95 / 48 - 1]);
    expect([0, 47].map((i) => normalizePixel(i, 48, "aligned"))).toEqual([-1, 1]);
    expect((["half", "aligned"] as const).map((corners) => normalizePixel(0, 1, corners))).toEqual([0, 0]);
    expect([-1, 0, 1].map((at) => locatePixel(at, 48, "half"))).toEqual([-0.5, 23.5, 47.5]);
    expect([-1, 0, 1].map((at) => locatePixel(at, 48, "aligned"))).toEqual([0, 23.5, 47]);
  });
});
