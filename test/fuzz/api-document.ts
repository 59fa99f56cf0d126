import { z } from "zod";

/** The OpenAPI document as the fuzzer reads it: operations with resolved schemas. */

/** JSON Schema, as far as the document uses it. */
export interface Schema {
  readonly $ref?: string | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly anyOf?: readonly Schema[] | undefined;
  readonly format?: string | undefined;
  readonly pattern?: string | undefined;
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly minItems?: number | undefined;
  readonly maxItems?: number | undefined;
  readonly items?: Schema | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly additionalProperties?: boolean | Schema | undefined;
}

const schemaShape: z.ZodType<Schema> = z.lazy(() =>
  z.looseObject({
    $ref: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    enum: z.array(z.unknown()).optional(),
    anyOf: z.array(schemaShape).optional(),
    format: z.string().optional(),
    pattern: z.string().optional(),
    minLength: z.number().optional(),
    maxLength: z.number().optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    minItems: z.number().optional(),
    maxItems: z.number().optional(),
    items: schemaShape.optional(),
    properties: z.record(z.string(), schemaShape).optional(),
    required: z.array(z.string()).optional(),
    additionalProperties: z.union([z.boolean(), schemaShape]).optional(),
  }),
);
const contentShape = z.record(z.string(), z.object({ schema: schemaShape }));
const parameterShape = z.object({
  name: z.string(),
  in: z.enum(["path", "query", "header"]),
  required: z.boolean().optional(),
  schema: schemaShape,
});
const operationShape = z.object({
  summary: z.string(),
  parameters: z.array(parameterShape).default([]),
  requestBody: z.object({ content: contentShape }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string(), content: contentShape.optional() })),
});
const documentShape = z.object({
  openapi: z.string().startsWith("3.1"),
  components: z.object({ schemas: z.record(z.string(), schemaShape) }),
  paths: z.record(z.string(), z.record(z.enum(["get", "put", "post", "delete", "patch"]), operationShape.optional())),
});

export type Parameter = z.output<typeof parameterShape>;

/** One method of one path. */
export interface Operation extends z.output<typeof operationShape> {
  /** `GET /v1/jobs/{id}` */
  readonly name: string;
  readonly method: string;
  readonly path: string;
}

/** All operations; every `$ref` is replaced by what it names. @throws ZodError for a document of another form */
export function readOperations(document: unknown): readonly Operation[] {
  const { components, paths } = documentShape.parse(resolveRefs(document, document));
  if (Object.keys(components.schemas).length === 0) throw new Error("the document has no schemas");
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      operation === undefined
        ? []
        : [{ ...operation, method: method.toUpperCase(), path, name: `${method.toUpperCase()} ${path}` }],
    ),
  );
}

/** The document's schemas name each other without circles. */
function resolveRefs(value: unknown, root: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => resolveRefs(item, root));
  if (typeof value !== "object" || value === null) return value;
  const { $ref } = value as { readonly $ref?: unknown };
  if (typeof $ref === "string") {
    const parts = $ref.replace(/^#\//, "").split("/");
    return resolveRefs(
      parts.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], root),
      root,
    );
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resolveRefs(item, root)]));
}
