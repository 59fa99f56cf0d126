/** `/v1/jobs/{id}/images/{record}`: the picture behind one record, as it was when it was scored. */

import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { ScoringError } from "../errors.ts";
import { encodeGreyPng } from "../image/png/png-encode.ts";
import { sniffFormat } from "../image/sniff.ts";
import { FACE_SIZE } from "../model/labels.ts";
import { parseFerPixels } from "../scoring/chunk/fer-pixels.ts";
import { guardStore } from "../scoring/access/guarded-store.ts";
import { readInputLines } from "../scoring/inputs/input-lines.ts";
import type { InputFormat } from "../scoring/plan/input-page.ts";
import { readItem } from "../scoring/inputs/read-item.ts";
import { jobFolder, OUTPUT_NAMES } from "../scoring/keys.ts";
import { parseRecord } from "../scoring/records/record-line.ts";
import type { InputItem, ScoreRecord } from "../scoring/records/records.ts";
import { readBody } from "../storage/read-body.ts";
import type { ObjectStore } from "../storage/object-store.ts";
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
});

/**
 * The route of pictures. The caller says where in `labels.jsonl` the record stands, so that a picture of a job of
 * millions costs one ranged read; the record there must have the id of the path, so nothing but a job's own inputs is read.
 * Inside of a shard or a table the input's own line says which bytes: its number is the caller's, its id is checked too.
 */
export function addImageRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/v1/jobs/{id}/images/{record}",
    summary:
      "The picture of one record; `at` and `length` are the bytes of its line in labels.jsonl, `input` the number of its input (shards and tables)",
    request: { params: jobIdParam.extend({ record: z.string() }), query: placeShape },
    responses: { 200: file("The picture", ["image/jpeg", "image/png", "image/webp"]), ...problemResponses },
  });
  app.get(`/v1/jobs/:id/images/:record${ANY_KEY}`, async (c) => {
    const id = c.req.param("id");
    const place = placeShape.safeParse(c.req.query());
    if (!place.success || place.data.length > deps.limits.plan.maxLineBytes) {
      throw new ScoringError("validation_failed", "at and length: the bytes of the record's line in labels.jsonl");
    }
    const known = await deps.openJob(id).read();
    if (known === null) throw new ScoringError("not_found", `there is no job ${id}`);
    const { manifest } = known.spec;
    const folder = jobFolder(manifest.output.prefix, id, known.state.generation);
    const outputs = deps.openStore(manifest.output.store);
    const record = await readRecord(outputs, `${folder}${OUTPUT_NAMES.labelsJsonl}`, place.data);
    if (record?.id !== decodeKey(c.req.url)) {
      throw new ScoringError("not_found", "no such record stands there");
    }
    const item = await findItem(outputs, `${folder}${OUTPUT_NAMES.input}`, manifest.format, record, {
      input: place.data.input,
      windowBytes: deps.limits.plan.maxLineBytes,
    });
    // Outputs can be overwritten by whoever may upload there: a forged record must not open what its key may not read.
    const { store } = manifest.input;
    const inputs = guardStore(deps.openStore(store), store, c.get("caller").grants);
    return answerPicture(inputs, item, manifest.format, deps.limits.maxImageBytes);
  });
}

/** The input of a record: the object itself, or its range of a shard or table. */
async function findItem(
  outputs: ObjectStore,
  listKey: string,
  format: InputFormat,
  record: ScoreRecord,
  place: { readonly input: number | undefined; readonly windowBytes: number },
): Promise<InputItem> {
  if (format === "image") {
    return { index: 0, id: record.id, key: record.key, size: null, etag: record.etag };
  }
  if (place.input === undefined) {
    throw new ScoringError("validation_failed", "input: the number of the record's input, as it stands in a container");
  }
  const [item] = await readInputLines(outputs, listKey, place.input, 1, place.windowBytes).catch(answerNone);
  // Of several faces of one picture each has a number behind the input's id.
  const ids = [record.id, record.id.replace(/#\d+$/, "")];
  if (item === undefined || item.key !== record.key || !ids.includes(item.id)) {
    throw new ScoringError("not_found", "the record is not of that input");
  }
  return item;
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

/** The number comes from outside: one that the list does not hold is no loss of the list. */
function answerNone(error: unknown): readonly InputItem[] {
  if (error instanceof ScoringError && error.code === "manifest_lost") return [];
  throw error;
}

/** Only what is a picture by its own bytes leaves, and as nothing else: a stored page must not run on this origin. */
export async function answerPicture(
  store: ObjectStore,
  item: InputItem,
  format: InputFormat,
  maxBytes: number,
): Promise<Response> {
  const read = await readItem(store, item, { maxBytes });
  switch (read.kind) {
    case "missing":
      throw new ScoringError("object_missing", `${item.key} is gone`);
    case "changed":
      throw new ScoringError("object_changed", `${item.key} is not what was scored`);
    case "empty":
      throw new ScoringError("not_found", `${item.key} has no bytes`);
    case "too_large":
      throw new ScoringError("object_too_large", `${item.key} has ${read.size} bytes`);
    default:
  }
  const bytes = format === "fer2013-csv" ? encodeGreyPng(parseFerPixels(read.bytes), FACE_SIZE) : read.bytes;
  const sniffed = sniffFormat(bytes);
  if (sniffed.kind !== "image") throw new ScoringError("not_found", `${item.key} is ${sniffed.looksLike}`);
  // Pictures of one container share its etag.
  const etag = item.range === undefined ? read.etag : `${read.etag}-${item.range.offset}`;
  return new Response(Uint8Array.from(bytes), {
    headers: {
      "content-type": `image/${sniffed.format}`,
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
