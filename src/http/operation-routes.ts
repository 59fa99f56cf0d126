/** `GET /metrics`, and `/v1/dead-letters`. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { LIMITS } from "../scoring/limits.ts";
import { PROMETHEUS_TYPE } from "../scoring/operations/prometheus.ts";
import { listDeadLetters, sendDeadLetter } from "../scoring/requests/dead-letters.ts";
import type { ApiDeps } from "./api-deps.ts";
import { file, json, problemResponses } from "./schemas.ts";

const deadLetterSchema = z
  .object({
    id: z.string(),
    jobId: z.uuid(),
    work: z.enum(["plan", "scan", "score", "finalize", "merge", "erase", "notify"]),
    part: z.string(),
    status: z.enum(["dead", "sent"]),
    deaths: z.int().positive(),
    firstAt: z.iso.datetime(),
    lastAt: z.iso.datetime(),
    sentAt: z.iso.datetime().nullable(),
  })
  .openapi("DeadLetter");

/** Adds what people who run a deployment ask. */
export function addOperationRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/metrics",
      summary: "Metrics for Prometheus; the scope is metrics:read",
      responses: { 200: file("Text of Prometheus", ["text/plain"]), ...problemResponses },
    }),
    async (c) => c.body(await deps.readMetrics(), 200, { "content-type": PROMETHEUS_TYPE }),
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/dead-letters",
      summary: "Messages that the queue gave up on, of the key's jobs (with an admin key, of all), newest first",
      request: {
        query: z.object({ limit: z.coerce.number().int().min(1).max(LIMITS.maxDeadLetters).default(100) }),
      },
      responses: {
        200: json(z.object({ deadLetters: z.array(deadLetterSchema), total: z.int().nonnegative() }), "Dead letters"),
        ...problemResponses,
      },
    }),
    async (c) => c.json(await listDeadLetters(deps, c.get("caller"), c.req.valid("query").limit), 200),
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/dead-letters/{letter}/send",
      summary: "Send one again",
      request: { params: z.object({ letter: z.string().max(128) }) },
      responses: { 200: json(deadLetterSchema, "The dead letter, sent"), ...problemResponses },
    }),
    async (c) => c.json(await sendDeadLetter(deps, c.get("caller"), c.req.valid("param").letter), 200),
  );
}
