/** The shape that each operation gives, and what it asks of its inputs and weights. One table; engines follow it. */

import { ScoringError } from "../../errors.ts";
import { countElements, formatShape } from "../tensor.ts";
import { THETA_SIZE } from "./affine-sample.ts";
import type { Graph, GraphNode, NodeOf, OperatorName } from "./graph.ts";
import { fail, takeMap, takeVector, takeWeight, type ValueShape, type WeightShapes } from "./shape-checks.ts";

export type { MapShape, ValueShape, Weights, WeightShapes } from "./shape-checks.ts";

/** Top, left, bottom, right. */
export type Sides = readonly [number, number, number, number];

/** What a rule of the table sees. */
interface Rule<Op extends OperatorName> {
  /** Number of inputs; `null` for one or more. */
  readonly inputs: number | null;
  /** @throws ScoringError `model_invalid` if the inputs or weights do not fit */
  shape(node: NodeOf<Op>, inputs: readonly ValueShape[], weights: WeightShapes): ValueShape;
}

const sameShape = {
  inputs: 1,
  shape: (_node: GraphNode, inputs: readonly ValueShape[]): ValueShape => inputs[0]!,
} as const;

const twoAlike = {
  inputs: 2,
  shape: (node: GraphNode, [a, b]: readonly ValueShape[]): ValueShape => {
    if (a!.join() !== b!.join())
      fail(node, `its inputs are ${formatShape(a!)} and ${formatShape(b!)}, not of one shape`);
    return a!;
  },
} as const;

const pool = {
  inputs: 1,
  shape: (node: NodeOf<"maxPool" | "averagePool">, inputs: readonly ValueShape[]): ValueShape => {
    const [channels, height, width] = takeMap(node, inputs[0]!);
    const sides = resolvePadding(node.padding, [height, width], node.size, node.stride);
    if (sides[0] >= node.size[0] || sides[2] >= node.size[0] || sides[1] >= node.size[1] || sides[3] >= node.size[1]) {
      fail(node, "its padding is as large as its window");
    }
    return [channels, ...slide(node, [height, width], sides, node.size, node.stride)];
  },
} as const;

const RULES: { readonly [Op in OperatorName]: Rule<Op> } = {
  conv: {
    inputs: 1,
    shape(node, inputs, weights) {
      const [channels, height, width] = takeMap(node, inputs[0]!);
      const { shape } = takeWeight(node, node.weight, weights, 4);
      const [outputs = 0, share = 0, tall = 0, wide = 0] = shape;
      if (channels % node.groups !== 0 || outputs % node.groups !== 0 || share !== channels / node.groups) {
        fail(
          node,
          `${node.weight} is ${formatShape(shape)}, which does not fit ${channels} channels in ${node.groups} groups`,
        );
      }
      if (node.bias !== undefined) takeVector(node, node.bias, weights, outputs);
      const reach = [node.dilation[0] * (tall - 1) + 1, node.dilation[1] * (wide - 1) + 1] as const;
      const sides = resolvePadding(node.padding, [height, width], reach, node.stride);
      return [outputs, ...slide(node, [height, width], sides, reach, node.stride)];
    },
  },
  dense: {
    inputs: 1,
    shape(node, inputs, weights) {
      const [length, ...rest] = inputs[0]!;
      if (rest.length > 0) fail(node, `its input is the map ${formatShape(inputs[0]!)}; flatten it first`);
      const { shape } = takeWeight(node, node.weight, weights, 2);
      if (shape[1] !== length)
        fail(node, `${node.weight} is ${formatShape(shape)}, its input ${formatShape(inputs[0]!)}`);
      if (node.bias !== undefined) takeVector(node, node.bias, weights, shape[0]!);
      return [shape[0]!];
    },
  },
  maxPool: pool,
  averagePool: pool,
  globalAveragePool: { inputs: 1, shape: (node, inputs) => [takeMap(node, inputs[0]!)[0]] },
  add: twoAlike,
  multiply: twoAlike,
  concat: {
    inputs: null,
    shape(node, inputs) {
      const [first] = inputs;
      const [, ...rest] = first!;
      for (const shape of inputs) {
        if (shape.slice(1).join() !== rest.join()) {
          fail(
            node,
            `its inputs are ${formatShape(first!)} and ${formatShape(shape)}, which differ in more than channels`,
          );
        }
      }
      const channels = inputs.reduce((sum, shape) => sum + shape[0], 0);
      return first!.length === 3 ? [channels, first![1], first![2]] : [channels];
    },
  },
  pad: {
    inputs: 1,
    shape(node, inputs) {
      const [channels, height, width] = takeMap(node, inputs[0]!);
      const [top, left, bottom, right] = node.sides;
      return [channels + node.channels[0] + node.channels[1], height + top + bottom, width + left + right];
    },
  },
  gate: {
    inputs: 2,
    shape(node, [map, gate]) {
      const [channels] = takeMap(node, map!);
      if (gate!.length !== 1 || gate![0] !== channels) {
        fail(node, `its inputs are ${formatShape(map!)} and ${formatShape(gate!)}, not a map and a number per channel`);
      }
      return map!;
    },
  },
  reshape: {
    inputs: 1,
    shape(node, inputs) {
      const [length, ...rest] = inputs[0]!;
      if (rest.length > 0 || length !== countElements(node.shape)) {
        fail(node, `its input is ${formatShape(inputs[0]!)}, not a vector for ${formatShape(node.shape)}`);
      }
      return node.shape;
    },
  },
  transpose: {
    inputs: 1,
    shape(node, inputs) {
      const map = takeMap(node, inputs[0]!);
      const [a, b, c] = node.order;
      if (new Set(node.order).size !== 3) fail(node, `its order is ${formatShape(node.order)}`);
      return [map[a]!, map[b]!, map[c]!];
    },
  },
  slice: {
    inputs: 1,
    shape(node, inputs) {
      const [channels, height = 1, width = 1] = inputs[0]!;
      const fits = [channels, height, width].every((side, axis) => node.start[axis]! + node.size[axis]! <= side);
      if (!fits) {
        fail(
          node,
          `its input is ${formatShape(inputs[0]!)}, which has no ${formatShape(node.size)} from ${formatShape(node.start)} on`,
        );
      }
      return inputs[0]!.length === 1 ? [node.size[0]] : node.size;
    },
  },
  resize: {
    inputs: 1,
    shape(node, inputs) {
      const [channels] = takeMap(node, inputs[0]!);
      if (node.mode === "nearest" && node.corners === "aligned") fail(node, "it takes the nearest of aligned corners");
      return [channels, ...node.size];
    },
  },
  affineSample: {
    inputs: 2,
    shape(node, [map, theta]) {
      if (theta!.join() !== String(THETA_SIZE)) {
        fail(node, `its second input is ${formatShape(theta!)}, not [${THETA_SIZE}], the entries of a 2×3 matrix`);
      }
      return takeMap(node, map!);
    },
  },
  flatten: { inputs: 1, shape: (_node, inputs) => [inputs[0]!.reduce((product, size) => product * size, 1)] },
  relu: sameShape,
  relu6: sameShape,
  leakyRelu: sameShape,
  prelu: {
    inputs: 1,
    shape(node, inputs, weights) {
      takeVector(node, node.weight, weights, inputs[0]![0]);
      return inputs[0]!;
    },
  },
  elu: sameShape,
  sigmoid: sameShape,
  hardSigmoid: sameShape,
  hardSwish: sameShape,
  tanh: sameShape,
  atLeast: sameShape,
  atMost: sameShape,
  softmax: {
    inputs: 1,
    shape(node, inputs) {
      if (inputs[0]!.length !== 1) fail(node, `its input is the map ${formatShape(inputs[0]!)}, not a vector`);
      return inputs[0]!;
    },
  },
};

/**
 * Shape of one node's value.
 * @throws ScoringError `model_invalid` if the inputs or weights do not fit
 */
export function inferShape<Op extends OperatorName>(
  node: NodeOf<Op>,
  inputs: readonly ValueShape[],
  weights: WeightShapes,
): ValueShape {
  const rule: Rule<Op> = RULES[node.op];
  if (rule.inputs !== null && inputs.length !== rule.inputs) {
    fail(node, `it has ${inputs.length} inputs, not ${rule.inputs}`);
  }
  return rule.shape(node, inputs, weights);
}

/**
 * Rows and columns added around a map.
 * @param reach rows and columns that the window spans, dilation counted
 */
export function resolvePadding(
  padding: NodeOf<"conv">["padding"],
  [height, width]: readonly [number, number],
  reach: readonly [number, number],
  stride: readonly [number, number],
): Sides {
  if (padding !== "same") return padding;
  const total = (side: number, axis: 0 | 1): number =>
    Math.max(0, (Math.ceil(side / stride[axis]) - 1) * stride[axis] + reach[axis] - side);
  const rows = total(height, 0);
  const columns = total(width, 1);
  return [Math.floor(rows / 2), Math.floor(columns / 2), Math.ceil(rows / 2), Math.ceil(columns / 2)];
}

/** Rows and columns of what a window makes that slides over a padded map. */
function slide(
  node: GraphNode,
  [height, width]: readonly [number, number],
  [top, left, bottom, right]: Sides,
  reach: readonly [number, number],
  stride: readonly [number, number],
): [number, number] {
  const rows = Math.floor((height + top + bottom - reach[0]) / stride[0]) + 1;
  const columns = Math.floor((width + left + right - reach[1]) / stride[1]) + 1;
  if (rows < 1 || columns < 1)
    fail(node, `a map of ${height} × ${width} is smaller than its window of ${reach.join(" × ")}`);
  return [rows, columns];
}

/** Names of the tensors that a node reads. */
export function listWeights(node: GraphNode): string[] {
  const names: string[] = [];
  if ("weight" in node) names.push(node.weight);
  if ("bias" in node && node.bias !== undefined) names.push(node.bias);
  return names;
}

/**
 * Shapes of all values for an input of `height` × `width`, by name.
 * @throws ScoringError `model_invalid` if the network does not take that size, or a node does not fit
 */
export function inferShapes(
  graph: Graph,
  weights: WeightShapes,
  height: number,
  width: number,
): Map<string, ValueShape> {
  const { input } = graph;
  const fits = (side: number, fixed: number | null): boolean =>
    Number.isSafeInteger(side) && side > 0 && (fixed === null ? side % input.multipleOf === 0 : side === fixed);
  if (!fits(height, input.height) || !fits(width, input.width)) {
    const describe = (fixed: number | null): string =>
      fixed === null ? `a multiple of ${input.multipleOf}` : `${fixed}`;
    const wanted = `${describe(input.height)} × ${describe(input.width)}`;
    throw new ScoringError("model_invalid", `graph: an input of ${height} × ${width} is not ${wanted}`);
  }
  const shapes = new Map<string, ValueShape>([[input.name, [input.channels, height, width]]]);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => {
      const shape = shapes.get(name);
      if (shape === undefined) fail(node, `its input ${name} is made by no node before it`);
      return shape;
    });
    if (shapes.has(node.name)) fail(node, "another value has this name");
    shapes.set(node.name, inferShape(node, inputs, weights));
  }
  for (const [outside, name] of Object.entries(graph.outputs)) {
    if (!shapes.has(name))
      throw new ScoringError("model_invalid", `graph: the output ${outside} names no value: ${name}`);
  }
  return shapes;
}
