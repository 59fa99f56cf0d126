/** Networks drawn from a seed, of all operations; and how far an engine is from the oracle on them. No test runner needed. */

import type { GraphEngine, PictureValue } from "../../src/backends/graph/graph-engine.ts";
import { checkGraph, type Network } from "../../src/model/graph/check-graph.ts";
import { graphSchema, parseGraph } from "../../src/model/graph/graph.ts";
import { runGraphOracle, type OracleValue } from "../../src/model/graph/graph-oracle.ts";
import { inferShape, type ValueShape } from "../../src/model/graph/shapes.ts";
import { countElements, type Tensor } from "../../src/model/tensor.ts";
import { createRandom } from "../golden/network.ts";
import type { z } from "zod";

/** A node without its defaults. */
export type Draft = z.input<typeof graphSchema>["nodes"][number];

/** Numbers from a seed. */
export interface Dice {
  /** Whole, 0 ≤ n < sides. */
  roll(sides: number): number;
  /** One of the faces. */
  pick<T>(faces: readonly T[]): T;
  /** −1…1. */
  real(): number;
}

/** Dice of a seed. */
export function createDice(seed: number): Dice {
  const next = createRandom(seed);
  const roll = (sides: number): number => Math.floor((next() / 2 ** 32) * sides);
  return { roll, pick: (faces) => faces[roll(faces.length)]!, real: () => 2 * (next() / 2 ** 32) - 1 };
}

/** Collects nodes and weights, and knows every value's shape at one input size. */
export class NetworkBuilder {
  readonly nodes: Draft[] = [];
  readonly weights = new Map<string, Tensor>();
  readonly shapes = new Map<string, ValueShape>();
  readonly #dice: Dice;
  readonly input;

  constructor(dice: Dice, [channels, height, width]: readonly [number, number, number]) {
    this.#dice = dice;
    this.input = { name: "input", channels, height, width };
    this.shapes.set("input", [channels, height, width]);
  }

  /** A tensor scaled so that values keep their size. */
  draw(shape: readonly number[]): string {
    const name = `w${this.weights.size}`;
    const gain = shape.length > 1 ? Math.sqrt(3 / countElements(shape.slice(1))) : 0.5;
    this.weights.set(name, {
      shape,
      data: Float32Array.from({ length: countElements(shape) }, () => gain * this.#dice.real()),
    });
    return name;
  }

  /** Adds a node; returns its name. @throws ScoringError if it does not fit, and then adds nothing */
  add(draft: Draft): string {
    const { nodes } = parseGraph({ input: this.input, nodes: [draft], outputs: {} });
    const inputs = draft.inputs.map((name) => this.shapes.get(name)!);
    this.shapes.set(draft.name, inferShape(nodes[0]!, inputs, this.weights));
    this.nodes.push(draft);
    return draft.name;
  }

  /** The network; every value that nothing reads is an output, under its own name. */
  finish(): Network {
    const read = new Set(this.nodes.flatMap(({ inputs }) => inputs));
    const loose = this.nodes.filter(({ name }) => !read.has(name));
    const outputs = Object.fromEntries(loose.map(({ name }) => [name, name]));
    const used = new Set(this.nodes.flatMap((node) => Object.values(node)));
    const weights = new Map([...this.weights].filter(([name]) => used.has(name)));
    return checkGraph(parseGraph({ input: this.input, nodes: this.nodes, outputs }), weights);
  }
}

type MapShape = readonly [channels: number, height: number, width: number];

const UNARY = ["relu", "relu6", "elu", "sigmoid", "hardSwish", "tanh"] as const;
const SLOPED = ["leakyRelu", "hardSigmoid"] as const;
const CORNERS = ["half", "aligned", "corner"] as const;
const ORDERS = [
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;
const KINDS = [
  "conv",
  "conv",
  "conv",
  "depthwise",
  "depthwise",
  "pool",
  "unary",
  "slope",
  "pair",
  "concat",
  "pad",
  "gate",
  "transpose",
  "resize",
  "reshape",
  "slice",
  "bound",
] as const;

/** One more node behind a map, or behind two. */
function addNode(builder: NetworkBuilder, dice: Dice, maps: readonly string[], name: string): void {
  const from = dice.pick(maps);
  const shape = builder.shapes.get(from)!;
  const [channels, height = 1, width = 1] = shape;
  const inputs = [from];
  const stride: [number, number] = dice.pick([
    [1, 1],
    [1, 1],
    [2, 2],
    [1, 2],
    [3, 1],
  ]);
  const border = (): number => dice.roll(3);
  const padding = dice.pick([
    "same" as const,
    [border(), border(), border(), border()] satisfies [number, number, number, number],
  ]);
  switch (dice.pick(KINDS)) {
    case "conv": {
      const [tall, wide] = dice.pick([
        [1, 1],
        [3, 3],
        [5, 5],
        [1, 3],
        [2, 2],
      ]);
      const outputs = 1 + dice.roll(17);
      const dilation: [number, number] = dice.pick([
        [1, 1],
        [1, 1],
        [2, 1],
        [1, 2],
      ]);
      const weight = builder.draw([outputs, channels, tall, wide]);
      const bias = dice.roll(3) === 0 ? {} : { bias: builder.draw([outputs]) };
      builder.add({ name, op: "conv", inputs, weight, ...bias, stride, padding, dilation });
      break;
    }
    case "depthwise": {
      const side = dice.pick([3, 3, 5]);
      const weight = builder.draw([channels, 1, side, side]);
      const bias = dice.roll(2) === 0 ? {} : { bias: builder.draw([channels]) };
      builder.add({ name, op: "conv", inputs, groups: channels, weight, ...bias, stride, padding });
      break;
    }
    case "pool": {
      const size: [number, number] = dice.pick([
        [2, 2],
        [3, 3],
        [3, 2],
      ]);
      const sides =
        padding === "same"
          ? padding
          : ([dice.roll(2), dice.roll(2), 0, dice.roll(2)] satisfies [number, number, number, number]);
      builder.add({ name, op: dice.pick(["maxPool", "averagePool"]), inputs, size, stride, padding: sides });
      break;
    }
    case "unary":
      builder.add({ name, op: dice.pick(UNARY), inputs });
      break;
    case "slope":
      if (dice.roll(2) === 0) builder.add({ name, op: dice.pick(SLOPED), inputs, slope: 0.1 });
      else builder.add({ name, op: "prelu", inputs, weight: builder.draw([channels]) });
      break;
    case "pair": {
      const alike = maps.filter((other) => builder.shapes.get(other)!.join() === shape.join());
      builder.add({ name, op: dice.pick(["add", "add", "multiply"]), inputs: [from, dice.pick(alike)] });
      break;
    }
    case "concat": {
      const fits = (other: string): boolean => builder.shapes.get(other)!.slice(1).join() === `${height},${width}`;
      builder.add({ name, op: "concat", inputs: [from, dice.pick(maps.filter(fits))] });
      break;
    }
    case "gate": {
      const gate = builder.add({ name: `${name}-mean`, op: "globalAveragePool", inputs });
      builder.add({ name, op: "gate", inputs: [from, gate] });
      break;
    }
    case "transpose": {
      const [a, b, c] = dice.pick(ORDERS);
      builder.add({ name, op: "transpose", inputs, order: [a, b, c] });
      break;
    }
    case "slice": {
      const sides = [channels, height, width];
      const start = sides.map((side) => dice.roll(side));
      const size = sides.map((side, axis) => 1 + dice.roll(side - start[axis]!));
      const [a = 0, b = 0, c = 0] = start;
      const [d = 1, e = 1, f = 1] = size;
      builder.add({ name, op: "slice", inputs, start: [a, b, c], size: [d, e, f] });
      break;
    }
    case "bound":
      builder.add({ name, op: dice.pick(["atLeast", "atMost"]), inputs, bound: dice.real() / 4 });
      break;
    case "reshape": {
      const flat = builder.add({ name: `${name}-flat`, op: "flatten", inputs });
      const turned: [number, number, number] = dice.pick([
        [height, width, channels],
        [channels * height, width, 1],
        [1, channels, height * width],
      ]);
      builder.add({ name, op: "reshape", inputs: [flat], shape: turned });
      break;
    }
    case "resize": {
      if (dice.roll(2) === 0) {
        const size: [number, number] = [1 + dice.roll(2 * height), 1 + dice.roll(2 * width)];
        builder.add({ name, op: "resize", inputs, size, mode: "bilinear", corners: dice.pick(CORNERS) });
      } else {
        // Whole multiples: between others tfjs' floats may round a whole place down to the one before.
        const size: [number, number] = [height * dice.pick([1, 2, 4]), width * dice.pick([1, 2])];
        builder.add({ name, op: "resize", inputs, size, mode: "nearest", corners: dice.pick(["half", "corner"]) });
      }
      break;
    }
    case "pad":
      builder.add({
        name,
        op: "pad",
        inputs,
        channels: [dice.roll(2), dice.roll(5)],
        sides: [border(), 0, border(), 1],
      });
      break;
  }
}

/** A network of up to a dozen nodes, behind some of them a dense head. */
export function drawNetwork(seed: number): Network {
  const dice = createDice(seed);
  const input: MapShape = [1 + dice.roll(9), 5 + dice.roll(12), 5 + dice.roll(60)];
  const builder = new NetworkBuilder(dice, input);
  const maps = ["input"];
  const count = 2 + dice.roll(11);
  for (let i = 0; i < count; i++) {
    try {
      // The newest maps are read more often, so that networks are deep.
      addNode(builder, dice, [...maps, ...maps.slice(-2), ...maps.slice(-1)], `n${i}`);
      maps.push(`n${i}`);
    } catch {
      // A window that is larger than the map: another node is drawn in its place.
    }
  }
  if (builder.nodes.length === 0) builder.add({ name: "n", op: "relu", inputs: ["input"] });
  if (dice.roll(2) === 0) addHead(builder, dice, maps.at(-1) ?? "input");
  return builder.finish();
}

function addHead(builder: NetworkBuilder, dice: Dice, map: string): void {
  const flat = builder.add({ name: "flat", op: dice.pick(["flatten", "globalAveragePool"]), inputs: [map] });
  const outputs = 1 + dice.roll(11);
  const length = builder.shapes.get(flat)![0];
  const first = dice.roll(3) === 0 ? dice.roll(length) : 0;
  const rest = length - first;
  const part =
    first > 0
      ? builder.add({ name: "part", op: "slice", inputs: [flat], start: [first, 0, 0], size: [rest, 1, 1] })
      : flat;
  const weight = builder.draw([outputs, rest]);
  builder.add({ name: "dense", op: "dense", inputs: [part], weight, bias: builder.draw([outputs]) });
  builder.add({ name: "softmax", op: "softmax", inputs: ["dense"] });
}

/** Values of a picture, channels together, −1…1. */
export function drawPicture(seed: number, count: number): Float32Array {
  const dice = createDice(seed);
  return Float32Array.from({ length: count }, () => dice.real());
}

/** The oracle's outputs for a picture whose channels lie together. */
export function runReference(
  network: Network,
  picture: Float32Array,
  height: number,
  width: number,
): Map<string, OracleValue> {
  const { channels } = network.graph.input;
  const data = new Float64Array(picture.length);
  for (let i = 0; i < height * width; i++) {
    for (let k = 0; k < channels; k++) data[k * height * width + i] = picture[i * channels + k]!;
  }
  return runGraphOracle(network, { shape: [channels, height, width], data });
}

/** Largest difference of an output, as a share of the largest value that it should have; infinite for another shape. */
export function compareValue(value: PictureValue | undefined, expected: OracleValue): number {
  const [channels, height = 1, width = 1] = expected.shape;
  if (value?.channels !== channels || value.height !== height || value.width !== width) return Infinity;
  const largest = expected.data.reduce((top, x) => Math.max(top, Math.abs(x)), 1e-3);
  let worst = 0;
  for (let i = 0; i < height * width; i++) {
    for (let k = 0; k < channels; k++) {
      const difference = Math.abs(value.data[i * channels + k]! - expected.data[k * height * width + i]!);
      worst = Math.max(worst, Number.isNaN(difference) ? Infinity : difference);
    }
  }
  return worst / largest;
}

/** Runs a network on an engine and on the oracle; the largest difference of {@link compareValue}. */
export async function measureDifference(
  engine: GraphEngine,
  network: Network,
  picture: Float32Array,
  height: number,
  width: number,
): Promise<number> {
  const expected = runReference(network, picture, height, width);
  const actual = await engine.run(picture, height, width);
  return Math.max(...[...expected].map(([name, value]) => compareValue(actual.get(name), value)));
}
