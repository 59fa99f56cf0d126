/**
 * A spatial transformer in an ONNX file: `GridSample` at θ times a map's own places. These come from `AffineGrid`, or
 * from a product with constant ones, which exporters write before opset 20: as a matrix product, or number by number and
 * then summed.
 */

import { type Corners, normalizePixel, THETA_SIZE } from "../../graph/affine-sample.ts";
import { countElements, formatShape } from "../../tensor.ts";
import type { NodeContext } from "./context.ts";
import { resolveSizes } from "./shape-operators.ts";
import { asMapShape, type Dynamic, type Fixed, type Places, type Value } from "./value.ts";

/** How far constant places may be from a map's own, in pixels: what 16 bits leave of them. */
const PIXEL_TOLERANCE = 0.01;

/** θ as six numbers row by row, of its transpose `[…, 3, 2]`. */
function turnBack(context: NodeContext, turned: Dynamic): string {
  const value = context.vector(turned);
  const flat = context.draft.made(value);
  const moved = flat?.op === "flatten" ? context.draft.made(flat.inputs[0]!) : undefined;
  const matrix =
    moved?.op === "transpose" && moved.order.join() === "1,0,2" ? context.draft.made(moved.inputs[0]!) : undefined;
  if (matrix?.op === "reshape" && matrix.shape.join() === "2,3,1") return matrix.inputs[0]!;
  return context.permute({ ...turned, value, dims: [1, 3, 2], order: null }, [0, 2, 1]).value;
}

/** Whether a value is θ's transpose in the file's eyes: `[3, 2]` behind axes of one. */
function isTurned(value: Value | Places | null): value is Dynamic {
  if (value?.kind !== "value" || countElements(value.dims) !== THETA_SIZE) return false;
  return value.dims.slice(-2).join() === "3,2";
}

/** The axes before the last two of a product. */
function broadcast(constant: Fixed, turned: Dynamic): readonly number[] {
  const [before, other] = [constant.dims.slice(0, -2), turned.dims.slice(0, -2)];
  return [...other.slice(before.length).map(() => 1), ...before];
}

/** By operator: places, or `null` where a node has to do with others. */
const READERS: Readonly<Record<string, (context: NodeContext) => Places | null>> = {
  MatMul(context) {
    const [base, turned] = [context.any(0), context.any(1)];
    if (base?.kind !== "constant" || base.dims.at(-1) !== 3 || !isTurned(turned)) return null;
    const dims = [...broadcast(base, turned), base.dims.at(-2) ?? 1, 2];
    return { kind: "places", theta: turnBack(context, turned), base: base.values, dims, isSummed: true };
  },
  Mul(context) {
    const [a, b] = [context.any(0), context.any(1)];
    const [base, turned] = a?.kind === "constant" ? [a, b] : [b, a];
    if (base?.kind !== "constant" || base.dims.slice(-2).join() !== "3,1" || !isTurned(turned)) return null;
    const dims = [...broadcast(base, turned), 3, 2];
    return { kind: "places", theta: turnBack(context, turned), base: base.values, dims, isSummed: false };
  },
  ReduceSum(context) {
    const products = context.any(0);
    if (products?.kind !== "places" || products.isSummed) return null;
    const rank = products.dims.length;
    const axes = (context.integersOr("axes", 1) ?? []).map((axis) => context.axis(axis, rank));
    if (axes.join() !== String(rank - 2)) return context.fail(`it sums places over the axes ${axes.join(", ")}`);
    const sums = context.integer("keepdims", 1) === 0 ? [] : [1];
    return { ...products, dims: [...products.dims.slice(0, -2), ...sums, 2], isSummed: true };
  },
  Reshape(context) {
    const places = context.any(0);
    if (places?.kind !== "places" || !places.isSummed) return null;
    const dims = resolveSizes(context, places, [...context.required(1).values], context.integer("allowzero", 0) === 0);
    return countElements(dims) === countElements(places.dims)
      ? { ...places, dims }
      : context.fail(`it makes ${formatShape(dims)} of ${formatShape(places.dims)}`);
  },
  Identity: pass,
  Cast: pass,
};

function pass(context: NodeContext): Places | null {
  const value = context.any(0);
  return value?.kind === "places" ? value : null;
}

/** What a node on the way to a sampler's grid makes; `null` for any other node. */
export function readPlaces(context: NodeContext): Places | null {
  const { op } = context.node;
  return (Object.hasOwn(READERS, op) ? READERS[op]?.(context) : null) ?? null;
}

function affineGrid(context: NodeContext): Places {
  const theta = context.dynamic(0);
  const size = [...context.required(1).values];
  const [batch, , height = 0, width = 0] = size;
  if (theta.dims.join() !== "1,2,3") return context.fail(`its θ is ${formatShape(theta.dims)}, not [1, 2, 3]`);
  if (batch !== 1 || size.length !== 4) return context.fail(`its size is ${formatShape(size)}, not a map's`);
  const corners = readCorners(context);
  const base = { height, width, corners };
  return { kind: "places", theta: context.vector(theta), base, dims: [1, height, width, 2], isSummed: true };
}

function readCorners(context: NodeContext): Corners {
  return context.integer("align_corners", 0) === 0 ? "half" : "aligned";
}

/** Whether places are those of the pixels of a map. */
function areOwn(base: Places["base"], height: number, width: number, corners: Corners): boolean {
  if ("corners" in base) return base.corners === corners && base.height === height && base.width === width;
  if (base.length !== height * width * 3) return false;
  const isNear = (at: number, pixel: number, side: number): boolean =>
    Math.abs(at - normalizePixel(pixel, side, corners)) * side < 2 * PIXEL_TOLERANCE;
  for (let i = 0; i < height * width; i++) {
    const [x = NaN, y = NaN, one] = base.subarray(3 * i, 3 * i + 3);
    if (one !== 1 || !isNear(x, i % width, width) || !isNear(y, Math.floor(i / width), height)) return false;
  }
  return true;
}

function gridSample(context: NodeContext): Value {
  const input = context.dynamic(0);
  const places = context.any(1);
  if (places?.kind !== "places" || !places.isSummed) {
    return context.fail("its grid is not θ, six numbers of the network, times a map's own places");
  }
  const mode = context.text("mode", "bilinear");
  if (mode !== "bilinear" && mode !== "linear") return context.fail(`its mode is ${mode}; only bilinear is known`);
  const outside = context.text("padding_mode", "zeros");
  if (outside !== "zeros") return context.fail(`its padding_mode is ${outside}; only zeros are known`);
  const map = context.spread(context.map(input));
  const [, height, width] = asMapShape(context.draft.shape(map));
  if (places.dims.join() !== `1,${height},${width},2`) {
    return context.fail(`its grid is ${formatShape(places.dims)} for ${height} × ${width} positions`);
  }
  const corners = readCorners(context);
  if (!areOwn(places.base, height, width, corners)) {
    return context.fail(`its grid is θ times other places than a map's own with ${corners} corners`);
  }
  const inputs = [map, places.theta];
  return context.asMap(context.draft.push({ name: context.output(), op: "affineSample", inputs, corners }));
}

/** By name. */
export const SAMPLER_OPERATORS: Readonly<Record<string, (context: NodeContext) => Value | Places>> = {
  AffineGrid: affineGrid,
  GridSample: gridSample,
};
