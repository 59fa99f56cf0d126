/** Shapes of the API's answers, for the OpenAPI document and for parameters. */

import { z } from "@hono/zod-openapi";
import { ERROR_CODES } from "../errors.ts";
import { JOB_STATUSES, SPENT } from "../scoring/job/job-status.ts";
import { describeStatuses } from "./problem.ts";

/** The `{id}` of a job's routes: a UUID. */
export const jobIdParam = z.object({ id: z.uuid().openapi({ param: { name: "id", in: "path" } }) });

const issueSchema = z.object({
  path: z.string(),
  line: z.int().optional(),
  column: z.int().optional(),
  code: z.string(),
  message: z.string(),
});

/** RFC 9457 problem document, with the findings of a validation. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.enum(ERROR_CODES).openapi({ description: `By status: ${describeStatuses()}` }),
    issues: z.array(issueSchema).optional(),
  })
  .openapi("Problem");

const count = z.int().nonnegative();

/** A job view as OpenAPI shows it. */
export const jobSchema = z
  .object({
    id: z.uuid(),
    name: z.string().nullable(),
    tags: z.array(z.string()).optional(),
    status: z.enum(JOB_STATUSES),
    model: z.string(),
    priority: z.int(),
    execution: z.enum(["edge", "client", "auto"]),
    outranked: z.boolean(),
    waiting: z
      .object({ store: z.string(), code: z.string(), since: z.iso.datetime(), retryAt: z.iso.datetime() })
      .optional(),
    pausedFor: z.enum(SPENT).optional(),
    budget: z.object({ dollars: z.number().positive(), spent: z.number().nonnegative() }).optional(),
    createdAt: z.iso.datetime(),
    times: z.record(z.string(), z.iso.datetime()),
    counts: z.object({
      listed: count,
      planned: z.boolean(),
      finished: count,
      outcomes: z.record(z.string(), count),
      errors: z.record(z.string(), count),
      labels: z.array(count),
      labelNames: z.array(z.string()),
      records: count,
      bytes: count,
    }),
    chunks: z.object({ pending: count, queued: count, leased: count, done: count }),
    open: z
      .object({ received: count, sealBy: z.iso.datetime(), sealedAt: z.iso.datetime().nullable() })
      .optional()
      .openapi({ description: "Of an open job (`input.open`)" }),
    engines: z.array(z.string()),
    rate: z.number().nullable(),
    etaSeconds: z.number().nullable(),
    dollars: z.number().nonnegative(),
    failure: z.object({ code: z.string(), message: z.string() }).nullable(),
    issues: z.array(issueSchema),
    warnings: z.array(z.string()),
    output: z.object({ store: z.string(), prefix: z.string() }),
    retryOf: z.string().nullable(),
    schedule: z.object({ id: z.uuid(), dueAt: z.iso.datetime() }).optional(),
    retainUntil: z.iso.datetime().optional(),
    erasure: z
      .object({
        status: z.enum(["running", "done", "failed"]),
        inputs: count,
        failure: z.object({ code: z.string(), message: z.string() }).nullable(),
      })
      .optional(),
  })
  .openapi("Job");

/** Every error is a problem document. */
export const problemResponses = {
  default: { description: "What went wrong", content: { "application/problem+json": { schema: problemSchema } } },
} as const;

/** A required JSON body in an OpenAPI document. */
export function jsonBody(schema: z.ZodType) {
  return { required: true, content: { "application/json": { schema } } };
}

/** A required body of JSON lines in an OpenAPI document. */
export function ndjsonBody(description: string, example: readonly object[]) {
  const lines = example.map((one) => JSON.stringify(one)).join("\n");
  return { required: true, description, content: { "application/x-ndjson": { schema: z.string(), example: lines } } };
}

/** Bytes of one of the types, as an answer in an OpenAPI document. */
export function file(description: string, types: readonly string[]) {
  return { description, content: Object.fromEntries(types.map((type) => [type, { schema: z.string() }])) };
}

/** Routes that need no key. */
export const OPEN = { security: [] };

/** A JSON answer in an OpenAPI document. */
export function json(schema: z.ZodType, description: string) {
  return { description, content: { "application/json": { schema } } };
}
