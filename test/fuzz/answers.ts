import { z } from "zod";
import type { Operation, Schema } from "./api-document.ts";

/** What every answer must be, whatever was asked. */

const problemShape = z.strictObject({
  type: z.string().startsWith("urn:countenance:problem:"),
  title: z.string().min(1),
  status: z.int(),
  detail: z.string().min(1),
  instance: z.string().startsWith("/"),
  code: z.string().min(1),
  issues: z
    .array(
      z.strictObject({
        path: z.string(),
        line: z.int().optional(),
        code: z.string().min(1),
        message: z.string().min(1),
      }),
    )
    .max(100)
    .optional(),
});

/** An answer as the checks look at it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Empty for an event stream, which is not read to its end. */
  readonly text: string;
}

const validators = new WeakMap<Schema, z.ZodType>();

/** What is wrong with an answer, in words. @param isOwn false for a method that the operation does not have */
export function findFaults(
  operation: Operation,
  answer: Answer,
  options: { readonly method: string; readonly isOwn: boolean; readonly secrets: readonly string[] },
): string[] {
  const { status, headers, text } = answer;
  const faults: string[] = [];
  if (status >= 500) faults.push(`status ${status}`);
  for (const name of ["x-content-type-options", "content-security-policy", "cache-control", "referrer-policy"])
    if (!headers.has(name)) faults.push(`no ${name}`);
  if (headers.has("access-control-allow-origin")) faults.push("another origin is let in");
  const all = `${text}\n${[...headers].filter(([name]) => name !== "set-cookie").join("\n")}`;
  for (const secret of options.secrets) if (all.includes(secret)) faults.push("a secret came back");
  if (options.method === "HEAD") return faults;
  if (status >= 400) return [...faults, ...findProblemFaults(answer)];
  return options.isOwn ? [...faults, ...findContentFaults(operation, answer)] : faults;
}

function findProblemFaults({ status, headers, text }: Answer): string[] {
  const type = headers.get("content-type");
  if (type !== "application/problem+json") return [`a problem of type ${type}`];
  const parsed = problemShape.safeParse(parseJson(text));
  if (!parsed.success) return [`a problem document of another form: ${z.prettifyError(parsed.error)}`];
  const faults = [];
  if (parsed.data.status !== status) faults.push(`status ${status} with a problem of ${parsed.data.status}`);
  if (text.length > 64 * 1024) faults.push(`a problem document of ${text.length} characters`);
  return faults;
}

function findContentFaults({ responses }: Operation, { status, headers, text }: Answer): string[] {
  const documented = responses[String(status)];
  if (documented === undefined) return [`status ${status} is not documented`];
  if (documented.content === undefined) return text === "" ? [] : [`status ${status} is documented without a body`];
  const type = (headers.get("content-type") ?? "").split(";")[0]!;
  const content = documented.content[type];
  if (content === undefined) return [`type ${type} is not documented`];
  if (type !== "application/json" || content.schema.type === "string") return [];
  const validator = validators.get(content.schema) ?? z.fromJSONSchema(close(content.schema) as never);
  validators.set(content.schema, validator);
  const parsed = validator.safeParse(parseJson(text));
  return parsed.success ? [] : [`not as documented: ${z.prettifyError(parsed.error)}`];
}

/** What is not documented must not come: an object with named properties has no others. */
function close(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(close);
  if (typeof schema !== "object" || schema === null) return schema;
  const closed = Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, close(part)]));
  const named = Object.keys((schema as Schema).properties ?? {}).length > 0;
  return named && !("additionalProperties" in schema) ? { ...closed, additionalProperties: false } : closed;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
