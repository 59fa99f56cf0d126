import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { fitDeepEmotion } from "../../../../src/model/checkpoint/fit-deep-emotion.ts";
import { listTensorShapes, type NetworkWidths } from "../../../../src/model/graph/deep-emotion-tensors.ts";
import { countElements, type Tensor } from "../../../../src/model/tensor.ts";

const PUBLISHED: NetworkWidths = { localization: [8, 10], localizationHidden: 32, conv: [10, 10, 10, 10], hidden: 50 };

const zeros = (shape: readonly number[]): Tensor => ({ shape, data: new Float32Array(countElements(shape)) });

function createTensors(widths = PUBLISHED, prefix = ""): Map<string, Tensor> {
  return new Map([...listTensorShapes(widths)].map(([name, shape]) => [prefix + name, zeros(shape)]));
}

function fail(tensors: ReadonlyMap<string, Tensor>): ScoringError {
  try {
    fitDeepEmotion(tensors);
  } catch (error) {
    if (error instanceof ScoringError) return error;
    throw error;
  }
  throw new Error("the tensors fit");
}

describe("fitting weights to the network", () => {
  it("takes the network of any width out of any prefix, and says what it left", () => {
    const widths: NetworkWidths = { localization: [4, 6], localizationHidden: 9, conv: [16, 24, 32, 40], hidden: 70 };
    const tensors = createTensors(widths, "net.model.");
    tensors.set("criterion.weight", zeros([7]));
    tensors.set("net.model.norm.num_batches_tracked", zeros([]));
    const fitted = fitDeepEmotion(tensors);
    expect(fitted.widths).toEqual(widths);
    expect(fitted.prefix).toBe("net.model.");
    expect(fitted.ignored).toEqual(["criterion.weight"]);
    expect([...fitted.tensors.keys()]).toEqual([...listTensorShapes(widths).keys()]);
  });

  it("names the one wrong tensor and both shapes", () => {
    const tensors = createTensors();
    tensors.set("conv2.weight", zeros([12, 10, 3, 3]));
    const error = fail(tensors);
    expect(error.code).toBe("checkpoint_invalid");
    expect(error.detail).toBe("tensor conv2.weight is [12, 10, 3, 3], expected [10, 10, 3, 3]");
    expect(error.issues).toHaveLength(1);
    tensors.set("conv2.weight", zeros([10, 10, 3, 3]));
    tensors.set("fc1.weight", zeros([50, 1000]));
    expect(fail(tensors).detail).toBe("tensor fc1.weight is [50, 1000], expected [50, 810]");
    tensors.set("fc1.weight", zeros([50, 810]));
    tensors.set("fc2.weight", zeros([8, 50]));
    expect(fail(tensors).detail).toBe("tensor fc2.weight is [8, 50], expected [7, 50]");
  });

  it("names what is missing, what is too much, and what is not a number", () => {
    const missing = createTensors();
    missing.delete("norm.running_var");
    expect(fail(missing).detail).toBe("tensor norm.running_var missing, expected [10]");
    const more = createTensors();
    more.set("conv5.weight", zeros([1]));
    expect(fail(more).detail).toBe("tensor conv5.weight [1] is not a tensor of this network");
    const broken = createTensors();
    broken.set("fc2.bias", { shape: [7], data: Float32Array.of(0, 0, Number.NaN, 0, 0, 0, 0) });
    expect(fail(broken).detail).toBe("tensor fc2.bias holds a value that is not finite");
  });

  it("says that another network is another network", () => {
    const other = new Map([["features.0.weight", zeros([64, 3, 3, 3])]]);
    expect(fail(other).detail).toContain("tensor localization.0.weight is missing: this is another network");
    const two = new Map([...createTensors(PUBLISHED, "a."), ...createTensors(PUBLISHED, "b.")]);
    expect(fail(two).detail).toBe("the checkpoint holds several networks: a., b.");
  });
});
