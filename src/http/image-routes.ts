/** `/v1/jobs/{id}/images/{record}`: the picture behind one record, as it was when it was scored. */

import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { ScoringError } from "../errors.ts";
import { PICTURE_MEDIA_TYPES, readRecordPicture, type RecordPicture } from "../scoring/requests/record-picture.ts";
import type { ApiDeps } from "./api-deps.ts";
import { ANY_KEY, decodeKey } from "./decode-key.ts";
import { file, jobIdParam, problemResponses } from "./schemas.ts";

const placeShape = z.object({
  at: z.coerce
    .number()
    .int()
    .nonnegative()
    .openapi({ type: "integer", param: { required: true } }),
  length: z.coerce.number().int().min(2),
  input: z.coerce.number().int().nonnegative().optional().openapi({ type: "integer" }),
  chunk: z
    .string()
    .regex(/^\d{9}(_\d{1,9})?$/)
    .optional(),
});

/** The route of pictures; see {@link readRecordPicture} for what is read. */
export function addImageRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/v1/jobs/{id}/images/{record}",
    summary:
      "The picture of one record; `at` and `length` are the bytes of its line in labels.jsonl, `input` the number of its input (shards and tables); with `chunk`, of its line in that chunk's part, while the job runs",
    request: { params: jobIdParam.extend({ record: z.string() }), query: placeShape },
    responses: { 200: file("The picture", PICTURE_MEDIA_TYPES), ...problemResponses },
  });
  app.get(`/v1/jobs/:id/images/:record${ANY_KEY}`, async (c) => {
    const id = c.req.param("id");
    const place = placeShape.safeParse(c.req.query());
    if (!place.success || place.data.length > deps.limits.plan.maxLineBytes) {
      throw new ScoringError(
        "validation_failed",
        "at and length must be the bytes of the record's line in labels.jsonl",
      );
    }
    const { grants } = c.get("caller");
    return answerPicture(await readRecordPicture(deps, id, decodeKey(c.req.url), place.data, grants));
  });
}

/** The answer with a picture; nothing in it can run on this origin. */
export function answerPicture({ bytes, mediaType, etag }: RecordPicture): Response {
  return new Response(Uint8Array.from(bytes), {
    headers: {
      "content-type": mediaType,
      "content-length": String(bytes.length),
      etag: `"${etag}"`,
      // A record's picture never changes; a face stays out of shared caches.
      "cache-control": "private, max-age=3600",
      "content-security-policy": "default-src 'none'; sandbox",
      "cross-origin-resource-policy": "same-origin",
      "x-content-type-options": "nosniff",
    },
  });
}
