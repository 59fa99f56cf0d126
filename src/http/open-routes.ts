/** `POST /v1/jobs/{id}/inputs` and `/seal`: an open job. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { ScoringError } from "../errors.ts";
import { addInputs } from "../scoring/requests/add-inputs.ts";
import type { ApiDeps } from "./api-deps.ts";
import { parseBody, readBoundedBody } from "./json-body.ts";
import { requireJob } from "./require-job.ts";
import { jobIdParam, jobSchema, json, ndjsonBody, problemResponses } from "./schemas.ts";

const count = z.int().nonnegative();

const LINES = [
  { key: "portraits/0001.jpg", etag: "9b2f7d6c1a0e4f3852b7c6d90e1f2a3b" },
  { key: "portraits/0002.jpg", etag: "1a0e4f3852b7c6d90e1f2a3b9b2f7d6c", groups: { site: "north" } },
];

/** The body of requests that bring inputs. */
export const inputLines = ndjsonBody("Lines as those of a list of inputs: a key, and what is known of it", LINES);

/** What became of inputs that were sent. */
export const addedSchema = z.object({ added: count, known: count, received: count }).openapi("AddedInputs");

/** Adds the routes. */
export function addOpenRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/v1/jobs/{id}/inputs",
    summary: "Send inputs to an open job, one JSON object per line: all of them are taken, or none",
    request: {
      params: jobIdParam,
      body: inputLines,
    },
    responses: {
      200: json(addedSchema, "How many came for the first time, and how many had come before"),
      ...problemResponses,
    },
  });
  app.post("/v1/jobs/:id/inputs", async (c) => {
    const { id } = parseBody(jobIdParam, c.req.param());
    const job = await requireJob(deps, id);
    const { added, known, received } = await addInputs(
      deps,
      job,
      await readBoundedBody(c.req.raw, deps.limits.open.maxBytes),
    );
    return c.json({ added, known, received }, 200);
  });

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/jobs/{id}/seal",
      summary: "Seal an open job: no more inputs follow",
      request: { params: jobIdParam },
      responses: { 200: json(jobSchema, "The job afterwards"), ...problemResponses },
    }),
    async (c) => {
      const job = await requireJob(deps, c.req.valid("param").id);
      const sealed = await job.seal();
      const view = await job.view();
      if (!sealed) {
        const why = view?.open === undefined ? "is no open job" : `is ${view.status}`;
        throw new ScoringError("conflict", `the job ${why}: cannot seal it`);
      }
      return c.json(view, 200);
    },
  );
}
