/**
 * A network as data: nodes in the order in which they run, each named by the value it makes. Values have no batch axis:
 * a map is `[channels, height, width]`, a vector `[length]`. Weights are tensors by name, in PyTorch's and ONNX's layouts.
 */

import { z } from "zod";
import { ScoringError } from "../../errors.ts";

const name = z.string().min(1).max(200);
const size = z.int().min(1).max(4096);
const pair = z.tuple([size, size]);
const axis = z.int().min(0).max(2);
const border = z.int().min(0).max(4096);
/** `"same"`: ⌈side ÷ stride⌉ out, the odd row and column at the end (TensorFlow's rule); else top, left, bottom, right. */
const padding = z.union([z.literal("same"), z.tuple([border, border, border, border])]);
const window = { stride: pair.default([1, 1]), padding: padding.default([0, 0, 0, 0]) };

function node<Op extends string, Shape extends z.ZodRawShape>(op: Op, attributes: Shape) {
  return z.strictObject({ name, op: z.literal(op), inputs: z.array(name).min(1).max(64), ...attributes });
}

const NODE_SCHEMAS = [
  /** Cross-correlation. `weight` is `[outputs, inputs ÷ groups, height, width]`, `bias` `[outputs]`. */
  node("conv", {
    weight: name,
    bias: name.optional(),
    groups: size.default(1),
    dilation: pair.default([1, 1]),
    ...window,
  }),
  /** A vector times `weight`, `[outputs, inputs]`, plus `bias`. */
  node("dense", { weight: name, bias: name.optional() }),
  /** Padding never wins. */
  node("maxPool", { size: pair, ...window }),
  /** Padding is not counted. */
  node("averagePool", { size: pair, ...window }),
  /** Mean of each channel: a vector. */
  node("globalAveragePool", {}),
  /** Sum of two values of one shape. */
  node("add", {}),
  /** Product of two values of one shape. */
  node("multiply", {}),
  /** Each channel of a map times one number of a vector. */
  node("gate", {}),
  /** Maps of one size, or vectors, concatenated along the channels. */
  node("concat", {}),
  /** Zeros around a map: channels before and behind, rows and columns at top, left, bottom, right. */
  node("pad", {
    channels: z.tuple([border, border]).default([0, 0]),
    sides: z.tuple([border, border, border, border]).default([0, 0, 0, 0]),
  }),
  /** A map as a vector, channel by channel, row by row. */
  node("flatten", {}),
  /** A vector as a map of channels, rows and columns, in the same order. */
  node("reshape", { shape: z.tuple([size, size, size]) }),
  /** A map whose axes are those of its input in another order: 0 channels, 1 rows, 2 columns. */
  node("transpose", { order: z.tuple([axis, axis, axis]) }),
  /** A part of a map: `size` numbers of each axis from `start` on; of a vector the first axis alone. */
  node("slice", { start: z.tuple([border, border, border]), size: z.tuple([size, size, size]) }),
  /** A map of another size; `corners` says which places of both coincide: see resize.ts. */
  node("resize", { size: pair, mode: z.enum(["nearest", "bilinear"]), corners: z.enum(["half", "aligned", "corner"]) }),
  /**
   * A map sampled at an affine map of its own places: bilinear, zeros outside (PyTorch's `affine_grid` and `grid_sample`).
   * Its inputs are the map and the six entries of θ, the 2×3 matrix, row-major; for `corners` see affine-sample.ts.
   */
  node("affineSample", { corners: z.enum(["half", "aligned"]) }),
  node("relu", {}),
  node("relu6", {}),
  /** Negative values times `slope`. */
  node("leakyRelu", { slope: z.number() }),
  /** Negative values times `[channels]` slopes. */
  node("prelu", { weight: name }),
  /** eˣ − 1 below zero. */
  node("elu", {}),
  node("sigmoid", {}),
  /** max(0, min(1, slope · x + ½)). */
  node("hardSigmoid", { slope: z.number() }),
  /** x · min(6, max(0, x + 3)) ÷ 6. */
  node("hardSwish", {}),
  node("tanh", {}),
  /** max(bound, x). */
  node("atLeast", { bound: z.number() }),
  /** min(bound, x). */
  node("atMost", { bound: z.number() }),
  /** Of a vector. */
  node("softmax", {}),
] as const;

/** The form of a graph, in a card or a file. */
export const graphSchema = z.strictObject({
  input: z.strictObject({
    name,
    channels: size,
    /** Rows and columns; `null` for a network that takes any. */
    height: size.nullable(),
    width: size.nullable(),
    /** Sides that may vary are multiples of it. */
    multipleOf: size.default(1),
  }),
  nodes: z.array(z.discriminatedUnion("op", NODE_SCHEMAS)).min(1).max(4096),
  /** Name outside → value. */
  outputs: z.record(name, name),
});

/** A network. See the fields' comments in this file. */
export type Graph = Readonly<z.infer<typeof graphSchema>>;
/** One operation and the value it makes. */
export type GraphNode = Graph["nodes"][number];
/** A node as an importer writes it, defaults left out. */
export type DraftNode = z.input<typeof graphSchema>["nodes"][number];
/** Name of an operation. */
export type OperatorName = GraphNode["op"];
/** A node of one operation. */
export type NodeOf<Op extends OperatorName> = Extract<GraphNode, { op: Op }>;

/** All operations. */
export const OPERATOR_NAMES: readonly OperatorName[] = NODE_SCHEMAS.map((schema) => schema.shape.op.value);

/**
 * Checks the form of a graph; {@link checkGraph} checks its sense.
 * @throws ScoringError `model_invalid` with one issue per finding
 */
export function parseGraph(input: unknown): Graph {
  const result = graphSchema.safeParse(input);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, code, message }) => ({ path: path.join("."), code, message }));
  throw new ScoringError("model_invalid", `graph: ${issues[0]?.path || "."}: ${issues[0]?.message}`, { issues });
}
