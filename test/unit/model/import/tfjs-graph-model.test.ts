import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createGraphNodeEngine } from "../../../../src/backends/graph/graph-node.ts";
import { startTfjsWasmNode } from "../../../../src/backends/tfjs-wasm-node.ts";
import { ScoringError } from "../../../../src/errors.ts";
import { measureNetwork } from "../../../../src/model/graph/check-graph.ts";
import { importTfjsGraphModel, type TfjsImportOptions } from "../../../../src/model/import/tfjs-graph-model.ts";
import { drawPicture } from "../../../contract/drawn-networks.ts";

const models = join(import.meta.dirname, "../../../../node_modules/@vladmandic/human/models");

interface File {
  readonly json: { modelTopology: { node: { name: string; op: string }[] }; weightsManifest: [{ weights: [] }] };
  readonly bytes: Uint8Array;
}

async function readModel(name: string): Promise<File> {
  const json = JSON.parse(await readFile(join(models, `${name}.json`), "utf8"));
  return { json, bytes: await readFile(join(models, `${name}.bin`)) };
}

/** Networks of strangers, each with outputs in front of their last reshapes. */
const CASES: readonly { name: string; side: number; parameters: number; options: TfjsImportOptions }[] = [
  {
    name: "blazeface",
    side: 256,
    parameters: 134_704,
    options: {
      input: { name: "input", channels: 3, height: null, width: null, multipleOf: 32 },
      outputs: Object.fromEntries(
        ["33", "34", "35", "36"].map((n) => [n, `StatefulPartitionedCall/functional_1/conv2d_${n}/BiasAdd`]),
      ),
    },
  },
  {
    name: "emotion",
    side: 64,
    parameters: 205_127,
    options: {
      input: { name: "input_1", channels: 1, height: 64, width: 64, multipleOf: 1 },
      outputs: { probabilities: "Identity" },
    },
  },
  {
    name: "antispoof",
    side: 128,
    parameters: 426_545,
    options: {
      input: { name: "conv2d_input", channels: 3, height: 128, width: 128, multipleOf: 1 },
      outputs: { real: "Identity" },
    },
  },
];

function catchFault(run: () => unknown): unknown {
  try {
    run();
    return null;
  } catch (error) {
    return error;
  }
}

beforeAll(async () => {
  await startTfjsWasmNode();
  await tf.setBackend("wasm");
});

describe("an imported tfjs GraphModel", () => {
  for (const { name, side, parameters, options } of CASES) {
    it(`${name} gives what tfjs gives`, async () => {
      const { json, bytes } = await readModel(name);
      const network = importTfjsGraphModel(json, bytes, options);
      expect(measureNetwork(network, side, side).parameters).toBe(parameters);
      const { channels } = options.input;
      const picture = drawPicture(1, side * side * channels);
      const model = await loadGraphModel({
        load: async () => ({
          modelTopology: json.modelTopology,
          weightSpecs: json.weightsManifest[0].weights,
          weightData: Uint8Array.from(bytes).buffer,
        }),
      });
      const input = tf.tensor4d(picture, [1, side, side, channels]);
      const names = Object.values(options.outputs);
      const made = model.execute(input, names);
      const expected = await Promise.all(
        (Array.isArray(made) ? made : [made]).map((tensor) => tensor.data<"float32">()),
      );
      const engine = await createGraphNodeEngine(network);
      const actual = await engine.run(picture, side, side);
      Object.keys(options.outputs).forEach((outside, i) => {
        const value = actual.get(outside)!.data;
        expect(value.length).toBe(expected[i]!.length);
        const largest = expected[i]!.reduce((top, x) => Math.max(top, Math.abs(x)), 0);
        const worst = value.reduce((top, x, at) => Math.max(top, Math.abs(x - expected[i]![at]!)), 0);
        expect(worst / largest).toBeLessThan(1e-4);
      });
      engine.dispose();
      model.dispose();
      tf.dispose([input, made]);
    });
  }

  it("names the node that the graph has no place for", async () => {
    const { json, bytes } = await readModel("liveness");
    const input = { name: "conv2d_1_input", channels: 3, height: 32, width: 32, multipleOf: 1 };
    const outputs = { real: "Identity" };
    expect(() => importTfjsGraphModel(json, bytes, { input, outputs })).toThrow(
      /tfjs model: Mul \S+Mul: its input \S+Scaled is a constant/,
    );
    const simple = await readModel("emotion");
    for (const node of simple.json.modelTopology.node) if (node.op === "Softmax") node.op = "Erf";
    expect(() => importTfjsGraphModel(simple.json, simple.bytes, CASES[1]!.options)).toThrow(
      /tfjs model: Erf \S+Softmax: the graph has no operation Erf/,
    );
  });

  it("says what is wrong with its files", async () => {
    const { json, bytes } = await readModel("emotion");
    const { options } = CASES[1]!;
    const attempt =
      (changed: unknown, data: Uint8Array, other = options) =>
      () =>
        importTfjsGraphModel(changed, data, other);
    expect(attempt(json, bytes.subarray(4))).toThrow(/the file has \d+ left/);
    expect(attempt(json, Buffer.concat([bytes, Buffer.alloc(4)]))).toThrow("4 bytes at the end belong to no tensor");
    expect(attempt({}, bytes)).toThrow("tfjs model: format");
    expect(attempt(json, bytes, { ...options, outputs: { x: "none" } })).toThrow("no node is named none");
    const colored = { ...options, input: { ...options.input, channels: 3 } };
    expect(attempt(json, bytes, colored)).toThrow("does not fit 3 channels in 1 groups");
    const looped = structuredClone(json);
    for (const node of looped.modelTopology.node) {
      if (node.op === "MaxPool") Object.assign(node, { input: [node.name] });
    }
    expect(attempt(looped, bytes)).toThrow("depends on itself");
  });

  it("is refused by a ScoringError whatever is changed in it", async () => {
    const { json, bytes } = await readModel("emotion");
    const { options } = CASES[1]!;
    const nodes = json.modelTopology.node.length;
    const junk = fc.oneof(fc.constant(null), fc.integer(), fc.string(), fc.constant([]), fc.constant({}));
    fc.assert(
      fc.property(
        fc.nat(nodes - 1),
        fc.constantFrom("name", "op", "input", "attr"),
        junk,
        fc.nat(bytes.length),
        (at, field, value, length) => {
          const changed = structuredClone(json);
          Object.assign(changed.modelTopology.node[at]!, { [field]: value });
          const fault = catchFault(() => importTfjsGraphModel(changed, bytes.subarray(0, length), options));
          expect(fault === null || fault instanceof ScoringError).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});
