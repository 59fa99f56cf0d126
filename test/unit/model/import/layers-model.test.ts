import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createGraphNodeEngine } from "../../../../src/backends/graph/graph-node.ts";
import { ScoringError } from "../../../../src/errors.ts";
import { readNetwork, type ReadNetworkOptions } from "../../../../src/model/import/read-network.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { createDice, drawPicture } from "../../../contract/drawn-networks.ts";

/** Models made here by tfjs' own layers, saved as it saves them, read, and run by both. */

interface Saved {
  readonly json: { readonly modelTopology: object; readonly weightsManifest: unknown };
  readonly bytes: Uint8Array;
}

beforeAll(() => tf.setBackend("cpu"));

/** Weights and statistics drawn, variances positive. */
function drawWeights(model: tfl.LayersModel, seed: number): void {
  const dice = createDice(seed);
  for (const weight of model.weights) {
    const isVariance = weight.originalName.endsWith("variance");
    const size = weight.shape.reduce<number>((product, side) => product * (side ?? 1), 1);
    const spread = isVariance ? 1 : 1.5 / Math.sqrt(Math.max(4, size / (weight.shape.at(-1) ?? 1)));
    const data = Float32Array.from({ length: size }, () => {
      const value = dice.roll(2001) / 1000 - 1;
      return isVariance ? 0.5 + Math.abs(value) : value * spread;
    });
    weight.write(tf.tensor(data, weight.shape.map(Number)));
  }
}

async function save(model: tfl.LayersModel): Promise<Saved> {
  const kept: tf.io.ModelArtifacts[] = [];
  await model.save({
    async save(artifacts) {
      kept.push(artifacts);
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    },
  });
  const { modelTopology, weightSpecs, weightData } = kept[0]!;
  if (modelTopology === undefined || modelTopology instanceof ArrayBuffer || !(weightData instanceof ArrayBuffer)) {
    throw new TypeError("tfjs saves models as JSON and one buffer");
  }
  return {
    // As written to a file and read again.
    json: JSON.parse(JSON.stringify({ modelTopology, weightsManifest: [{ paths: ["w.bin"], weights: weightSpecs }] })),
    bytes: new Uint8Array(weightData),
  };
}

function read({ json, bytes }: Saved, options: ReadNetworkOptions = {}) {
  const file = new TextEncoder().encode(JSON.stringify(json));
  return readNetwork(file, async () => bytes, options, LIMITS.modelImport);
}

/** What tfjs says of a drawn picture, and what the imported network says. */
async function runBoth(
  model: tfl.LayersModel,
  isSoftmax: boolean,
): Promise<{ readonly expected: readonly number[]; readonly actual: readonly number[] }> {
  drawWeights(model, 3);
  const { network } = await read(await save(model));
  const [, height, width, channels] = model.inputs[0]!.shape.map(Number);
  const picture = drawPicture(2, height! * width! * channels!);
  const made = model.predict(tf.tensor4d(picture, [1, height!, width!, channels!]));
  if (Array.isArray(made)) throw new TypeError("the model has one output");
  const expected = await made.data<"float32">();
  const engine = await createGraphNodeEngine(network);
  const logits = (await engine.run(picture, height!, width!)).get("logits")!.data;
  const powers = [...logits].map((x) => Math.exp(x - Math.max(...logits)));
  const sum = powers.reduce((a, b) => a + b, 0);
  const actual = isSoftmax ? powers.map((power) => power / sum) : [...logits];
  engine.dispose();
  return { expected: [...expected], actual };
}

const { layers } = tfl;

function makeSequence(): tfl.Sequential {
  return tfl.sequential({
    layers: [
      layers.conv2d({ inputShape: [24, 20, 3], filters: 6, kernelSize: 3, padding: "same", activation: "relu" }),
      layers.batchNormalization(),
      layers.separableConv2d({ filters: 8, kernelSize: [3, 5], strides: 2, padding: "same", depthMultiplier: 2 }),
      layers.batchNormalization({ epsilon: 0.01 }),
      layers.leakyReLU({ alpha: 0.1 }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.dropout({ rate: 0.5 }),
      layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, activation: "relu6" }),
      layers.prelu({ sharedAxes: [1, 2] }),
      layers.flatten(),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 10, activation: "sigmoid" }),
      layers.batchNormalization(),
      layers.dense({ units: 5, activation: "softmax" }),
    ],
  });
}

/** What a layer makes of other layers' outputs. */
function apply(layer: tfl.layers.Layer, ...inputs: tfl.SymbolicTensor[]): tfl.SymbolicTensor {
  const made = layer.apply(inputs.length === 1 ? inputs[0]! : inputs);
  if (Array.isArray(made) || made instanceof tf.Tensor) throw new TypeError("a layer makes one symbol");
  return made;
}

function makeFunctional(): tfl.LayersModel {
  const input = tfl.input({ shape: [18, 18, 1], name: "face" });
  const padded = apply(
    layers.zeroPadding2d({
      padding: [
        [1, 0],
        [2, 1],
      ],
    }),
    input,
  );
  const first = apply(layers.conv2d({ filters: 8, kernelSize: 3, useBias: false, dilationRate: 2 }), padded);
  // Read twice: its norm must not be folded into it.
  const norm = apply(layers.batchNormalization(), first);
  const twice = apply(layers.add(), norm, first, apply(layers.activation({ activation: "tanh" }), first));
  const pooled = apply(layers.averagePooling2d({ poolSize: 3, strides: 2, padding: "same" }), twice);
  const squeezed = apply(layers.globalAveragePooling2d({}), pooled);
  const gate = apply(
    layers.reshape({ targetShape: [1, 1, 8] }),
    apply(layers.dense({ units: 8, activation: "hardSigmoid" }), squeezed),
  );
  const gated = apply(layers.multiply(), pooled, gate);
  const mixed = apply(layers.dense({ units: 6, activation: "elu" }), gated);
  const joined = apply(layers.concatenate(), mixed, apply(layers.upSampling2d({ size: [1, 1] }), gated));
  const small = apply(layers.maxPooling2d({ poolSize: 3 }), joined);
  const flat = apply(layers.flatten(), small);
  const again = apply(layers.reshape({ targetShape: [-1, 2, 14] }), flat);
  const largest = apply(layers.globalMaxPooling2d({}), again);
  const all = apply(layers.concatenate(), flat, largest);
  const shifted = apply(layers.batchNormalization(), all);
  const out = apply(layers.dense({ units: 4 }), apply(layers.reLU({ maxValue: 0.8 }), shifted));
  return tfl.model({ inputs: input, outputs: out });
}

describe("a LayersModel of tfjs", () => {
  it.each([
    ["in a sequence", makeSequence, true],
    ["with shortcuts, gates and joins", makeFunctional, false],
  ] as const)("%s gives what tfjs gives", async (_, make, isSoftmax) => {
    const { expected, actual } = await runBoth(make(), isSoftmax);
    expect(actual).toEqual(expected.map((value) => expect.closeTo(value, 4)));
    // A network that says nothing of its input would pass as well.
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(1e-3);
  });

  it("gives the output and the embedding that are named", async () => {
    const model = makeSequence();
    drawWeights(model, 4);
    const saved = await save(model);
    const [flat, last] = [model.layers.find(({ name }) => name.startsWith("flatten"))!, model.layers.at(-1)];
    const { network, operators } = await read(saved, { output: last?.name, embedding: flat.name });
    expect(operators.get("Dense")).toBe(2);
    const picture = drawPicture(5, 24 * 20 * 3);
    const engine = await createGraphNodeEngine(network);
    const { data } = (await engine.run(picture, 24, 20)).get("embedding")!;
    const inner = tfl.model({ inputs: model.inputs, outputs: flat.output });
    const made = inner.predict(tf.tensor4d(picture, [1, 24, 20, 3]));
    if (Array.isArray(made)) throw new TypeError("the model has one output");
    const expected = await made.data();
    expect(data).toHaveLength(expected.length);
    for (const [i, value] of data.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
    engine.dispose();
  });

  it("is refused where the graph has no place for a layer, with the layer's name", async () => {
    const cases: readonly [tfl.layers.Layer, string][] = [
      [
        layers.conv2dTranspose({ filters: 2, kernelSize: 3, name: "grow" }),
        "Conv2DTranspose grow: the graph has no layer",
      ],
      [
        layers.activation({ activation: "softplus", name: "soft" }),
        "Activation soft: the graph has no activation softplus",
      ],
      [layers.batchNormalization({ axis: 1, name: "rows" }), "BatchNormalization rows: it normalizes the axes [1]"],
      [layers.upSampling2d({ interpolation: "bilinear", name: "up" }), "UpSampling2D up: it does not take the nearest"],
    ];
    for (const [layer, message] of cases) {
      const model = tfl.sequential({
        layers: [layers.conv2d({ inputShape: [8, 8, 1], filters: 2, kernelSize: 1 }), layer, layers.flatten()],
      });
      await expect(read(await save(model))).rejects.toThrow(message);
    }
    const shared = layers.dense({ units: 6, name: "twice" });
    const input = tfl.input({ shape: [6, 6, 6] });
    const model = tfl.model({ inputs: input, outputs: shared.apply(shared.apply(input)) as tfl.SymbolicTensor });
    await expect(read(await save(model))).rejects.toThrow("Dense twice: it is used 2 times");
    await expect(read(await save(makeSequence()), { output: "none" })).rejects.toThrow("no layer is named none");
    await expect(read(await save(makeSequence()), { size: 32 })).rejects.toThrow("its input has 24 rows, not 32");
  });

  it("is refused by a ScoringError whatever is changed in it", async () => {
    const savings = await Promise.all([makeSequence(), makeFunctional()].map(save));
    const junk = fc.oneof(
      fc.constant(null),
      fc.integer(),
      fc.double(),
      fc.string(),
      fc.constant([]),
      fc.constant({}),
      fc.constant([-1, 1e9]),
      fc.constant(2 ** 40),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...savings),
        fc.nat(),
        junk,
        fc.boolean(),
        async (saved, place, value, isCut) => {
          const json = structuredClone(saved.json);
          const places = listPlaces(json);
          const [holder, key] = places[place % places.length]!;
          holder[key] = value;
          const bytes = isCut ? saved.bytes.subarray(0, place % saved.bytes.length) : saved.bytes;
          const fault = await read({ json, bytes }).then(
            () => null,
            (error: unknown) => error,
          );
          expect(fault === null || fault instanceof ScoringError ? null : fault).toBeNull();
        },
      ),
      { numRuns: 400 },
    );
  });
});

/** Every place of a JSON value that can hold another one. */
function listPlaces(value: unknown): [holder: Record<string, unknown>, key: string][] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.entries(holder).flatMap(([key, inner]) => [[holder, key], ...listPlaces(inner)]);
}
