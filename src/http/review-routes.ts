/** `/v1/jobs/{id}/reviews`: a sample of the job's faces for people to label, and what follows from their answers. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { accepts } from "hono/accepts";
import { guardStore } from "../scoring/access/guarded-store.ts";
import { ScoringError } from "../errors.ts";
import { LIMITS } from "../scoring/limits.ts";
import { PICTURE_MEDIA_TYPES } from "../scoring/requests/record-picture.ts";
import { labelsOf } from "../scoring/job/job-spec.ts";
import { renderReviewHtml } from "../scoring/review/review-html.ts";
import {
  answerReview,
  createReview,
  listReaderFaces,
  openForReader,
  openReviewedJob,
  readReview,
} from "../scoring/review/review-desk.ts";
import { deleteReview, readLines } from "../scoring/review/review-store.ts";
import { answerPicture } from "./image-routes.ts";
import { readPicture } from "../scoring/requests/record-picture.ts";
import type { ApiDeps } from "./api-deps.ts";
import { parseBody, readJsonBody } from "./json-body.ts";
import { reviewPlanSchema, reviewViewSchema } from "./review-schemas.ts";
import { file, jobIdParam, json, jsonBody, problemResponses } from "./schemas.ts";

const drawSchema = z.strictObject({
  /** Faces to draw. */
  size: z.int().min(20).max(LIMITS.maxReviewFaces).nullable().default(null),
  halfWidth: z.number().min(0.005).max(0.5).nullable().default(null),
  by: z.string().max(256).nullable().default(null),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1),
  readers: z.array(z.string().min(1).max(64)).max(LIMITS.maxReviewReaders).default([]),
  newOnly: z.boolean().default(false),
  dryRun: z.boolean().default(false),
});

/** Not as a pattern of the document: JSON Schema has none by Unicode class. */
const readerSchema = z
  .string()
  .min(1)
  .max(40)
  .refine(
    (text) => /^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u.test(text),
    "a letter or digit, then letters, digits, spaces, dots, dashes and underscores",
  );

const answersSchema = z.strictObject({
  reader: readerSchema.exactOptional(),
  answers: z
    .array(
      z.strictObject({
        at: z.int().min(0).max(LIMITS.maxReviewFaces),
        label: z.string().min(1).max(60),
        seconds: z.number().min(0).max(86_400),
      }),
    )
    .min(1)
    .max(LIMITS.maxReviewAnswers),
});

const facesSchema = z.object({
  labels: z.array(z.string()),
  faces: z.array(
    z.object({
      at: z.int(),
      box: z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }).nullable(),
      answer: z.string().min(1).max(60).nullable(),
    }),
  ),
});

const path = "/v1/jobs/{id}/reviews";

/** Adds drawing, figures and deletion, for the job's own key, and the requests of readers. */
export function addReviewRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path,
    summary: "Draw the sample of a review, or with dryRun say how many faces an interval of a given width takes",
    request: { params: jobIdParam, body: jsonBody(drawSchema) },
    responses: {
      201: json(reviewPlanSchema, "The review"),
      200: json(reviewPlanSchema, "What would be drawn"),
      ...problemResponses,
    },
  });
  app.post("/v1/jobs/:id/reviews", async (c) => {
    const request = parseBody(drawSchema, await readJsonBody(c.req.raw, deps.limits.maxManifestBytes));
    if (request.size !== null && request.halfWidth !== null) {
      throw new ScoringError("validation_failed", "size and halfWidth exclude each other: give one of them");
    }
    const plan = await createReview(deps, c.req.param("id"), request);
    return c.json(plan, request.dryRun || plan.size === 0 ? 200 : 201);
  });

  app.openapi(
    createRoute({
      method: "get",
      path,
      summary: "The review's figures so far: JSON, or a page to hand over, by Accept",
      request: { params: jobIdParam },
      responses: {
        200: {
          description: "Figures",
          content: { "application/json": { schema: reviewViewSchema }, "text/html": { schema: z.string() } },
        },
        ...problemResponses,
      },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const view = await readReview(deps, id);
      const type = accepts(c, {
        header: "Accept",
        supports: ["application/json", "text/html"],
        default: "application/json",
      });
      if (type !== "text/html") return c.json(view, 200);
      const { spec } = await openReviewedJob(deps, id);
      const headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
      };
      return c.body(renderReviewHtml({ id, name: spec.manifest.name ?? null, model: spec.model }, view), 200, headers);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path,
      summary: "Delete the review with all its answers",
      request: { params: jobIdParam },
      responses: { 204: { description: "It is gone" }, ...problemResponses },
    }),
    async (c) => {
      const { store, root } = await openReviewedJob(deps, c.req.valid("param").id);
      await deleteReview(store, root);
      return c.body(null, 204);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: `${path}/lines`,
      summary: "All answers as they were given, `reviews.jsonl`",
      request: { params: jobIdParam },
      responses: { 200: file("One answer per line", ["application/x-ndjson"]), ...problemResponses },
    }),
    async (c) => {
      const { store, root } = await openReviewedJob(deps, c.req.valid("param").id);
      const lines = await readLines(store, root, deps.limits);
      return c.body(lines.map((line) => `${JSON.stringify(line)}\n`).join(""), 200, {
        "content-type": "application/x-ndjson",
      });
    },
  );
  addReaderRoutes(app, deps);
}

/** What the scope `reviews:write` opens: the drawn faces, without what the model said of them. */
function addReaderRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: "get",
      path: `${path}/faces`,
      summary: "The drawn faces in reading order, with the reader's own answers",
      request: { params: jobIdParam, query: z.object({ reader: readerSchema.optional() }) },
      responses: { 200: json(facesSchema, "Faces"), ...problemResponses },
    }),
    async (c) => {
      const caller = c.get("caller");
      const reader = c.req.valid("query").reader ?? caller.keyId;
      const { id } = c.req.valid("param");
      const faces = await listReaderFaces(deps, id, caller, reader);
      const { spec } = await openReviewedJob(deps, id);
      return c.json({ labels: [...labelsOf(spec)], faces: [...faces] }, 200);
    },
  );

  app.openAPIRegistry.registerPath({
    method: "post",
    path: `${path}/answers`,
    summary: "Add answers; repeating a request adds nothing",
    request: { params: jobIdParam, body: jsonBody(answersSchema) },
    responses: { 204: { description: "They are stored" }, ...problemResponses },
  });
  app.post("/v1/jobs/:id/reviews/answers", async (c) => {
    const { reader, answers } = parseBody(answersSchema, await readJsonBody(c.req.raw, deps.limits.maxManifestBytes));
    const caller = c.get("caller");
    const { schedule } = await answerReview(deps, c.req.param("id"), caller, reader ?? caller.keyId, answers);
    // What they say of the model may be worth telling.
    if (schedule !== undefined)
      await deps.schedules.wantScheduleLook(schedule.scheduleId, deps.clock() + deps.limits.reviewLookMs);
    return c.body(null, 204);
  });

  app.openapi(
    createRoute({
      method: "get",
      path: `${path}/pictures/{at}`,
      summary: "The picture of a drawn face, as it was when it was scored",
      request: {
        params: jobIdParam.extend({
          at: z.coerce
            .number()
            .int()
            .nonnegative()
            .openapi({ type: "integer", param: { name: "at", in: "path" } }),
        }),
      },
      responses: { 200: file("The picture", PICTURE_MEDIA_TYPES), ...problemResponses },
    }),
    async (c) => {
      const { id, at } = c.req.valid("param");
      const { job, design } = await openForReader(deps, id, c.get("caller"));
      const face = design.faces[at] ?? null;
      if (face === null) throw new ScoringError("not_found", `the review has no face ${at}`);
      const { manifest, owner } = job.spec;
      const { store } = manifest.input;
      // The design lies where the job's key may upload: a forged design must not open what that key may not read.
      const inputs = guardStore(deps.openStore(store), store, owner?.grants ?? null);
      return answerPicture(await readPicture(inputs, face.item, manifest.format, deps.limits.maxImageBytes));
    },
  );
}
