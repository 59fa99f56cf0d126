/** The messages of an ONNX file that matter here (field numbers: onnx.proto), counted before they are kept. */

import type { ImportLimits } from "../import-limits.ts";
import { failFile, readFields, readVarint, type Field } from "./wire.ts";

/** A constant that is not decoded yet. */
export type TensorBytes = Uint8Array;

/** One attribute of a node. */
export interface OnnxAttribute {
  readonly float: number;
  readonly integer: number;
  readonly text: string;
  readonly integers: readonly number[];
  readonly floats: readonly number[];
  readonly tensor: TensorBytes | null;
}

/** One node. */
export interface OnnxNode {
  readonly op: string;
  /** Its name, or the name of its first output. */
  readonly name: string;
  /** Empty names stand for optional inputs that are left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** A named input or output of the graph. */
export interface OnnxValue {
  readonly name: string;
  /** `null` where the size has a name or none; empty where the file says nothing. */
  readonly dims: readonly (number | null)[];
  /** ONNX's number of the element type; 0 where the file says nothing. */
  readonly type: number;
}

/** What is read of a file. */
export interface OnnxFile {
  /** Of the default operator set. */
  readonly opset: number;
  readonly producer: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, TensorBytes>;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** Longest name that is kept, bytes. */
const MAX_NAME_BYTES = 1000;
/** Inputs, outputs and attributes of a node, dimensions, integers of an attribute. */
const MAX_LIST = 1024;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a model's bytes.
 * @throws ScoringError `model_invalid` for what is no ONNX model, or is larger than `limits`
 */
export function readOnnxFile(bytes: Uint8Array, limits: ImportLimits): OnnxFile {
  let graph: Uint8Array | null = null;
  let opset: number | null = null;
  let producer = "";
  for (const field of readFields(bytes)) {
    if (field.number === 7) graph = readBytes(field);
    else if (field.number === 2) producer = readText(field);
    else if (field.number === 8) {
      const { domain, version } = readOperatorSet(readBytes(field));
      if (domain === "" || domain === "ai.onnx") opset = version;
    }
  }
  if (graph === null) return failFile("it has no graph: this is no ONNX model");
  if (opset === null) return failFile("it names no version of the operators");
  return { opset, producer, ...readGraph(graph, limits) };
}

function readOperatorSet(bytes: Uint8Array): { readonly domain: string; readonly version: number } {
  let domain = "";
  let version = 1;
  for (const field of readFields(bytes)) {
    if (field.number === 1) domain = readText(field);
    else if (field.number === 2) version = readInteger(field);
  }
  return { domain, version };
}

function readGraph(bytes: Uint8Array, limits: ImportLimits): Omit<OnnxFile, "opset" | "producer"> {
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, TensorBytes>();
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];
  for (const field of readFields(bytes)) {
    if (field.number === 1) {
      if (nodes.length >= limits.maxNodes) failFile(`it has more than ${limits.maxNodes} nodes`);
      nodes.push(readNode(readBytes(field)));
    } else if (field.number === 5) {
      if (initializers.size >= limits.maxNodes) failFile(`it has more than ${limits.maxNodes} tensors`);
      const tensor = readBytes(field);
      const name = readTensorName(tensor);
      if (initializers.has(name)) failFile(`two tensors are named ${name}`);
      initializers.set(name, tensor);
    } else if (field.number === 11 || field.number === 12) {
      const list = field.number === 11 ? inputs : outputs;
      if (list.length >= limits.maxNodes) failFile(`it has more than ${limits.maxNodes} inputs or outputs`);
      list.push(readValue(readBytes(field)));
    } else if (field.number === 15) failFile("it has sparse tensors: store them dense");
  }
  return { nodes, initializers, inputs, outputs };
}

function readNode(bytes: Uint8Array): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, OnnxAttribute>();
  let name = "";
  let op = "";
  let domain = "";
  for (const field of readFields(bytes)) {
    if (field.number === 1) inputs.push(readText(field));
    else if (field.number === 2) outputs.push(readText(field));
    else if (field.number === 3) name = readText(field);
    else if (field.number === 4) op = readText(field);
    else if (field.number === 5) {
      const [key, attribute] = readAttribute(readBytes(field));
      attributes.set(key, attribute);
    } else if (field.number === 7) domain = readText(field);
    if (Math.max(inputs.length, outputs.length, attributes.size) > MAX_LIST) {
      failFile(`a node has more than ${MAX_LIST} inputs, outputs or attributes`);
    }
  }
  const label = domain === "" || domain === "ai.onnx" ? op : `${domain}.${op}`;
  return { op: label, name: name === "" ? (outputs[0] ?? "?") : name, inputs, outputs, attributes };
}

function readAttribute(bytes: Uint8Array): [name: string, attribute: OnnxAttribute] {
  let name = "";
  let [float, integer, text] = [0, 0, ""];
  const integers: number[] = [];
  const floats: number[] = [];
  let tensor: TensorBytes | null = null;
  for (const field of readFields(bytes)) {
    if (field.number === 1) name = readText(field);
    else if (field.number === 2) float = readFloat(field);
    else if (field.number === 3) integer = readInteger(field);
    else if (field.number === 4) text = readText(field);
    else if (field.number === 5) tensor = readBytes(field);
    else if (field.number === 7) readFloats(field, floats, MAX_LIST);
    else if (field.number === 8) readIntegers(field, integers, MAX_LIST);
  }
  return [name, { float, integer, text, integers, floats, tensor }];
}

function readValue(bytes: Uint8Array): OnnxValue {
  let name = "";
  let type = 0;
  const dims: (number | null)[] = [];
  for (const field of readFields(bytes)) {
    if (field.number === 1) name = readText(field);
    else if (field.number === 2) {
      const tensor = enter(readBytes(field), 1);
      for (const part of readFields(tensor)) if (part.number === 1) type = readInteger(part);
      const shape = enter(tensor, 2);
      for (const dim of readFields(shape)) {
        if (dim.number !== 1) continue;
        if (dims.length >= MAX_LIST) failFile(`${name} has more than ${MAX_LIST} dimensions`);
        let size: number | null = null;
        for (const part of readFields(readBytes(dim))) if (part.number === 1) size = readInteger(part);
        dims.push(size !== null && size > 0 ? size : null);
      }
    }
  }
  return { name, dims, type };
}

/** The last field of a number, as a message; empty where there is none. */
function enter(bytes: Uint8Array, number: number): Uint8Array {
  let inner = new Uint8Array();
  for (const field of readFields(bytes)) if (field.number === number) inner = new Uint8Array(readBytes(field));
  return inner;
}

function readTensorName(bytes: Uint8Array): string {
  for (const field of readFields(bytes)) if (field.number === 8) return readText(field);
  return failFile("a tensor has no name");
}

/** A message's, string's or tensor's bytes. @throws ScoringError `model_invalid` for a number */
export function readBytes(field: Field): Uint8Array {
  return field.kind === "bytes" ? field.bytes : failFile(`field ${field.number} is a number where bytes belong`);
}

/** A text. @throws ScoringError `model_invalid` if it is long, or not UTF-8 */
export function readText(field: Field): string {
  const bytes = readBytes(field);
  if (bytes.length > MAX_NAME_BYTES) failFile(`a name of ${bytes.length} bytes`);
  try {
    return utf8.decode(bytes);
  } catch {
    return failFile("a name is not UTF-8");
  }
}

/** A whole number. @throws ScoringError `model_invalid` */
export function readInteger(field: Field): number {
  return field.kind === "varint" ? field.value : failFile(`field ${field.number} is no whole number`);
}

function readFloat(field: Field): number {
  if (field.kind !== "fixed32") return failFile(`field ${field.number} is no 32-bit number`);
  return new DataView(field.bytes.buffer, field.bytes.byteOffset).getFloat32(0, true);
}

/** Appends whole numbers, packed or one by one. @throws ScoringError `model_invalid` beyond `most` */
export function readIntegers(field: Field, to: number[], most: number): void {
  if (field.kind === "varint") to.push(field.value);
  else {
    const bytes = readBytes(field);
    for (let at = 0; at < bytes.length && to.length <= most;) {
      const { value, next } = readVarint(bytes, at);
      to.push(value);
      at = next;
    }
  }
  if (to.length > most) failFile(`a list of more than ${most} numbers`);
}

/** Appends 32-bit numbers, packed or one by one. @throws ScoringError `model_invalid` beyond `most` */
export function readFloats(field: Field, to: number[], most: number): void {
  if (field.kind === "fixed32") to.push(readFloat(field));
  else {
    const bytes = readBytes(field);
    if (bytes.length % 4 !== 0 || bytes.length / 4 > most - to.length)
      failFile(`a list of ${bytes.length / 4} numbers`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += 4) to.push(view.getFloat32(at, true));
  }
  if (to.length > most) failFile(`a list of more than ${most} numbers`);
}
