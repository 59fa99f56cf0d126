/** `/v1/jobs/{id}/images/{record}`: the picture behind one record, as it was when it was scored. */

import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { ScoringError } from "../errors.ts";
import { sniffFormat } from "../image/sniff.ts";
import { guardStore } from "../scoring/guarded-store.ts";
import { jobFolder, OUTPUT_NAMES } from "../scoring/keys.ts";
import { parseRecord } from "../scoring/outputs/labels-jsonl.ts";
import type { ScoreRecord } from "../scoring/records.ts";
import { cancelBody, readBody } from "../storage/read-body.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import type { ApiDeps } from "./api-deps.ts";
import { decodeKey } from "./decode-key.ts";
import { jobIdParam, problemResponses } from "./schemas.ts";

const placeShape = z.object({
  at: z.coerce.number().int().nonnegative(),
  length: z.coerce.number().int().min(2),
});

/**
 * The route of pictures. The caller says where in `labels.jsonl` the record stands, so that a picture of a job of
 * millions costs one ranged read; the record there must have the id of the path, so nothing but a job's own inputs is read.
 */
export function addImageRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/v1/jobs/{id}/images/{record}",
    summary: "The picture of one record; `at` and `length` are the bytes of its line in labels.jsonl",
    request: { params: jobIdParam.extend({ record: z.string() }), query: placeShape },
    responses: { 200: { description: "JPEG, PNG or WebP" }, ...problemResponses },
  });
  app.get("/v1/jobs/:id/images/:record{.+}", async (c) => {
    const id = c.req.param("id");
    const place = placeShape.safeParse(c.req.query());
    if (!place.success || place.data.length > deps.limits.plan.maxLineBytes) {
      throw new ScoringError("validation_failed", "at and length: the bytes of the record's line in labels.jsonl");
    }
    const known = await deps.openJob(id).read();
    if (known === null) throw new ScoringError("not_found", `there is no job ${id}`);
    const { manifest } = known.spec;
    if (manifest.format !== "image") {
      throw new ScoringError("not_found", "pictures inside of shards and tables are not served");
    }
    const folder = jobFolder(manifest.output.prefix, id);
    const outputs = deps.openStore(manifest.output.store);
    const record = await readRecord(outputs, `${folder}${OUTPUT_NAMES.labelsJsonl}`, place.data);
    if (record?.id !== decodeKey(new URL(c.req.url).pathname.split("/images/").slice(1).join("/images/"))) {
      throw new ScoringError("not_found", "no such record stands there");
    }
    // Outputs can be overwritten by whoever may upload there: a forged record must not open what its key may not read.
    const { store } = manifest.input;
    const inputs = guardStore(deps.openStore(store), store, c.get("caller").grants);
    return answerPicture(inputs, record, deps.limits.maxImageBytes);
  });
}

async function readRecord(
  store: ObjectStore,
  key: string,
  place: { readonly at: number; readonly length: number },
): Promise<ScoreRecord | null> {
  const found = await store.get(key, { range: { offset: place.at, length: place.length } });
  if (found.kind !== "found") throw new ScoringError("not_found", "the job has no labels.jsonl yet");
  try {
    return parseRecord(new TextDecoder().decode(await readBody(found.body, place.length)));
  } catch (error) {
    // A place inside of a line.
    if (error instanceof ScoringError && error.disposition === "request") return null;
    throw error;
  }
}

/** Only what is a picture by its own bytes leaves, and as nothing else: a stored page must not run on this origin. */
async function answerPicture(store: ObjectStore, record: ScoreRecord, maxBytes: number): Promise<Response> {
  const condition = record.etag === null ? {} : { ifMatch: record.etag };
  const found = await store.get(record.key, condition);
  if (found.kind === "missing") throw new ScoringError("object_missing", `${record.key} is gone`);
  if (found.kind === "changed") throw new ScoringError("object_changed", `${record.key} is not what was scored`);
  if (found.info.size > maxBytes) {
    await cancelBody(found.body);
    throw new ScoringError("object_too_large", `${record.key} has ${found.info.size} bytes`);
  }
  const bytes = await readBody(found.body, maxBytes, found.info.size);
  const sniffed = sniffFormat(bytes);
  if (sniffed.kind !== "image") throw new ScoringError("not_found", `${record.key} is ${sniffed.looksLike}`);
  return new Response(Uint8Array.from(bytes), {
    headers: {
      "content-type": `image/${sniffed.format}`,
      "content-length": String(bytes.length),
      etag: `"${found.info.etag}"`,
      // A record's picture never changes; a face stays out of shared caches.
      "cache-control": "private, max-age=3600",
      "content-security-policy": "default-src 'none'; sandbox",
      "cross-origin-resource-policy": "same-origin",
      "x-content-type-options": "nosniff",
    },
  });
}
