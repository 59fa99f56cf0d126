/** Adds names, groups, descriptions and examples to the document that the routes make. */

import type { OpenAPIHono } from "@hono/zod-openapi";
import { EXAMPLES, ID_EXAMPLES, PARAMETER_EXAMPLES } from "./operation-examples.ts";
import { OPERATIONS, TAGS } from "./operations.ts";

/** The OpenAPI document of an app's routes. */
export type ApiDocument = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;

/** The example is a new job even where a plan (200) may come instead. */
const SUCCESS = ["201", "200", "202"];
const METHODS = ["get", "put", "post", "patch", "delete"] as const;

/** The same document, described. */
export function describeApi(document: ApiDocument): ApiDocument {
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation === undefined) continue;
      const name = `${method.toUpperCase()} ${path}`;
      const words = OPERATIONS[name];
      if (words === undefined) continue;
      const { operationId, tag, description } = words;
      Object.assign(operation, { operationId, tags: [tag], description });
      for (const parameter of operation.parameters ?? []) {
        if (!("name" in parameter)) continue;
        const example = parameter.name === "id" ? findId(path, parameter.in) : PARAMETER_EXAMPLES[parameter.name];
        if (example !== undefined) Object.assign(parameter, { example });
      }
      addExamples(operation, EXAMPLES[name] ?? {});
    }
  }
  return { ...document, tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })) };
}

type Operation = NonNullable<NonNullable<ApiDocument["paths"]>[string]["get"]>;

function addExamples(operation: Operation, { request, response }: (typeof EXAMPLES)[string]): void {
  const { requestBody } = operation;
  if (request !== undefined && requestBody !== undefined && "content" in requestBody) {
    Object.assign(requestBody.content["application/json"] ?? {}, { example: request });
  }
  const { responses = {} } = operation;
  const answer = responses[SUCCESS.find((status) => status in responses) ?? ""];
  if (response !== undefined && answer !== undefined && "content" in answer) {
    Object.assign(answer.content?.["application/json"] ?? {}, { example: response });
  }
}

/** `{id}` is that of a job, a schedule or a key; in a query, that of an image. */
function findId(path: string, place: string): string | undefined {
  if (place !== "path") return undefined;
  return Object.entries(ID_EXAMPLES).find(([kind]) => path.startsWith(`/v1/${kind}/`))?.[1];
}
