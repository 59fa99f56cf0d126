/** Operators of an ONNX file that move numbers: reshapes, concatenations, padding, resizing. */

import { countElements, formatShape } from "../../tensor.ts";
import type { NodeContext } from "./context.ts";
import type { Operator } from "./layers.ts";
import { CHANNELS_FIRST, type Dynamic, type Value } from "./value.ts";

/** A value under another shape: nothing moves before an operator asks for a map of it. */
function reshapeTo(context: NodeContext, input: Dynamic, dims: readonly number[]): Value {
  if (dims[0] !== 1)
    return context.fail(`it makes ${formatShape(dims)} of ${formatShape(input.dims)}: the batch is lost`);
  if (dims.join() === input.dims.join()) return input;
  if (countElements(dims) !== countElements(input.dims)) {
    return context.fail(`it makes ${formatShape(dims)} of ${formatShape(input.dims)}`);
  }
  const value = context.vector(input);
  // A vector as a map of one position is the vector; channels are channels.
  const order = dims.length === 4 && dims.slice(2).every((size) => size === 1) ? CHANNELS_FIRST : null;
  return { kind: "value", value, dims, order, shared: input.shared && value === input.value };
}

/** Sizes with 0 for "as it was" and −1 for the rest. */
export function resolveSizes(
  context: NodeContext,
  input: Pick<Dynamic, "dims">,
  sizes: readonly number[],
  keepsZeros: boolean,
): number[] {
  const dims = sizes.map((size, i) => (size === 0 && keepsZeros ? (input.dims[i] ?? 0) : size));
  const open = dims.indexOf(-1);
  if (open < 0) return dims;
  const rest = dims.reduce((product, size, i) => (i === open ? product : product * size), 1);
  const open1 = countElements(input.dims) / rest;
  if (!Number.isInteger(open1)) return context.fail(`it makes ${formatShape(sizes)} of ${formatShape(input.dims)}`);
  return dims.with(open, open1);
}

const reshape: Operator = (context) => {
  const input = context.dynamic(0);
  const sizes = [...context.required(1).values];
  return reshapeTo(context, input, resolveSizes(context, input, sizes, context.integer("allowzero", 0) === 0));
};

const flatten: Operator = (context) => {
  const input = context.dynamic(0);
  const axis = context.integer("axis", 1);
  const at = axis === input.dims.length ? axis : context.axis(axis, input.dims.length);
  return reshapeTo(context, input, [countElements(input.dims.slice(0, at)), countElements(input.dims.slice(at))]);
};

const squeeze: Operator = (context) => {
  const input = context.dynamic(0);
  const asked = context.integersOr("axes", 1);
  const axes = asked?.map((axis) => context.axis(axis, input.dims.length));
  const dims = input.dims.filter((size, i) => (axes === undefined ? size !== 1 || i === 0 : !axes.includes(i)));
  return reshapeTo(context, input, dims);
};

const unsqueeze: Operator = (context) => {
  const input = context.dynamic(0);
  const asked = context.integersOr("axes", 1) ?? [];
  const rank = input.dims.length + asked.length;
  const axes = new Set(asked.map((axis) => context.axis(axis, rank)));
  const rest = [...input.dims];
  const dims = Array.from({ length: Math.min(rank, 16) }, (_, i) => (axes.has(i) ? 1 : (rest.shift() ?? 1)));
  return reshapeTo(context, input, dims);
};

const transpose: Operator = (context) => {
  const input = context.dynamic(0);
  const { dims, order } = input;
  const perm = context.integers("perm") ?? dims.map((_, i) => dims.length - 1 - i);
  const isWhole = perm.length === dims.length && perm.toSorted((a, b) => a - b).every((axis, i) => axis === i);
  if (!isWhole || perm[0] !== 0) return context.fail(`it turns ${formatShape(dims)} by ${formatShape(perm)}`);
  const turned = perm.map((axis) => dims[axis]!);
  if (order !== null) {
    const [a, b, c] = perm.slice(1).map((axis) => order[axis - 1]!);
    return { ...input, dims: turned, order: [a!, b!, c!] };
  }
  return context.permute(input, perm);
};

const concat: Operator = (context) => {
  const given = context
    .inputs()
    .map((input) =>
      input.kind === "value" ? context.unfolded(input) : context.fail("one of its inputs is a constant"),
    );
  const [first] = given;
  if (first === undefined) return context.fail("it has no inputs");
  const axis = context.axis(context.integer("axis", 1), first.dims.length);
  if (first.order === null) {
    const isRow = given.every(({ dims, order }) => order === null && dims.length === 2);
    if (!isRow || axis !== 1) return context.fail(`it joins ${formatShape(first.dims)} along the axis ${axis}`);
    const inputs = given.map(({ value }) => value);
    return context.asVector(context.draft.push({ name: context.output(), op: "concat", inputs }));
  }
  // Maps that are not turned alike, or whose channels lie elsewhere, are turned to channels first.
  const isAlike = given.every(({ order }) => order?.join() === first.order?.join());
  const turns = !isAlike || axis === 0 || first.order[axis - 1] !== 0;
  const maps = turns ? given.map((input) => context.asMap(context.map(input))) : given;
  const order = turns ? CHANNELS_FIRST : first.order;
  if (turns && axis !== 1)
    return context.fail(`it joins ${formatShape(first.dims)} along the axis ${axis}, not along channels`);
  const isVector = maps.every(({ value }) => context.draft.shape(value).length === 1);
  const inputs = maps.map(({ value }) => (isVector ? value : context.spread(value)));
  return context.asMap(context.draft.push({ name: context.output(), op: "concat", inputs }), order);
};

const pad: Operator = (context) => {
  const input = context.picture(0);
  const { dims, order } = input;
  const mode = context.text("mode", "constant");
  if (mode !== "constant") return context.fail(`its mode is ${mode}; only zeros are known`);
  if ((context.constant(2)?.values[0] ?? context.float("value", 0)) !== 0)
    return context.fail("it pads with other than 0");
  const amounts = context.integersOr("pads", 1) ?? [];
  const axes = context.constant(3)?.values ?? dims.map((_, i) => i);
  if (order === null || amounts.length !== 2 * axes.length) return context.fail("it pads something other than a map");
  const before = [0, 0, 0];
  const behind = [0, 0, 0];
  for (const [i, axis] of [...axes].entries()) {
    const [a, b] = [amounts[i]!, amounts[i + axes.length]!];
    if (a < 0 || b < 0) return context.fail("it crops");
    const at = context.axis(axis, dims.length);
    if (at === 0 && a + b > 0) return context.fail("it pads the batch");
    if (at > 0) [before[order[at - 1]!], behind[order[at - 1]!]] = [a, b];
  }
  const value = context.draft.push({
    name: context.output(),
    op: "pad",
    inputs: [context.spread(input.value)],
    channels: [before[0]!, behind[0]!],
    sides: [before[1]!, before[2]!, behind[1]!, behind[2]!],
  });
  return context.asMap(value, order);
};

/** A part of a value; the batch stays. @param starts by axis of the file @param sizes likewise */
function cut(context: NodeContext, input: Dynamic, starts: readonly number[], sizes: readonly number[]): Value {
  const { dims, order } = input;
  if (sizes.join() === dims.join()) return input;
  if (starts[0] !== 0 || sizes[0] !== 1) return context.fail("it cuts the batch");
  if (sizes.some((size) => size < 1)) return context.fail(`it leaves ${formatShape(sizes)} of ${formatShape(dims)}`);
  const first = [0, 0, 0];
  const kept = [1, 1, 1];
  const isVector = context.draft.shape(input.value).length === 1;
  const places = order ?? (dims.length === 2 ? [0] : context.fail(`its input is ${formatShape(dims)}`));
  for (const [at, axis] of places.entries()) {
    const place = isVector && dims.length === 4 && axis !== 0 ? null : axis;
    if (place === null) continue;
    first[place] = starts[at + 1]!;
    kept[place] = sizes[at + 1]!;
  }
  const [a = 0, b = 0, c = 0] = first;
  const [d = 1, e = 1, f = 1] = kept;
  const value = context.draft.push({
    name: context.output(),
    op: "slice",
    inputs: [input.value],
    start: [a, b, c],
    size: [d, e, f],
  });
  return { ...input, value, dims: sizes, shared: false };
}

const slice: Operator = (context) => {
  const input = context.picture(0);
  const { dims } = input;
  const starts = context.integersOr("starts", 1) ?? context.fail("it does not say where it starts");
  const ends = context.integersOr("ends", 2) ?? context.fail("it does not say where it ends");
  const axes = context.integersOr("axes", 3) ?? starts.map((_, i) => i);
  if ((context.constant(4)?.values ?? []).some((step) => step !== 1))
    return context.fail("it takes every other number");
  const from = dims.map(() => 0);
  const sizes = [...dims];
  for (const [i, asked] of axes.entries()) {
    const axis = context.axis(asked, dims.length);
    const side = dims[axis]!;
    const place = (at: number | undefined): number =>
      Math.min(side, Math.max(0, (at ?? 0) < 0 ? (at ?? 0) + side : (at ?? 0)));
    from[axis] = place(starts[i]);
    sizes[axis] = place(ends[i]) - from[axis];
  }
  return cut(context, input, from, sizes);
};

/** Outputs of one split: a graph joins 64 values at most. */
const MOST_PARTS = 256;

const split: Operator = (context) => {
  if (context.node.outputs.length > MOST_PARTS) return context.fail(`it makes ${context.node.outputs.length} parts`);
  const input = context.picture(0);
  const { dims } = input;
  const axis = context.axis(context.integer("axis", 0), dims.length);
  const side = dims[axis]!;
  const count = context.integer("num_outputs", context.node.outputs.length);
  const each = Math.ceil(side / count);
  // The last of equal parts may be smaller.
  const parts =
    context.integersOr("split", 1) ??
    Array.from({ length: Math.min(count, side) }, (_, i) => Math.min(each, side - i * each));
  const index = context.outputIndex;
  const start = parts.slice(0, index).reduce((sum, part) => sum + part, 0);
  const size = parts[index] ?? 0;
  if (start + size > side) return context.fail(`it makes ${formatShape(parts)} of ${side}`);
  return cut(
    context,
    input,
    dims.map((_, i) => (i === axis ? start : 0)),
    dims.with(axis, size),
  );
};

const CORNERS: Readonly<Record<string, "half" | "aligned" | "corner">> = {
  half_pixel: "half",
  pytorch_half_pixel: "half",
  align_corners: "aligned",
  asymmetric: "corner",
};

/** The sizes that a resize asks for. */
function readSizes(context: NodeContext, { dims }: Dynamic): readonly number[] {
  const isOld = context.node.op === "Upsample" || context.opset < 11;
  const axes = context.integers("axes")?.map((axis) => context.axis(axis, dims.length)) ?? dims.map((_, i) => i);
  const spread = (given: ArrayLike<number>, otherwise: (axis: number) => number): number[] =>
    dims.map((_, axis) => (axes.includes(axis) ? given[axes.indexOf(axis)]! : otherwise(axis)));
  const sizes = isOld ? null : context.constant(3);
  if (sizes !== null && sizes.values.length === axes.length) return spread(sizes.values, (axis) => dims[axis]!);
  const scales = context.constant(isOld ? 1 : 2)?.values ?? context.attribute("scales")?.floats ?? [];
  if (scales.length !== axes.length) return context.fail("it has neither sizes nor scales for all axes");
  return spread(scales, () => 1).map((scale, i) => dims[i]! * scale);
}

function isWhole(to: number, from = 1): boolean {
  return to % from === 0;
}

const resize: Operator = (context) => {
  const input = context.dynamic(0);
  if (context.integer("antialias", 0) !== 0) return context.fail("it blurs what it makes smaller");
  const policy = context.text("keep_aspect_ratio_policy", "stretch");
  if (policy !== "stretch") return context.fail(`its sizes are ${policy}`);
  const [batch, channels, ...size] = readSizes(context, input);
  const [rows = 0, columns = 0] = size;
  const map = context.spread(context.map(input));
  if (batch !== 1 || channels !== input.dims[1]) return context.fail("it resizes more than rows and columns");
  if (![rows, columns].every(Number.isInteger)) return context.fail(`it makes ${rows} × ${columns} positions`);
  const isOld = context.node.op === "Upsample" || context.opset < 11;
  const place = context.text("coordinate_transformation_mode", isOld ? "asymmetric" : "half_pixel");
  const corners = CORNERS[place] ?? context.fail(`its coordinates are ${place}`);
  const mode = context.text("mode", "nearest");
  if (mode === "nearest") {
    // Where each position is repeated a whole number of times, all ways to round give the same.
    const rounding = context.text("nearest_mode", "round_prefer_floor");
    const isFloor = corners === "corner" && (rounding === "floor" || isOld);
    const isRepeated = corners === "half" && isWhole(rows, input.dims[2]) && isWhole(columns, input.dims[3]);
    const isMiddle = corners === "half" && rounding === "round_prefer_ceil";
    if (!isFloor && !isRepeated && !isMiddle) return context.fail(`it takes the nearest by ${place} and ${rounding}`);
  } else if (mode !== "linear") return context.fail(`its mode is ${mode}`);
  if (mode === "linear" && place === "pytorch_half_pixel" && Math.min(rows, columns) === 1) {
    return context.fail(`its coordinates are ${place} for one position`);
  }
  const kind = mode === "nearest" ? "nearest" : "bilinear";
  const draft = { name: context.output(), inputs: [map], size: [rows, columns] satisfies [number, number] };
  return context.asMap(context.draft.push({ ...draft, op: "resize", mode: kind, corners }));
};

/** The same value. */
const pass: Operator = (context) => context.dynamic(0);

/** By name. */
export const SHAPE_OPERATORS: Readonly<Record<string, Operator>> = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Pad: pad,
  Slice: slice,
  Split: split,
  Resize: resize,
  Upsample: resize,
  Identity: pass,
  Dropout: pass,
  Cast: pass,
};
