/** The fields that a manifest may have, for whoever wrote another. */

import { z } from "zod";

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
}

/** Fields of the objects at `path` of a schema. */
export function listFields(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON Schema, as far as it is looked at
  let shapes = [z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Shape];
  for (const part of path) {
    shapes = shapes.flatMap(spread).flatMap(({ properties, items }) => {
      const next = typeof part === "number" ? items : properties?.[String(part)];
      return next === undefined ? [] : [next];
    });
  }
  return shapes.flatMap(spread).flatMap(({ properties }) => Object.keys(properties ?? {}));
}

const spread = (shape: Shape): readonly Shape[] => [shape, ...(shape.anyOf ?? []).flatMap(spread)];
