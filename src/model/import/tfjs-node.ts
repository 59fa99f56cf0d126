/** Nodes of a tfjs GraphModel and their attributes, checked as they are read. */

import { z } from "zod";
import { ScoringError } from "../../errors.ts";

const attribute = z.object({
  s: z.string().optional(),
  b: z.boolean().optional(),
  f: z.number().optional(),
  list: z.object({ i: z.array(z.coerce.number().int()).optional(), s: z.array(z.string()).optional() }).optional(),
});

/** A node of the file's topology. */
export const tfjsNode = z.object({
  name: z.string().min(1),
  op: z.string().min(1),
  input: z.array(z.string()).default([]),
  attr: z.record(z.string(), z.unknown()).default({}),
});

/** A checked node. */
export type TfjsNode = z.infer<typeof tfjsNode>;

/** One attribute, empty where the node has none. */
export function readAttribute(node: TfjsNode, name: string): z.infer<typeof attribute> {
  const parsed = attribute.safeParse(node.attr[name] ?? {});
  if (!parsed.success) fail(node, `its attribute ${name} cannot be read`);
  return parsed.data;
}

/** The middle two of `[1, rows, columns, 1]`; `[1, 1]` where the attribute is missing. */
export function readPair(node: TfjsNode, name: string): [number, number] {
  const [, rows = 1, columns = 1] = readAttribute(node, name).list?.i ?? [];
  return [rows, columns];
}

/** Stride and padding of a window that slides over rows and columns. */
export function readWindow(node: TfjsNode): {
  stride: [number, number];
  padding: "same" | [number, number, number, number];
} {
  const format = atob(readAttribute(node, "data_format").s ?? btoa("NHWC"));
  if (format !== "NHWC") fail(node, `its layout is ${format}, not NHWC`);
  const padding = atob(readAttribute(node, "padding").s ?? "");
  if (padding !== "SAME" && padding !== "VALID") fail(node, `its padding is ${padding || "missing"}`);
  return { stride: readPair(node, "strides"), padding: padding === "SAME" ? "same" : [0, 0, 0, 0] };
}

/** Says what is wrong with a node. @throws ScoringError `model_invalid` */
export function fail(node: TfjsNode, reason: string): never {
  throw new ScoringError("model_invalid", `tfjs model: ${node.op} ${node.name}: ${reason}`);
}
