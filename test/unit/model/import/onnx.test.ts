import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ScoringError } from "../../../../src/errors.ts";
import { encodeNetwork } from "../../../../src/model/export/onnx-graph.ts";
import {
  addIntegers,
  addNode,
  addTensor,
  finishOnnx,
  FLOAT,
  type Attribute,
  type OnnxGraph,
} from "../../../../src/model/export/onnx-writer.ts";
import { runGraphOracle } from "../../../../src/model/graph/graph-oracle.ts";
import { importOnnx, type OnnxImportOptions } from "../../../../src/model/import/onnx/import-onnx.ts";
import { readNetwork } from "../../../../src/model/import/read-network.ts";
import { countElements } from "../../../../src/model/tensor.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { createDice, drawNetwork, NetworkBuilder } from "../../../contract/drawn-networks.ts";

const limits = LIMITS.modelImport;
const NAMES = [
  "plain-11",
  "mobile-14",
  "mobile-17",
  "shuffle-13",
  "shuffle-16",
  "modern-18-script",
  "modern-18-dynamo",
  "mobile-19-script",
  "modern-20-script",
  "plain-20-dynamo",
  "modern-21-dynamo",
  "mobile-21-dynamo",
  "shuffle-21-dynamo",
  "transformer-18-dynamo",
  "transformer-20-script",
  "transformer-21-dynamo",
] as const;

function readFixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../../golden/onnx/${name}.onnx`, import.meta.url)));
}

const goldenSchema = z.object({
  size: z.int(),
  channels: z.int(),
  faces: z.array(z.array(z.number())),
  scores: z.array(z.array(z.number())),
});

function read(bytes: Uint8Array, options: OnnxImportOptions = {}) {
  return importOnnx(bytes, options, limits);
}

function normalize(logits: Float64Array): number[] {
  const powers = [...logits].map(Math.exp);
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

describe("files of PyTorch", () => {
  for (const name of NAMES) {
    it(`${name} gives what PyTorch computes`, () => {
      const golden = goldenSchema.parse(
        JSON.parse(readFileSync(new URL(`../../../golden/onnx/${name}.json`, import.meta.url), "utf8")),
      );
      const { network, producer } = read(readFixture(name));
      expect(producer).toBe("pytorch");
      for (const [i, face] of golden.faces.entries()) {
        const data = Float64Array.from(face, (level) => level / 255);
        const shape = [golden.channels, golden.size, golden.size] as const;
        const logits = runGraphOracle(network, { shape, data }).get("logits")!.data;
        const scores = name.startsWith("mobile") ? normalize(logits) : [...logits];
        for (const [k, score] of scores.entries()) expect(score).toBeCloseTo(golden.scores[i]![k]!, 6);
      }
    });
  }

  it("folds what can be folded", () => {
    const { network, operators } = read(readFixture("plain-11"));
    expect(network.graph.nodes.map(({ op }) => op).join(" ")).toBe(
      "conv conv relu maxPool conv leakyRelu pad averagePool flatten dense elu dense dense",
    );
    expect(operators.get("BatchNormalization")).toBe(1);
  });

  it("leaves the softmax at the end out: what goes in are the logits", () => {
    const { network } = read(readFixture("mobile-17"));
    expect(network.graph.nodes.at(-1)?.op).toBe("dense");
  });
});

describe("files of drawn networks", () => {
  it("come back as networks that compute the same", () => {
    let compared = 0;
    for (let seed = 0; seed < 100; seed++) {
      const network = drawNetwork(seed);
      const { channels, height, width } = network.graph.input;
      const bytes = encodeNetwork(network, [height!, width!]);
      const dice = createDice(seed);
      const count = channels * height! * width!;
      const input = {
        shape: [channels, height!, width!] as const,
        data: Float64Array.from({ length: count }, () => dice.real()),
      };
      const expected = runGraphOracle(network, input);
      for (const [outside, value] of expected) {
        if (value.shape.length !== 1) continue;
        const again = read(bytes, { channels, outputs: { [outside]: `output ${outside}` } });
        const actual = runGraphOracle(again.network, input).get(outside)!.data;
        // A softmax at the end is left out.
        const same = outside === "softmax" ? normalize(actual) : [...actual];
        const largest = value.data.reduce((top, x) => Math.max(top, Math.abs(x)), 1e-3);
        same.forEach((x, i) => expect(Math.abs(x - value.data[i]!) / largest).toBeLessThan(1e-5));
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(30);
  });
});

interface Step {
  readonly op: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly constants?: readonly { readonly shape: readonly number[]; readonly values: Float32Array | BigInt64Array }[];
}

/** A file of one operator behind another, `[1, 8, 8]` in. */
function writeChain(steps: readonly Step[], shape: readonly number[] = [1, 8, 8]): Uint8Array {
  const graph: OnnxGraph = { nodes: [], initializers: [] };
  let value = "faces";
  for (const { op, attributes, constants = [] } of steps) {
    const names = constants.map((constant) => addTensor(graph, constant.shape, constant.values));
    value = addNode(graph, op, [value, ...names], attributes, `${op} out`);
  }
  const input = { name: "faces", type: FLOAT, shape };
  return finishOnnx(graph, { name: "chain", input, outputs: { [value]: [64] } });
}

const flatten: Step = { op: "Flatten" };
const floats = (...shape: number[]) => ({ shape, values: new Float32Array(countElements(shape)).fill(0.5) });
const integers = (...values: number[]) => ({ shape: [values.length], values: BigInt64Array.from(values, BigInt) });

describe("weights in a file beside the model's", () => {
  const model = readFixture("plain-18-outside");
  const beside = new Uint8Array(
    readFileSync(new URL("../../../golden/onnx/plain-18-outside.onnx.data", import.meta.url)),
  );
  const open = (part: Uint8Array | null, file = model, most = limits.maxWeights) =>
    readNetwork(file, async () => part, {}, { ...limits, maxWeights: most });

  it("are read as PyTorch writes them by default", async () => {
    const asked: string[] = [];
    const { network } = await readNetwork(
      model,
      async (path) => {
        asked.push(path);
        return beside;
      },
      {},
      limits,
    );
    expect(asked).toEqual(["plain-18-outside.onnx.data"]);
    const golden = goldenSchema.parse(
      JSON.parse(readFileSync(new URL("../../../golden/onnx/plain-18-outside.json", import.meta.url), "utf8")),
    );
    for (const [i, face] of golden.faces.entries()) {
      const data = Float64Array.from(face, (level) => level / 255);
      const logits = runGraphOracle(network, { shape: [1, 48, 48], data }).get("logits")!.data;
      expect([...logits]).toEqual(golden.scores[i]!.map((score) => expect.closeTo(score, 6)));
    }
  });

  it("are refused where they are not there, elsewhere, or more than an import may have", async () => {
    await expect(open(null)).rejects.toThrow("its file plain-18-outside.onnx.data is missing");
    await expect(open(beside.subarray(0, 1000))).rejects.toThrow(/ends at byte \d+ of .*, which has 1000/);
    await expect(open(beside, model, 1000)).rejects.toThrow("its constants have more than 1000 numbers");
    const text = Buffer.from(model).toString("latin1");
    const elsewhere = text.replaceAll("plain-18-outside.onnx.data", "../../../../../../etc/host");
    const moved = new Uint8Array(Buffer.from(elsewhere, "latin1"));
    await expect(open(beside, moved)).rejects.toThrow('"../../../../../../etc/host" is no file beside it');
  });
});

describe("what cannot be read", () => {
  const cases: [reason: string, bytes: () => Uint8Array, options?: OnnxImportOptions][] = [
    ["LSTM LSTM out: the graph has no operator LSTM", () => writeChain([{ op: "LSTM" }, flatten])],
    [
      "Slice Slice out: it takes every other number",
      () => writeChain([{ op: "Slice", constants: [0, 4, 2, 2].map((value) => integers(value)) }, flatten]),
    ],
    [
      "Slice Slice out: it cuts the batch",
      () => writeChain([{ op: "Slice", constants: [0, 0, 0].map((value) => integers(value)) }, flatten]),
    ],
    [
      "Max Max out: its constant is [2], not one number",
      () => writeChain([{ op: "Max", constants: [floats(2)] }, flatten]),
    ],
    [
      "Conv Conv out: its weights are [2, 1, 3], not four-dimensional",
      () => writeChain([{ op: "Conv", constants: [floats(2, 1, 3)] }, flatten]),
    ],
    [
      "conv Conv out: Conv out.weight is [2, 3, 3, 3], which does not fit 1 channels in 1 groups",
      () => writeChain([{ op: "Conv", constants: [floats(2, 3, 3, 3)] }, flatten]),
    ],
    [
      "Pad Pad out: it crops",
      () => writeChain([{ op: "Pad", constants: [integers(0, 0, -1, 0, 0, 0, 0, 0)] }, flatten]),
    ],
    [
      "Reshape Reshape out: it makes [1, 63] of [1, 1, 8, 8]",
      () => writeChain([{ op: "Reshape", constants: [integers(1, 63)] }]),
    ],
    [
      "Reshape Reshape out: it makes [8, 8] of [1, 1, 8, 8]: the batch is lost",
      () => writeChain([{ op: "Reshape", constants: [integers(8, 8)] }]),
    ],
    [
      "Add Add out: its constant is [8, 8], not one number for each of 1 channels",
      () => writeChain([{ op: "Add", constants: [floats(8, 8)] }, flatten]),
    ],
    ["its output Relu out is [1, 1, 8, 8], not one row of numbers", () => writeChain([{ op: "Relu" }])],
    ["its input faces has 8 rows, not 48", () => writeChain([flatten]), { size: 48 }],
    ["no ONNX model", () => new Uint8Array()],
    ["a field of 5 bytes in a message that has 1 left", () => Uint8Array.of(0x3a, 5, 0)],
    ["it ends within a number", () => Uint8Array.of(0x3a, 0x80)],
  ];
  for (const [reason, bytes, options] of cases) {
    it(`says: ${reason}`, () => {
      expect(() => read(bytes(), options)).toThrow(reason);
      expect(() => read(bytes(), options)).toThrow(ScoringError);
    });
  }

  it("is what takes more numbers than an import may", () => {
    const grouped = writeChain(
      [{ op: "Conv", attributes: { group: 64 }, constants: [floats(128, 2, 1, 1)] }, flatten],
      [128, 8, 8],
    );
    const few = { ...limits, maxWeights: 10_000 };
    expect(() => importOnnx(grouped, {}, few)).toThrow("the weights have more than 10000 numbers");
    expect(importOnnx(grouped, {}, limits).network.weights.size).toBe(1);
  });
});

/** Reads what may be anything: a network or a ScoringError, with no more numbers than allowed, in seconds. */
function readAnything(bytes: Uint8Array): boolean {
  const started = performance.now();
  try {
    const { network } = importOnnx(bytes, {}, { ...limits, maxWeights: 200_000 });
    const numbers = [...network.weights.values()].reduce((sum, { data }) => sum + data.length, 0);
    expect(numbers).toBeLessThanOrEqual(200_000);
    return true;
  } catch (error) {
    if (!(error instanceof ScoringError) || error.code !== "model_invalid") throw error;
    return false;
  } finally {
    expect(performance.now() - started).toBeLessThan(3000);
  }
}

describe("bytes of any kind", () => {
  it("give a network or a clear error: any bytes", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void readAnything(bytes));
    expect(() => fc.assert(property, { numRuns: 1000 })).not.toThrow();
  });

  it("give a network or a clear error: real files with bytes changed, cut out and put in", () => {
    const files = NAMES.map(readFixture);
    const edit = fc.record({
      kind: fc.constantFrom("set", "cut", "put"),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 6 }),
    });
    let whole = 0;
    const property = fc.property(
      fc.constantFrom(...files),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      (file, edits) => {
        let bytes = file;
        for (const { kind, at, bytes: values } of edits) {
          // Half of the edits go where the structure is: nodes come first, weights behind them.
          const place = Math.floor(at * (values.length % 2 === 0 ? Math.min(3000, bytes.length) : bytes.length));
          const before = bytes.subarray(0, place);
          const behind = bytes.subarray(kind === "put" ? place : place + values.length);
          bytes = Uint8Array.from([...before, ...(kind === "cut" ? [] : values), ...behind]);
        }
        if (readAnything(bytes)) whole += 1;
      },
    );
    expect(() => fc.assert(property, { numRuns: 300 })).not.toThrow();
    expect(whole).toBeGreaterThan(0);
  });
});

describe("a network with channels last", () => {
  it("is read as one with channels first", () => {
    const builder = new NetworkBuilder(createDice(3), [3, 9, 7]);
    const weight = builder.draw([4, 3, 3, 3]);
    builder.add({ name: "conv", op: "conv", inputs: ["input"], weight });
    builder.add({ name: "flat", op: "flatten", inputs: ["conv"] });
    const network = builder.finish();
    const { shape, data } = network.weights.get(weight)!;
    const graph: OnnxGraph = { nodes: [], initializers: [] };
    const turned = addNode(graph, "Transpose", ["faces"], { perm: [0, 3, 1, 2] });
    const conv = addNode(graph, "Conv", [turned, addTensor(graph, shape, data)]);
    const sizes = addIntegers(graph, [-1, countElements([4, 7, 5])]);
    addNode(graph, "Reshape", [conv, sizes], {}, "flat");
    const input = { name: "faces", type: FLOAT, shape: [9, 7, 3] };
    const again = read(finishOnnx(graph, { name: "last", input, outputs: { flat: [140] } })).network;
    expect(again.graph.input).toMatchObject({ channels: 3, height: 9, width: 7 });
    expect(again.graph.nodes.map(({ op }) => op)).toEqual(["conv", "flatten"]);
    const values = { shape: [3, 9, 7] as const, data: Float64Array.from({ length: 189 }, (_, i) => Math.sin(i)) };
    expect(runGraphOracle(again, values).get("logits")).toEqual(runGraphOracle(network, values).get("flat"));
  });
});
