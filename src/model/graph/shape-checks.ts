/** Shapes of values and tensors, and what the table of shapes asks of them. */

import { ScoringError } from "../../errors.ts";
import { formatShape, type Tensor } from "../tensor.ts";
import type { GraphNode } from "./graph.ts";

/** `[channels, height, width]` of a map, `[length]` of a vector. */
export type ValueShape = readonly [number, number, number] | readonly [number];
/** A map's. */
export type MapShape = readonly [channels: number, height: number, width: number];
/** Weights by name. */
export type Weights = ReadonlyMap<string, Tensor>;
/** Shapes of weights by name: all that a value's shape depends on. */
export type WeightShapes = ReadonlyMap<string, Pick<Tensor, "shape">>;

/** A map's shape. @throws ScoringError `model_invalid` for a vector's */
export function takeMap(node: GraphNode, shape: ValueShape): MapShape {
  if (shape.length !== 3) fail(node, `its input is the vector ${formatShape(shape)}, not a map`);
  return shape;
}

/** A tensor of so many dimensions. @throws ScoringError `model_invalid` */
export function takeWeight(
  node: GraphNode,
  name: string,
  weights: WeightShapes,
  dimensions: number,
): Pick<Tensor, "shape"> {
  const tensor = weights.get(name);
  if (tensor === undefined) fail(node, `the weights have no ${name}`);
  if (tensor.shape.length !== dimensions || tensor.shape.includes(0)) {
    fail(node, `${name} is ${formatShape(tensor.shape)}, which should have ${dimensions} dimensions, none of them 0`);
  }
  return tensor;
}

/** A tensor of one number for each of `length` channels. @throws ScoringError `model_invalid` */
export function takeVector(node: GraphNode, name: string, weights: WeightShapes, length: number): void {
  const { shape } = takeWeight(node, name, weights, 1);
  if (shape[0] !== length) fail(node, `${name} is ${formatShape(shape)}, which should be [${length}]`);
}

/** Says what is wrong with a node. @throws ScoringError `model_invalid` */
export function fail(node: GraphNode, reason: string): never {
  throw new ScoringError("model_invalid", `graph: ${node.op} ${node.name}: ${reason}`);
}
