/** The layers of Keras and tfjs that the graph can say, by the names of their classes. */

import { countElements, formatShape, type Tensor } from "../../tensor.ts";
import { turnDepthwiseKernel, turnKernel, turnMatrix } from "../tfjs-kernels.ts";
import { widenGroups } from "../widen-groups.ts";
import { ACTIVATION_LAYERS, activate } from "./activations.ts";
import type { LayerContext, LayerValue } from "./layer-context.ts";

type Layer = (context: LayerContext) => LayerValue;

/** A convolution's node. */
function convolve(
  context: LayerContext,
  name: string,
  input: string,
  kernel: Tensor,
  {
    groups = 1,
    ...more
  }: { groups?: number; bias?: string; dilation?: [number, number] } & Partial<ReturnType<LayerContext["window"]>>,
): string {
  const wider = widenGroups(kernel, groups, context.draft, (reason) => context.fail(reason));
  const weight = context.draft.keep(`${name}.weight`, wider.shape, wider.data);
  return context.draft.push({ name, op: "conv", inputs: [input], weight, groups: wider.groups, ...more });
}

/** What a layer with an activation of its own makes of `value`; the last node has the layer's name. */
const finish = (context: LayerContext, value: string): LayerValue =>
  activate(context, { value, isFlat: false, isShared: false }, context.text("activation"));

const nameLinear = (context: LayerContext): string =>
  (context.text("activation") ?? "linear") === "linear" ? context.output() : context.part("linear");

const convolution: Layer = (context) => {
  const input = context.plain();
  const kernel = turnKernel(context.weight("kernel", 4));
  const made = convolve(context, nameLinear(context), input.value, kernel, {
    groups: context.number("groups", 1),
    dilation: context.pair("dilation_rate", 1),
    ...context.bias(kernel.shape[0] ?? 0),
    ...context.window(),
  });
  return finish(context, made);
};

const depthwise: Layer = (context) => {
  const input = context.plain();
  const [channels] = context.mapShape(input);
  const kernel = turnDepthwiseKernel(context.weight("depthwise_kernel", 4));
  const made = convolve(context, nameLinear(context), input.value, kernel, {
    groups: channels,
    dilation: context.pair("dilation_rate", 1),
    ...context.bias(kernel.shape[0] ?? 0),
    ...context.window(),
  });
  return finish(context, made);
};

const separable: Layer = (context) => {
  const input = context.plain();
  const [channels] = context.mapShape(input);
  const spread = convolve(
    context,
    context.part("depthwise"),
    input.value,
    turnDepthwiseKernel(context.weight("depthwise_kernel", 4)),
    { groups: channels, dilation: context.pair("dilation_rate", 1), ...context.window() },
  );
  const kernel = turnKernel(context.weight("pointwise_kernel", 4));
  return finish(context, convolve(context, nameLinear(context), spread, kernel, context.bias(kernel.shape[0] ?? 0)));
};

const dense: Layer = (context) => {
  const input = context.input();
  const shape = context.shape(input);
  const matrix = context.weight("kernel", 2);
  const [inputs = 0, outputs = 0] = matrix.shape;
  const name = nameLinear(context);
  const bias = context.bias(outputs);
  if (shape.length === 3 && !input.isFlat) {
    // Of a map Keras multiplies the channels of each pixel.
    const { data } = turnMatrix(matrix, null);
    return finish(context, convolve(context, name, input.value, { shape: [outputs, inputs, 1, 1], data }, bias));
  }
  const turned = turnMatrix(matrix, shape.length === 3 ? shape : null);
  const vector = input.isFlat
    ? context.draft.push({ name: context.part("flat"), op: "flatten", inputs: [input.value] })
    : input.value;
  const weight = context.draft.keep(`${name}.weight`, turned.shape, turned.data);
  return finish(context, context.draft.push({ name, op: "dense", inputs: [vector], weight, ...bias }));
};

const normalize: Layer = (context) => {
  const input = context.plain();
  const shape = context.shape(input);
  const axes = [context.layer.config["axis"] ?? -1].flat();
  if (axes.length !== 1 || (axes[0] !== -1 && axes[0] !== shape.length)) {
    return context.fail(`it normalizes the axes ${JSON.stringify(axes)}, not the channels`);
  }
  const [channels] = shape;
  const ones = new Float32Array(channels).fill(1);
  const gain = context.vector("gamma", channels) ?? ones;
  const shift = context.vector("beta", channels) ?? new Float32Array(channels);
  const mean = context.vector("moving_mean", channels) ?? context.fail("the weights have no moving_mean of it");
  const variance = context.vector("moving_variance", channels) ?? context.fail("the weights have no moving_variance");
  const epsilon = context.number("epsilon", 1e-3);
  const scales = gain.map((g, k) => g / Math.sqrt(variance[k]! + epsilon));
  const offsets = scales.map((s, k) => shift[k]! - mean[k]! * s);
  return context.make(context.draft.scale(context.layer.name, input.value, scales, offsets, input.isShared));
};

const rescale: Layer = (context) => {
  const input = context.plain();
  const [channels] = context.shape(input);
  const scales = new Float32Array(channels).fill(context.number("scale", 1));
  const offsets = new Float32Array(channels).fill(context.number("offset", 0));
  return context.make(context.draft.scale(context.layer.name, input.value, scales, offsets, input.isShared));
};

const pool =
  (op: "maxPool" | "averagePool"): Layer =>
  (context) => {
    const input = context.plain();
    const size = context.pair("pool_size", 2);
    const window = context.window();
    const stride = (context.layer.config["strides"] ?? null) === null ? size : window.stride;
    return context.make(
      context.draft.push({ name: context.output(), op, inputs: [input.value], size, ...window, stride }),
    );
  };

const keepDims = (context: LayerContext, vector: string): LayerValue => {
  const isKept = (context.layer.config["keepdims"] ?? context.layer.config["keep_dims"]) === true;
  if (!isKept) return context.make(vector);
  const [channels] = context.draft.shape(vector);
  return context.make(
    context.draft.push({ name: context.part("kept"), op: "reshape", inputs: [vector], shape: [channels, 1, 1] }),
  );
};

const globalAverage: Layer = (context) => {
  context.requireChannelsLast();
  const { value } = context.plain();
  return keepDims(context, context.draft.push({ name: context.output(), op: "globalAveragePool", inputs: [value] }));
};

const globalMax: Layer = (context) => {
  context.requireChannelsLast();
  const input = context.plain();
  const [, height, width] = context.mapShape(input);
  const one = context.draft.push({
    name: context.part("largest"),
    op: "maxPool",
    inputs: [input.value],
    size: [height, width],
  });
  return keepDims(context, context.draft.push({ name: context.output(), op: "flatten", inputs: [one] }));
};

const flatten: Layer = (context) => {
  const input = context.input();
  return { ...context.pass(input), isFlat: context.shape(input).length === 3 };
};

const reshape: Layer = (context) => {
  // tfjs writes the size that follows from the others as null.
  const target =
    context.integers("target_shape", (size) => size ?? -1) ??
    context.fail("its target_shape is no list of whole numbers");
  const input = context.input();
  const count = countElements(context.shape(input));
  const known = target.filter((size) => size !== -1).reduce((product, size) => product * size, 1);
  const sizes = target.map((size) => (size === -1 ? count / known : size));
  if (target.filter((size) => size === -1).length > 1 || countElements(sizes) !== count || !sizes.every(isSize)) {
    return context.fail(`it makes ${formatShape(target)} of ${count} numbers`);
  }
  const isVector = context.shape(input).length === 1;
  if (sizes.length === 1) return isVector ? context.pass(input) : { ...context.pass(input), isFlat: true };
  const [height, width, channels] = sizes;
  if (height === undefined || width === undefined || channels === undefined || sizes.length > 3) {
    return context.fail(`it makes ${formatShape(target)}, neither a map nor a vector`);
  }
  const vector = context.settle({ ...input, isFlat: !isVector });
  const shape: [number, number, number] = [height, width, channels];
  const map = context.draft.push({ name: context.part("map"), op: "reshape", inputs: [vector.value], shape });
  return context.make(context.draft.push({ name: context.output(), op: "transpose", inputs: [map], order: [2, 0, 1] }));
};

const isSize = (size: number): boolean => Number.isSafeInteger(size) && size > 0;

const combine =
  (op: "add" | "multiply"): Layer =>
  (context) => {
    const [first, ...others] = context.all();
    let made = first!;
    for (const [at, other] of others.entries()) {
      const name = at === others.length - 1 ? context.output() : context.part(`${at}`);
      made = { value: combineTwo(context, op, name, made, other), isFlat: false, isShared: false };
    }
    return context.make(made.value);
  };

function combineTwo(context: LayerContext, op: "add" | "multiply", name: string, a: LayerValue, b: LayerValue): string {
  const inputs = [a.value, b.value];
  const [one, two] = [context.shape(a), context.shape(b)];
  const isGate = (gate: readonly number[], map: readonly number[]): boolean =>
    op === "multiply" && gate.slice(1).join() === "1,1" && map.length === 3 && map.join() !== gate.join();
  if (!isGate(two, one) && !isGate(one, two)) return context.draft.push({ name, op, inputs });
  const [map, gate] = isGate(two, one) ? [a, b] : [b, a];
  const numbers = context.draft.push({ name: context.part("gate"), op: "flatten", inputs: [gate.value] });
  return context.draft.push({ name, op: "gate", inputs: [map.value, numbers] });
}

const concatenate: Layer = (context) => {
  const inputs = context.all();
  const axis = context.number("axis", -1);
  if (axis !== -1 && axis !== context.shape(inputs[0]!).length) return context.fail(`it joins the axis ${axis}`);
  return context.make(
    context.draft.push({ name: context.output(), op: "concat", inputs: inputs.map(({ value }) => value) }),
  );
};

const pad: Layer = (context) => {
  context.requireChannelsLast();
  const given: readonly unknown[] = [context.layer.config["padding"] ?? 1].flat();
  const [rows, columns = rows] = given;
  const amounts = [rows, columns].flatMap((sides): readonly unknown[] =>
    Array.isArray(sides) ? sides : [sides, sides],
  );
  if (given.length > 2 || amounts.length !== 4 || !amounts.every(isBorder)) {
    return context.fail("its padding is no border of rows and columns");
  }
  const [top, bottom, left, right] = amounts;
  const sides: [number, number, number, number] = [top!, left!, bottom!, right!];
  return context.make(
    context.draft.push({ name: context.output(), op: "pad", inputs: [context.plain().value], sides }),
  );
};

const isBorder = (amount: unknown): amount is number => Number.isSafeInteger(amount) && Number(amount) >= 0;

const upsample: Layer = (context) => {
  context.requireChannelsLast();
  const input = context.plain();
  const [, height, width] = context.mapShape(input);
  const [rows, columns] = context.pair("size", 2);
  // Bilinear enlarging differs between Keras and tfjs.
  if ((context.text("interpolation") ?? "nearest") !== "nearest")
    return context.fail("it does not take the nearest pixel");
  const size: [number, number] = [height * rows, width * columns];
  return context.make(
    context.draft.push({
      name: context.output(),
      op: "resize",
      inputs: [input.value],
      size,
      mode: "nearest",
      corners: "half",
    }),
  );
};

/** Nothing happens in them once a model is trained. */
const idle: Layer = (context) => context.pass(context.input());

/** By the names of their classes. */
export const LAYERS: ReadonlyMap<string, Layer> = new Map<string, Layer>([
  ...Object.entries(ACTIVATION_LAYERS),
  ["Conv2D", convolution],
  ["DepthwiseConv2D", depthwise],
  ["SeparableConv2D", separable],
  ["Dense", dense],
  ["BatchNormalization", normalize],
  ["BatchNormalizationV1", normalize],
  ["Rescaling", rescale],
  ["MaxPooling2D", pool("maxPool")],
  ["AveragePooling2D", pool("averagePool")],
  ["GlobalAveragePooling2D", globalAverage],
  ["GlobalMaxPooling2D", globalMax],
  ["Flatten", flatten],
  ["Reshape", reshape],
  ["Add", combine("add")],
  ["Multiply", combine("multiply")],
  ["Concatenate", concatenate],
  ["ZeroPadding2D", pad],
  ["UpSampling2D", upsample],
  ...["Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout", "ActivityRegularization"].map(
    (name): [string, Layer] => [name, idle],
  ),
]);
