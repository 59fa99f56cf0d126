import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../src/errors.ts";
import { foldNetwork } from "../../../src/model/fold.ts";
import {
  countMultiplyAdds,
  countParameters,
  listTensorShapes,
  readNetworkWidths,
} from "../../../src/model/network-shapes.ts";
import { permute } from "../../../src/model/network.ts";
import { buildSamplerMatrix, TRANSFORM_SIZE } from "../../../src/model/sampler.ts";
import type { Tensor } from "../../../src/model/tensor.ts";
import { drawModel, ODD_WIDTHS, PUBLISHED_WIDTHS } from "../../contract/classifier-parity.ts";

const THETA = [1, 0, 0, 0, 1, 0];

/** Folds a network after an edit of its tensors. */
function change(edit: (tensors: Map<string, Tensor>) => void): () => unknown {
  const tensors = new Map(drawModel(1, PUBLISHED_WIDTHS, THETA).tensors);
  edit(tensors);
  return () => foldNetwork(tensors);
}

describe("network shapes", () => {
  it("count what the published network has", () => {
    expect(countParameters(PUBLISHED_WIDTHS)).toBe(66_877);
    expect(countMultiplyAdds(listTensorShapes(PUBLISHED_WIDTHS)) / 1e6).toBeCloseTo(3.92, 2);
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
  it("maps pixels as affine_grid and grid_sample do", () => {
    const entry = fc.double({ min: -3, max: 3, noNaN: true });
    const pixel = fc.integer({ min: 0, max: 47 });
    fc.assert(
      fc.property(
        fc.tuple(entry, entry, entry, entry, entry, entry),
        pixel,
        pixel,
        fc.boolean(),
        (theta, c, r, corners) => {
          const { matrix, offset } = buildSamplerMatrix(corners);
          const row = [...offset].map((start, i) =>
            theta.reduce((sum, value, k) => sum + value * matrix[k * TRANSFORM_SIZE + i]!, start),
          );
          const grid = (i: number): number => (corners ? (2 * i) / 47 - 1 : (2 * i + 1) / 48 - 1);
          const read = (n: number): number => (corners ? ((n + 1) / 2) * 47 : ((n + 1) * 48 - 1) / 2);
          const [a, b, tx, d, e, ty] = theta;
          expect(row[0]! * c + row[1]! * r + row[2]!).toBeCloseTo(read(a * grid(c) + b * grid(r) + tx), 4);
          expect(row[3]! * c + row[4]! * r + row[5]!).toBeCloseTo(read(d * grid(c) + e * grid(r) + ty), 4);
          expect(row.slice(6)).toEqual([0, 0]);
        },
      ),
    );
  });
});

describe("permute", () => {
  it("moves every element to its place", () => {
    const shape = [2, 3, 4, 5];
    const data = Float32Array.from({ length: 120 }, (_, i) => i);
    const order = [2, 3, 1, 0];
    const moved = permute({ shape, data }, order);
    for (let a = 0; a < 2; a++) {
      for (let b = 0; b < 3; b++) {
        for (let c = 0; c < 4; c++) {
          for (let d = 0; d < 5; d++) {
            expect(moved[((c * 5 + d) * 3 + b) * 2 + a]).toBe(((a * 3 + b) * 4 + c) * 5 + d);
          }
        }
      }
    }
  });
});
