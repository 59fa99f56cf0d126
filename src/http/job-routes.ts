/** `/v1/jobs`: submit, list, read, command, delete, follow. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ScoringError } from "../errors.ts";
import { deleteJob } from "../scoring/requests/delete-job.ts";
import { listJobs } from "../scoring/requests/list-jobs.ts";
import { retryFailed } from "../scoring/requests/retry-failed.ts";
import { JOB_STATUSES } from "../scoring/job/job-status.ts";
import { LIMITS } from "../scoring/limits.ts";
import { manifestSchema, tag } from "../scoring/manifest/manifest.ts";
import { submitJob } from "../scoring/requests/submit.ts";
import { verifyJob } from "../scoring/requests/verify.ts";
import type { ApiDeps } from "./api-deps.ts";
import { requireJob } from "./require-job.ts";
import { streamEvents } from "./event-stream.ts";
import { addResumeRoute } from "./resume-route.ts";
import { dryRunSchema, verificationSchema } from "./answer-schemas.ts";
import { readJsonBody } from "./json-body.ts";
import { file, jobIdParam, json, jobSchema, jsonBody, problemResponses } from "./schemas.ts";

/** A parameter that an address may repeat. */
const oneOrMore = <T extends z.ZodType>(one: T, max: number) => z.union([one, z.array(one).max(max)]).optional();

const idempotencyHeaders = z.object({ "idempotency-key": z.string().max(256).optional() });

/** @throws ScoringError `validation_failed` */
function readIdempotencyKey(c: Context): string | null {
  const key = c.req.header("idempotency-key") ?? null;
  if (key === null || (key !== "" && key.length <= 256)) return key;
  throw new ScoringError("validation_failed", "Idempotency-Key must have 1 to 256 characters");
}

/** Adds submitting, listing, reading, commanding and deleting jobs. */
export function addJobRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/v1/jobs",
    summary: "Submit a job, or with dryRun its plan and cost",
    request: {
      headers: idempotencyHeaders,
      body: jsonBody(manifestSchema),
    },
    responses: {
      201: json(jobSchema, "The job"),
      200: json(z.union([jobSchema, dryRunSchema]), "A job that this Idempotency-Key made before, or a plan"),
      ...problemResponses,
    },
  });
  app.post("/v1/jobs", async (c) => {
    const body = await readJsonBody(c.req.raw, deps.limits.maxManifestBytes);
    const options = { idempotencyKey: readIdempotencyKey(c), caller: c.get("caller") };
    const submission = await submitJob(deps, body, options);
    if (submission.kind === "dry-run") return c.json(submission.plan, 200);
    const status = submission.kind === "created" ? 201 : 200;
    return c.json(submission.job, status, { location: `/v1/jobs/${submission.job.id}` });
  });

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/jobs",
      summary:
        "The key's jobs (with an admin key, all), newest first: of any of the statuses, with all of the tags, by text",
      request: {
        query: z.object({
          cursor: z.string().max(64).optional(),
          limit: z.coerce.number().int().min(1).max(LIMITS.maxJobsPerPage).default(50),
          status: oneOrMore(z.enum(JOB_STATUSES), JOB_STATUSES.length),
          tag: oneOrMore(tag, LIMITS.maxTags),
          q: z.string().max(200).default(""),
        }),
      },
      responses: {
        200: json(z.object({ jobs: z.array(jobSchema), cursor: z.string().nullable() }), "A page of jobs"),
        ...problemResponses,
      },
    }),
    async (c) => {
      const { cursor, limit, status, tag: tags, q: search } = c.req.valid("query");
      const filter = { statuses: [status ?? []].flat(), tags: [tags ?? []].flat(), search };
      const caller = c.get("caller");
      const owner = caller.scopes.includes("admin") ? null : caller.keyId;
      return c.json(await listJobs(deps, { cursor: cursor ?? null, limit, owner, filter }), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/jobs/{id}",
      summary: "One job with counts, rate and time left",
      request: { params: jobIdParam },
      responses: { 200: json(jobSchema, "The job"), ...problemResponses },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const view = await deps.openJob(id).view();
      if (view === null) throw new ScoringError("not_found", `there is no job ${id}`);
      return c.json(view, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/jobs/{id}/events",
      summary: "Server-sent events: status and progress, resumable by Last-Event-ID",
      request: { params: jobIdParam, headers: z.object({ "last-event-id": z.string().optional() }) },
      responses: { 200: file("Events", ["text/event-stream"]), ...problemResponses },
    }),
    async (c) => {
      const job = await requireJob(deps, c.req.valid("param").id);
      return streamEvents(c.req.raw, job, deps.limits);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/jobs/{id}/verify",
      summary: "Score a sample of an ended job again, on the reference engine, and compare",
      request: {
        params: jobIdParam,
        query: z.object({ sample: z.coerce.number().int().min(1).max(LIMITS.maxVerifySample).default(100) }),
      },
      responses: { 200: json(verificationSchema, "What was found"), ...problemResponses },
    }),
    async (c) => {
      const job = await requireJob(deps, c.req.valid("param").id);
      const readModelSha256 = async (model: string) => (await deps.registry.card(model)).sha256;
      const verifying = { ...deps, readModelSha256 };
      return c.json(await verifyJob(verifying, job, c.req.valid("query").sample), 200);
    },
  );

  addResumeRoute(app, deps);
  for (const command of ["pause", "cancel"] as const) {
    app.openapi(
      createRoute({
        method: "post",
        path: `/v1/jobs/{id}/${command}`,
        summary: `${command[0]!.toUpperCase()}${command.slice(1)} a job`,
        request: { params: jobIdParam },
        responses: { 200: json(jobSchema, "The job afterwards"), ...problemResponses },
      }),
      async (c) => {
        const job = await requireJob(deps, c.req.valid("param").id);
        const accepted = await job.command(command);
        const view = await job.view();
        if (!accepted) throw new ScoringError("conflict", `the job is ${view?.status}: cannot ${command} it`);
        return c.json(view, 200);
      },
    );
  }

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/jobs/{id}/retry-failed",
      summary: "A new job over the inputs of an ended one that failed, were skipped or left behind",
      request: { params: jobIdParam, headers: idempotencyHeaders },
      responses: {
        201: json(jobSchema, "The new job"),
        200: json(jobSchema, "The job that this Idempotency-Key made before"),
        ...problemResponses,
      },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const options = { idempotencyKey: readIdempotencyKey(c), caller: c.get("caller") };
      const submission = await retryFailed(deps, id, options);
      const status = submission.kind === "created" ? 201 : 200;
      return c.json(submission.job, status, { location: `/v1/jobs/${submission.job.id}` });
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/jobs/{id}",
      summary: "Forget an ended job and delete its outputs",
      request: { params: jobIdParam },
      responses: { 204: { description: "Gone" }, ...problemResponses },
    }),
    async (c) => {
      await deleteJob(deps, c.req.valid("param").id);
      return c.body(null, 204);
    },
  );
}
