/** Operators of an ONNX file that act number by number: activations, sums, products, batch norm. */

import { countElements, formatShape } from "../../tensor.ts";
import type { NodeContext } from "./context.ts";
import type { Operator } from "./layers.ts";
import { type Dynamic, type Fixed, type Value } from "./value.ts";

/** Channels of a value, as the graph counts them. */
function countChannels(context: NodeContext, { value }: Dynamic): number {
  return context.draft.shape(value)[0];
}

/** Which axis of the file's shape counts channels. */
function channelAxis(context: NodeContext, { dims, order, value }: Dynamic): number {
  if (order !== null) return 1 + order.indexOf(0);
  // The numbers of a vector count as its channels where one axis has them all.
  const axis = dims.findIndex((size, i) => i > 0 && size === context.draft.shape(value)[0]);
  return axis > 0 ? axis : context.fail(`its input is ${formatShape(dims)}`);
}

/** A constant as one number per channel. */
function perChannel(context: NodeContext, input: Dynamic, { dims, values }: Fixed): Float32Array {
  const channels = countChannels(context, input);
  if (values.length === 1) return new Float32Array(channels).fill(values[0]!);
  const axis = channelAxis(context, input);
  const at = dims.length - (input.dims.length - axis);
  const isPerChannel = dims.every((size, i) => size === (i === at ? channels : 1));
  if (!isPerChannel || values.length !== channels) {
    return context.fail(`its constant is ${formatShape(dims)}, not one number for each of ${channels} channels`);
  }
  return Float32Array.from(values);
}

/** Multiplies and shifts channels: folded into the layer before where nothing else reads it, else a layer of its own. */
function scale(context: NodeContext, input: Dynamic, scales: Float32Array, offsets: Float32Array): Value {
  const { draft, node } = context;
  const made = draft.scale(node.outputs[0] ?? node.name, input.value, scales, offsets, input.shared);
  return made === input.value ? input : context.like(input, made);
}

const normalize: Operator = (context) => {
  const input = context.picture(0);
  if (context.integer("training_mode", 0) !== 0 || (context.opset < 7 && context.integer("is_test", 1) === 0)) {
    return context.fail("it is in training mode: export the model for evaluation");
  }
  if (input.order !== null && input.order[0] !== 0) return context.fail("its input is not channels first");
  const [gain, shift, mean, variance] = [1, 2, 3, 4].map((index) => perVector(context, input, context.required(index)));
  const epsilon = context.float("epsilon", 1e-5);
  const scales = gain!.map((g, k) => g / Math.sqrt(variance![k]! + epsilon));
  return scale(
    context,
    input,
    scales,
    scales.map((s, k) => shift![k]! - mean![k]! * s),
  );
};

function perVector(context: NodeContext, input: Dynamic, { dims, values }: Fixed): Float32Array {
  const channels = countChannels(context, input);
  if (values.length !== channels) return context.fail(`a statistic is ${formatShape(dims)} for ${channels} channels`);
  return Float32Array.from(values);
}

type Pair = "Add" | "Sub" | "Mul" | "Div";

/** Sum, difference, product or quotient with a constant: scales and offsets of the channels. */
const WITH_CONSTANT: Readonly<
  Record<Pair, (constant: Float32Array, isFirst: boolean, context: NodeContext) => [Float32Array, Float32Array]>
> = {
  Add: (constant) => [constant.map(() => 1), constant],
  Sub: (constant, isFirst) =>
    isFirst ? [constant.map(() => -1), constant] : [constant.map(() => 1), constant.map((x) => -x)],
  Mul: (constant) => [constant, new Float32Array(constant.length)],
  Div: (constant, isFirst, context) =>
    isFirst
      ? context.fail("it divides by a value of the network")
      : [constant.map((x) => 1 / x), new Float32Array(constant.length)],
};

function combine(op: Pair): Operator {
  return (context) => {
    const [a, b] = [context.input(0), context.input(1)];
    if (a === null || b === null) return context.fail("it has fewer than two inputs");
    if (a.kind === "value" && b.kind === "value") {
      if (op !== "Add" && op !== "Mul") return context.fail("both of its inputs are values of the network");
      const gated = op === "Mul" ? (gate(context, a, b) ?? gate(context, b, a)) : null;
      return gated ?? combineValues(context, op, a, b);
    }
    const [given, constant] = a.kind === "value" ? [a, b] : [b, a];
    if (given.kind !== "value" || constant.kind !== "constant") return context.fail("both inputs are constants");
    const input = context.unfolded(given);
    if (constant.dims.length > input.dims.length) return context.fail(`its constant is ${formatShape(constant.dims)}`);
    const [scales, offsets] = WITH_CONSTANT[op](perChannel(context, input, constant), a.kind === "constant", context);
    return scale(context, input, scales, offsets);
  };
}

/** A map times one number for each of its channels, wherever these lie; `null` where `factors` are something else. */
function gate(context: NodeContext, given: Dynamic, factors: Dynamic): Value | null {
  const map = context.unfolded(given);
  const [channels, ...area] = context.draft.shape(map.value);
  if (map.order === null || area.length === 0 || countElements(factors.dims) !== channels) return null;
  // As dimensions broadcast: the last ones stand below each other.
  const dims = [...map.dims.slice(factors.dims.length).map(() => 1), ...factors.dims];
  if (dims.length !== map.dims.length || dims[channelAxis(context, map)] !== channels) return null;
  const inputs = [map.value, context.vector(factors)];
  return context.like(map, context.draft.push({ name: context.output(), op: "gate", inputs }));
}

function combineValues(context: NodeContext, op: "Add" | "Mul", one: Dynamic, other: Dynamic): Value {
  const areVectors = [one, other].every(({ value }) => context.draft.shape(value).length === 1);
  // The numbers of a vector lie as those of its dimensions, whichever of these is longer than one.
  const [a, b] =
    areVectors && one.dims.join() === other.dims.join()
      ? [one, { ...other, order: one.order }]
      : [context.unfolded(one), context.unfolded(other)];
  const inputs = [a.value, b.value];
  // Maps that are not turned alike are turned to channels first.
  if (a.order !== null && b.order !== null && a.order.join() !== b.order.join()) {
    return combineValues(context, op, context.asMap(context.map(a)), context.asMap(context.map(b)));
  }
  if (a.dims.join() === b.dims.join() && a.order?.join() === b.order?.join()) {
    const [shapeA, shapeB] = inputs.map((value) => context.draft.shape(value));
    if (shapeA!.join() === shapeB!.join()) {
      return context.like(
        a,
        context.draft.push({ name: context.output(), op: op === "Add" ? "add" : "multiply", inputs }),
      );
    }
  }
  return context.fail(`its inputs are ${formatShape(a.dims)} and ${formatShape(b.dims)}`);
}

function activation(op: "relu" | "relu6" | "elu" | "sigmoid" | "hardSwish" | "tanh"): Operator {
  return (context) => {
    const input = context.dynamic(0);
    return context.like(input, context.draft.push({ name: context.output(), op, inputs: [input.value] }));
  };
}

const leaky = (context: NodeContext, input: Dynamic, slope: number): Value =>
  context.like(input, context.draft.push({ name: context.output(), op: "leakyRelu", inputs: [input.value], slope }));

const parametric: Operator = (context) => {
  const input = context.picture(0);
  const slopes = perChannel(context, input, context.required(1));
  if (slopes.every((slope) => slope === slopes[0])) return leaky(context, input, slopes[0] ?? 0);
  const weight = context.draft.keep(`${context.node.name}.slopes`, [slopes.length], slopes);
  return context.like(
    input,
    context.draft.push({ name: context.output(), op: "prelu", inputs: [input.value], weight }),
  );
};

const clip: Operator = (context) => {
  const bound = (name: string, index: number, open: number): number =>
    context.constant(index)?.values[0] ?? context.float(name, open);
  const low = bound("min", 1, -Infinity);
  const high = bound("max", 2, Infinity);
  if (low === 0 && high === 6) return activation("relu6")(context);
  if (low === 0 && high > 3e38) return activation("relu")(context);
  return atMost(context, atLeast(context, context.dynamic(0), low), high);
};

/** Of bounds that no float reaches nothing is left to do. */
const MOST_FLOAT = 3.4e38;

function atLeast(context: NodeContext, input: Dynamic, bound: number): Dynamic {
  if (bound <= -MOST_FLOAT) return input;
  const { draft } = context;
  const name = draft.name(`${context.node.name}/least`);
  return context.like(input, draft.push({ name, op: "atLeast", inputs: [input.value], bound }));
}

function atMost(context: NodeContext, input: Dynamic, bound: number): Dynamic {
  if (bound >= MOST_FLOAT) return input;
  const { draft } = context;
  return context.like(input, draft.push({ name: context.output(), op: "atMost", inputs: [input.value], bound }));
}

/** The larger, or the smaller, of a value and one number. */
const bounded =
  (limit: typeof atLeast): Operator =>
  (context) => {
    const inputs = context.inputs();
    const [constant, ...others] = inputs.filter((input) => input.kind === "constant");
    const [value] = inputs.filter((input) => input.kind === "value");
    if (inputs.length !== 2 || constant === undefined || value === undefined || others.length > 0) {
      return context.fail("its inputs are not a value and a constant");
    }
    if (constant.values.length !== 1)
      return context.fail(`its constant is ${formatShape(constant.dims)}, not one number`);
    return limit(context, value, constant.values[0] ?? 0);
  };

const hardSigmoid: Operator = (context) => {
  const input = context.dynamic(0);
  const slope = context.float("alpha", 0.2);
  const beta = context.float("beta", 0.5);
  if (beta !== 0.5) return context.fail(`its beta is ${beta}, not 0.5`);
  const made = context.draft.push({ name: context.output(), op: "hardSigmoid", inputs: [input.value], slope });
  return context.like(input, made);
};

const exponential: Operator = (context) => {
  if (context.float("alpha", 1) !== 1) return context.fail(`its alpha is ${context.float("alpha", 1)}, not 1`);
  return activation("elu")(context);
};

const softmax: Operator = (context) => {
  const input = context.dynamic(0);
  const axis = context.axis(context.integer("axis", context.opset < 13 ? 1 : -1), input.dims.length);
  const others = input.dims.filter((_, i) => i !== axis);
  if (others.some((size) => size !== 1)) return context.fail(`its input is ${formatShape(input.dims)}, not one row`);
  const vector = context.vector(input);
  return {
    ...context.asVector(context.draft.push({ name: context.output(), op: "softmax", inputs: [vector] })),
    dims: input.dims,
  };
};

/** By name. */
export const ELEMENTWISE_OPERATORS: Readonly<Record<string, Operator>> = {
  BatchNormalization: normalize,
  Add: combine("Add"),
  Sub: combine("Sub"),
  Mul: combine("Mul"),
  Div: combine("Div"),
  Relu: activation("relu"),
  Elu: exponential,
  Sigmoid: activation("sigmoid"),
  HardSwish: activation("hardSwish"),
  HardSigmoid: hardSigmoid,
  LeakyRelu: (context) => leaky(context, context.dynamic(0), context.float("alpha", 0.01)),
  PRelu: parametric,
  Clip: clip,
  Max: bounded(atLeast),
  Min: bounded(atMost),
  Tanh: activation("tanh"),
  Softmax: softmax,
};
