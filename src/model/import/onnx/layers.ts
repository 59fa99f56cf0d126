/** Operators of an ONNX file that have weights or windows. */

import type { DraftNode } from "../../graph/graph.ts";
import { countElements, formatShape } from "../../tensor.ts";
import type { NodeContext } from "./context.ts";
import { arrange, type Dynamic, type Fixed, type Value } from "./value.ts";
import { widenGroups } from "../widen-groups.ts";

/** Reads one node; the value of its first output. */
export type Operator = (context: NodeContext) => Value;

type Sides = [number, number, number, number];
type Window = { stride: [number, number]; padding: "same" | Sides };

/** Two numbers of an attribute. */
function readPair(context: NodeContext, name: string, otherwise: readonly [number, number]): [number, number] {
  const [rows, columns, ...rest] = context.integers(name) ?? otherwise;
  if (rows === undefined || columns === undefined || rest.length > 0) {
    return context.fail(`its ${name} are not two numbers: only maps of rows and columns are known`);
  }
  return [rows, columns];
}

/** Top, left, bottom, right: ONNX has all beginnings, then all ends. */
function readSides(context: NodeContext): Sides {
  const [top = 0, left = 0, bottom = 0, right = 0] = context.integers("pads") ?? [];
  return [top, left, bottom, right];
}

function readWindow(
  context: NodeContext,
  [height, width]: readonly [number, number],
  reach: readonly [number, number],
): Window {
  const stride = readPair(context, "strides", [1, 1]);
  const auto = context.text("auto_pad", "NOTSET");
  if (auto === "VALID") return { stride, padding: [0, 0, 0, 0] };
  if (auto === "SAME_UPPER") return { stride, padding: "same" };
  if (auto === "SAME_LOWER") {
    const total = (side: number, axis: 0 | 1): number =>
      Math.max(0, (Math.ceil(side / stride[axis]) - 1) * stride[axis] + reach[axis] - side);
    const [rows, columns] = [total(height, 0), total(width, 1)];
    return {
      stride,
      padding: [Math.ceil(rows / 2), Math.ceil(columns / 2), Math.floor(rows / 2), Math.floor(columns / 2)],
    };
  }
  if (auto !== "NOTSET") return context.fail(`its auto_pad is ${auto}`);
  return { stride, padding: readSides(context) };
}

/** Weights in 32 bits. */
function takeFloats(context: NodeContext, { values }: Fixed): Float32Array {
  return values instanceof Float32Array ? values : context.fail("its weights are whole numbers");
}

function keepBias(context: NodeContext, bias: Fixed | null, outputs: number): { bias?: string } {
  if (bias === null) return {};
  const values = takeFloats(context, bias);
  if (values.length === 1 && outputs > 1) {
    return {
      bias: context.draft.keep(`${context.node.name}.bias`, [outputs], new Float32Array(outputs).fill(values[0]!)),
    };
  }
  if (values.length !== outputs) return context.fail(`its bias is ${formatShape(bias.dims)} for ${outputs} outputs`);
  return { bias: context.draft.keep(`${context.node.name}.bias`, [outputs], values) };
}

/** A dense layer. @param weight `[outputs, inputs]` */
function pushDense(
  context: NodeContext,
  input: string,
  weight: Float32Array,
  inputs: number,
  bias: Fixed | null,
): string {
  const outputs = weight.length / inputs;
  return context.draft.push({
    name: context.output(),
    op: "dense",
    inputs: [input],
    weight: context.draft.keep(`${context.node.name}.weight`, [outputs, inputs], weight),
    ...keepBias(context, bias, outputs),
  });
}

const convolve: Operator = (context) => {
  const input = context.dynamic(0);
  const weight = context.required(1);
  const [outputs = 0, share = 0, tall = 0, wide = 0] = weight.dims;
  if (weight.dims.length !== 4)
    return context.fail(`its weights are ${formatShape(weight.dims)}, not four-dimensional`);
  const groups = context.integer("group", 1);
  if (groups < 1) return context.fail(`it has ${groups} groups`);
  const floats = takeFloats(context, weight);
  let from = context.map(input);
  const [, , height = 1, width = 1] = input.dims;
  const dilation = readPair(context, "dilations", [1, 1]);
  const reach = [dilation[0] * (tall - 1) + 1, dilation[1] * (wide - 1) + 1] as const;
  const window = readWindow(context, [height, width], reach);
  if (context.draft.shape(from).length === 1) {
    const bare = window.padding === "same" || window.padding.every((side) => side === 0);
    if (tall === 1 && wide === 1 && groups === 1 && bare) {
      return context.asMap(pushDense(context, from, floats, share, context.constant(2)));
    }
    from = context.spread(from);
  }
  const wider = widenGroups({ shape: weight.dims, data: floats }, groups, context.draft, (reason) =>
    context.fail(reason),
  );
  const value = context.draft.push({
    name: context.output(),
    op: "conv",
    inputs: [from],
    weight: context.draft.keep(`${context.node.name}.weight`, wider.shape, wider.data),
    ...keepBias(context, context.constant(2), outputs),
    groups: wider.groups,
    dilation,
    ...window,
  });
  return context.asMap(value);
};

/** `[inputs, outputs]` to `[outputs, inputs]`. */
function transposeMatrix(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(matrix.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) turned[c * rows + r] = matrix[r * columns + c]!;
  }
  return turned;
}

function readMatrix(context: NodeContext, transposed: boolean): { data: Float32Array; inputs: number } {
  const { dims, values } = context.required(1);
  const [rows = 0, columns = 0] = dims;
  if (dims.length !== 2 || values.length === 0) return context.fail(`its matrix is ${formatShape(dims)}`);
  const floats = takeFloats(context, { kind: "constant", dims, values });
  if (transposed) return { data: floats, inputs: columns };
  return { data: transposeMatrix(floats, rows, columns), inputs: rows };
}

function takeRow(context: NodeContext, inputs: number): string {
  const input = context.dynamic(0);
  if (input.dims.length < 2 || input.dims.at(-1) !== inputs || countElements(input.dims) !== inputs) {
    return context.fail(`its input is ${formatShape(input.dims)}, not one row of ${inputs} numbers`);
  }
  return context.vector(input);
}

const multiplyMatrix: Operator = (context) => {
  const { data, inputs } = readMatrix(context, false);
  const { dims } = context.dynamic(0);
  const value = pushDense(context, takeRow(context, inputs), data, inputs, null);
  return { ...context.asVector(value), dims: [...dims.slice(0, -1), data.length / inputs] };
};

const multiplyGeneral: Operator = (context) => {
  if (context.integer("transA", 0) !== 0) return context.fail("it transposes its input");
  const { data, inputs } = readMatrix(context, context.integer("transB", 0) !== 0);
  const scale = context.float("alpha", 1);
  const bias = context.constant(2);
  const beta = context.float("beta", 1);
  const scaled = scale === 1 ? data : data.map((x) => x * scale);
  const shifted = bias === null || beta === 1 ? bias : { ...bias, values: bias.values.map((x) => x * beta) };
  return context.asVector(pushDense(context, takeRow(context, inputs), scaled, inputs, shifted));
};

/** A window that counts positions by rounding up gets rows and columns at the end. */
function roundUp(window: Window, size: readonly [number, number], sides: readonly [number, number]): Window {
  if (window.padding === "same") return window;
  const [top, left, bottom, right] = window.padding;
  const extend = (side: number, before: number, behind: number, axis: 0 | 1): number => {
    const step = window.stride[axis];
    let count = Math.ceil((side + before + behind - size[axis]) / step) + 1;
    // A window that begins behind the map is none.
    if ((count - 1) * step >= side + before) count -= 1;
    return Math.max(behind, (count - 1) * step + size[axis] - side - before);
  };
  return { ...window, padding: [top, left, extend(sides[0], top, bottom, 0), extend(sides[1], left, right, 1)] };
}

function pool(op: "maxPool" | "averagePool"): Operator {
  return (context) => {
    const input = context.dynamic(0);
    let from = context.map(input);
    const [, , height = 1, width = 1] = input.dims;
    if (context.draft.shape(from).length === 1) from = context.spread(from);
    const size = readPair(context, "kernel_shape", [0, 0]);
    if ((context.integers("dilations") ?? []).some((step) => step !== 1)) return context.fail("its window is dilated");
    let window = readWindow(context, [height, width], size);
    const isRoundedUp = context.integer("ceil_mode", 0) !== 0;
    const isCounted = op === "averagePool" && context.integer("count_include_pad", 0) !== 0;
    if (isRoundedUp) window = roundUp(window, size, [height, width]);
    if (isCounted && window.padding !== "same" && window.padding.some((side) => side > 0)) {
      if (isRoundedUp) return context.fail("it counts padding and rounds up");
      const padded: DraftNode = {
        name: context.draft.name(`${context.node.name}/pad`),
        op: "pad",
        inputs: [from],
        sides: window.padding,
      };
      from = context.draft.push(padded);
      window = { ...window, padding: [0, 0, 0, 0] };
    } else if (isCounted && window.padding === "same") return context.fail("it counts padding that is not written out");
    return context.asMap(context.draft.push({ name: context.output(), op, inputs: [from], size, ...window }));
  };
}

/** The mean of each channel, `[1, channels, 1, 1]` or `[1, channels]`. */
function averageAll(context: NodeContext, input: Dynamic, keepsAxes: boolean): Value {
  const order = input.order ?? context.fail(`its input is ${formatShape(input.dims)}, not a map`);
  const isVector = context.draft.shape(input.value).length === 1;
  const value = isVector
    ? input.value
    : context.draft.push({ name: context.output(), op: "globalAveragePool", inputs: [input.value] });
  return keepsAxes ? context.asMap(value, order) : context.asVector(value);
}

/** The largest of each channel. */
function largestOf(context: NodeContext, input: Dynamic, keepsAxes: boolean): Value {
  const order = input.order ?? context.fail(`its input is ${formatShape(input.dims)}, not a map`);
  const [channels, height, width] = context.draft.shape(input.value);
  if (height === undefined || width === undefined) {
    return keepsAxes ? context.asMap(input.value, order) : context.asVector(input.value);
  }
  const size: [number, number] = [height, width];
  const pooled = context.draft.push({
    name: context.draft.name(`${context.node.name}/pool`),
    op: "maxPool",
    inputs: [input.value],
    size,
  });
  const value = context.draft.push({ name: context.output(), op: "flatten", inputs: [pooled] });
  return keepsAxes
    ? { ...context.asVector(value), dims: arrange([channels, 1, 1], order), order }
    : context.asVector(value);
}

/** One number of each channel; axes are an attribute up to opset 17, an input later. */
const reduce =
  (what: string, make: typeof averageAll): Operator =>
  (context) => {
    const input = context.picture(0);
    const axes = (context.integersOr("axes", 1) ?? []).map((axis) => context.axis(axis, input.dims.length));
    const order = input.order ?? context.fail(`its input is ${formatShape(input.dims)}, not a map`);
    const places = axes.map((axis) => (axis === 0 ? 0 : order[axis - 1]!)).toSorted((a, b) => a - b);
    if (places.join() !== "1,2") return context.fail(`it takes the ${what} over the axes ${axes.join(", ")}`);
    return make(context, input, context.integer("keepdims", 1) !== 0);
  };

/** By name. */
export const LAYER_OPERATORS: Readonly<Record<string, Operator>> = {
  Conv: convolve,
  Gemm: multiplyGeneral,
  MatMul: multiplyMatrix,
  MaxPool: pool("maxPool"),
  AveragePool: pool("averagePool"),
  GlobalAveragePool: (context) => averageAll(context, context.asMap(context.map(context.dynamic(0))), true),
  GlobalMaxPool: (context) => largestOf(context, context.asMap(context.map(context.dynamic(0))), true),
  ReduceMean: reduce("mean", averageAll),
  ReduceMax: reduce("largest", largestOf),
};
