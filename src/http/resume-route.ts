/** `POST /v1/jobs/{id}/resume`, with another budget if that is what the job lacks. */

import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { ScoringError } from "../errors.ts";
import { budgetSchema } from "../scoring/access/access.ts";
import { describeJobStatus } from "../scoring/job/job-status.ts";
import type { JobView } from "../scoring/job/job-view.ts";
import type { ApiDeps } from "./api-deps.ts";
import { parseBody, parseJson, readBoundedBody } from "./json-body.ts";
import { requireJob } from "./require-job.ts";
import { jobIdParam, jobSchema, json, jsonBody, problemResponses } from "./schemas.ts";

const MAX_BODY_BYTES = 4096;
const resumeSchema = z.strictObject({ budget: budgetSchema.optional() });

/** Adds the route. */
export function addResumeRoute(app: OpenAPIHono, deps: ApiDeps): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/v1/jobs/{id}/resume",
    summary: "Resume a job; with a budget, that is what it may cost from now on",
    request: { params: jobIdParam, body: { ...jsonBody(resumeSchema), required: false } },
    responses: { 200: json(jobSchema, "The job afterwards"), ...problemResponses },
  });
  app.post("/v1/jobs/:id/resume", async (c) => {
    const { id } = parseBody(jobIdParam, c.req.param());
    const job = await requireJob(deps, id);
    const bytes = await readBoundedBody(c.req.raw, MAX_BODY_BYTES);
    const { budget } = parseBody(resumeSchema, bytes.length === 0 ? {} : parseJson(bytes));
    const accepted = await job.command("resume", budget?.dollars);
    const view = await job.view();
    if (!accepted) throw new ScoringError("conflict", describeRefusal(view));
    return c.json(view, 200);
  });
}

function describeRefusal(view: JobView | null): string {
  if (view?.pausedFor !== "budget") return `the job is ${view?.status}: cannot resume it`;
  const { dollars, spent } = view.budget ?? {};
  return `the job is ${describeJobStatus(view)}: it has cost $${spent} of $${dollars}; resume it with a larger budget`;
}
