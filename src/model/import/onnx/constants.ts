/** Operators of an ONNX file over constants: the arithmetic of shapes, done once at import. */

import { countElements, formatShape } from "../../tensor.ts";
import { fix, type NodeContext } from "./context.ts";
import { MAX_INTEGERS, readTensor, type Constant } from "./tensor.ts";
import type { Fixed } from "./value.ts";

type Fold = (context: NodeContext, inputs: readonly Fixed[]) => Constant;

/** A constant of shape arithmetic; it stays small. */
function make(context: NodeContext, dims: readonly number[], at: (i: number) => number): Constant {
  const count = countElements(dims);
  if (!Number.isSafeInteger(count) || count > MAX_INTEGERS || dims.some((size) => size < 0)) {
    return context.fail(`it makes a constant of ${formatShape(dims)}`);
  }
  return { dims, values: Float64Array.from({ length: count }, (_, i) => at(i)) };
}

/** One number of a constant; a single one is for all. */
function pick({ values }: Fixed, i: number): number {
  return values[values.length === 1 ? 0 : i]!;
}

/** Keeps 32 bits where both sides have them: weights stay weights. */
function pairwise(f: (a: number, b: number) => number): Fold {
  return (context, [a, b]) => {
    if (a === undefined || b === undefined) return context.fail("it has fewer than two inputs");
    const [large, small] = a.values.length >= b.values.length ? [a, b] : [b, a];
    if (small.values.length !== 1 && large.dims.join() !== small.dims.join()) {
      return context.fail(`its constants are ${formatShape(a.dims)} and ${formatShape(b.dims)}`);
    }
    const values = large.values.map((_, i) => f(pick(a, i), pick(b, i)));
    return { dims: large.dims, values };
  };
}

const quotient = pairwise((a, b) => a / b);

/** Of whole numbers the quotient is cut to one. */
const divide: Fold = (context, inputs) => {
  const made = quotient(context, inputs);
  const isWhole = inputs.every((input) => input?.values instanceof Float64Array);
  return isWhole ? { ...made, values: made.values.map(Math.trunc) } : made;
};

const unary =
  (f: (x: number) => number): Fold =>
  (context, [input]) =>
    input === undefined ? context.fail("it has no input") : { dims: input.dims, values: input.values.map(f) };

const gather: Fold = (context, [data, index]) => {
  if (data?.dims.length !== 1 || index === undefined) return context.fail("it picks from something other than a row");
  return make(context, index.dims, (i) => {
    const at = index.values[i]!;
    return (
      data.values[at < 0 ? at + data.values.length : at] ??
      context.fail(`it picks number ${at} of ${data.values.length}`)
    );
  });
};

/** The places that a slice takes along one axis, as Python does. */
function listPlaces(context: NodeContext, length: number, start: number, end: number, step: number): number[] {
  if (step === 0) return context.fail("it cuts in steps of 0");
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const clamp = (at: number): number => Math.max(low, Math.min(high, at < 0 ? at + length : at));
  const first = clamp(start);
  const count = Math.max(0, Math.ceil((clamp(end) - first) / step));
  return Array.from({ length: count }, (_, i) => first + i * step);
}

const slice: Fold = (context, [data, ...rest]) => {
  if (data === undefined || data.values.length > MAX_INTEGERS)
    return context.fail("it cuts something other than a shape");
  const list = (name: string, i: number): readonly number[] => [...(rest[i]?.values ?? context.integers(name) ?? [])];
  const [starts, ends, axes, steps] = [list("starts", 0), list("ends", 1), list("axes", 2), list("steps", 3)];
  const places = data.dims.map((size) => Array.from({ length: size }, (_, i) => i));
  for (const [i, start] of starts.entries()) {
    const axis = context.axis(axes[i] ?? i, data.dims.length);
    places[axis] = listPlaces(context, data.dims[axis]!, start, ends[i] ?? 0, steps[i] ?? 1);
  }
  const dims = places.map(({ length }) => length);
  return make(context, dims, (i) => {
    let left = i;
    let from = 0;
    let stride = 1;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += places[axis]![left % dims[axis]!]! * stride;
      left = Math.floor(left / dims[axis]!);
      stride *= data.dims[axis]!;
    }
    return data.values[from]!;
  });
};

const join: Fold = (context, inputs) => {
  if (inputs.some(({ dims }) => dims.length !== 1)) return context.fail("it joins constants other than rows");
  const values = inputs.flatMap((input) => [...input.values]);
  return make(context, [values.length], (i) => values[i]!);
};

/** Whole numbers are cut toward zero; numbers in 32 bits stay so. */
const cast: Fold = (context, [input]) => {
  if (input === undefined) return context.fail("it has no input");
  const isFloat = [1, 10, 11, 16].includes(context.integer("to", 1));
  const { dims, values } = input;
  if (isFloat) return { dims, values: Float32Array.from(values) };
  return make(context, dims, (i) => Math.trunc(values[i]!));
};

const reshape: Fold = (context, [data, sizes]) => {
  if (data === undefined) return context.fail("it has no input");
  const asked = [...(sizes?.values ?? [])];
  const known = asked.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const dims = asked.map((size) => (size === -1 ? data.values.length / known : size));
  if (countElements(dims) !== data.values.length)
    return context.fail(`it makes ${formatShape(asked)} of ${formatShape(data.dims)}`);
  return { dims, values: data.values };
};

const squeeze: Fold = (context, [data, axes]) => {
  if (data === undefined) return context.fail("it has no input");
  const asked = axes === undefined ? context.integers("axes") : [...axes.values];
  const gone = asked?.map((axis) => context.axis(axis, data.dims.length));
  return {
    dims: data.dims.filter((size, i) => (gone === undefined ? size !== 1 : !gone.includes(i))),
    values: data.values,
  };
};

const unsqueeze: Fold = (context, [data, axes]) => {
  if (data === undefined) return context.fail("it has no input");
  const asked = axes === undefined ? (context.integers("axes") ?? []) : [...axes.values];
  const rank = data.dims.length + asked.length;
  if (rank > 16) return context.fail(`it makes ${rank} dimensions`);
  const added = new Set(asked.map((axis) => context.axis(axis, rank)));
  const rest = [...data.dims];
  return {
    dims: Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : (rest.shift() ?? 1))),
    values: data.values,
  };
};

const transpose: Fold = (context, [data]) => {
  if (data === undefined || data.dims.length > 4)
    return context.fail("it turns a constant of more than four dimensions");
  const { dims, values } = data;
  const perm = context.integers("perm") ?? dims.map((_, i) => dims.length - 1 - i);
  if (perm.toSorted((a, b) => a - b).join() !== dims.map((_, i) => i).join())
    return context.fail(`its perm is ${formatShape(perm)}`);
  const strides = dims.map((_, i) => countElements(dims.slice(i + 1)));
  const turned = perm.map((axis) => dims[axis]!);
  const out = values.map((_, i) => {
    let rest = i;
    let from = 0;
    for (let axis = turned.length - 1; axis >= 0; axis--) {
      from += (rest % turned[axis]!) * strides[perm[axis]!]!;
      rest = Math.floor(rest / turned[axis]!);
    }
    return values[from]!;
  });
  return { dims: turned, values: out };
};

/** By name. */
const FOLDS: Readonly<Record<string, Fold>> = {
  Add: pairwise((a, b) => a + b),
  Sub: pairwise((a, b) => a - b),
  Mul: pairwise((a, b) => a * b),
  Div: divide,
  Pow: pairwise((a, b) => a ** b),
  Sqrt: unary(Math.sqrt),
  Neg: unary((x) => -x),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Reciprocal: unary((x) => 1 / x),
  Identity: unary((x) => x),
  Gather: gather,
  Slice: slice,
  Concat: join,
  Cast: cast,
  Reshape: reshape,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  ConstantOfShape: (context, [sizes]) => {
    const tensor = context.attribute("value")?.tensor;
    const fill = tensor == null ? 0 : (readTensor(tensor, context.node.name).values[0] ?? 0);
    return make(context, [...(sizes?.values ?? [])], () => fill);
  },
  Range: (context, [start, end, step]) => {
    const [from = 0, to = 0, by = 1] = [start, end, step].map((value) => value?.values[0]);
    return make(context, [Math.max(0, Math.ceil((to - from) / by))], (i) => from + i * by);
  },
};

/** A constant that the file writes as a node. */
function readConstant(context: NodeContext): Constant {
  const tensor = context.attribute("value")?.tensor;
  if (tensor != null) return readTensor(tensor, context.node.name);
  const [float, integer] = [context.attribute("value_float"), context.attribute("value_int")];
  if (float !== undefined) return { dims: [], values: Float32Array.of(float.float) };
  if (integer !== undefined) return { dims: [], values: Float64Array.of(integer.integer) };
  const integers = context.attribute("value_ints")?.integers;
  if (integers !== undefined) return { dims: [integers.length], values: Float64Array.from(integers) };
  const floats = context.attribute("value_floats")?.floats;
  if (floats !== undefined) return { dims: [floats.length], values: Float32Array.from(floats) };
  return context.fail("it holds no numbers");
}

/**
 * What a node over constants makes; `null` for a node of the network. Shapes of values are constants: the input's size
 * is known.
 */
export function foldConstant(context: NodeContext): Fixed | null {
  const { op } = context.node;
  if (op === "Constant") return fix(readConstant(context));
  if (op === "Shape") {
    const { dims } = context.inputs()[0] ?? context.fail("it has no input");
    const [start, end] = [context.integer("start", 0), context.integer("end", dims.length)];
    return fix(make(context, [dims.slice(start, end).length], (i) => dims.slice(start, end)[i]!));
  }
  const fold = Object.hasOwn(FOLDS, op) ? FOLDS[op] : undefined;
  if (fold === undefined) return null;
  const inputs = context.inputs();
  if (inputs.length === 0 || !inputs.every((input) => input.kind === "constant")) return null;
  const made = fold(context, inputs);
  context.draft.reserve(made.values.length);
  return fix(made);
}
