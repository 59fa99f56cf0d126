/** `/v1/keys`: make, list, rotate and remove API keys. For keys with the scope `admin`. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { ScoringError } from "../errors.ts";
import { budgetSchema, SCOPES } from "../scoring/access/access.ts";
import { type ApiKeyRecord, newKeySchema, viewKey } from "../scoring/access/api-key.ts";
import { digestHex } from "../scoring/sha256.ts";
import type { ApiDeps } from "./api-deps.ts";
import { makeKey, makeKeyId } from "./auth.ts";
import { parseBody, readJsonBody } from "./json-body.ts";
import { json, jsonBody, problemResponses } from "./schemas.ts";

const MAX_BODY_BYTES = 64 * 1024;
const time = z.iso.datetime().nullable();
const keySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    grants: z.array(z.object({ store: z.string(), prefix: z.string() })).nullable(),
    purposes: z.array(z.string()).nullable(),
    maxJobs: z.int().nullable(),
    budget: budgetSchema.nullable(),
    maxPriority: z.int(),
    maxImagesPerDay: z.int().nullable(),
    createdAt: z.iso.datetime(),
    expiresAt: time,
    expired: z.boolean(),
    previousKeyUntil: time,
  })
  .openapi("Key");
const shownKeySchema = keySchema.extend({ key: z.string().openapi({ description: "Shown this once only" }) });
const rotateSchema = z.strictObject({
  overlapSeconds: z
    .int()
    .min(0)
    .max(7 * 86_400)
    .default(86_400),
});
const keyIdParam = z.object({ id: z.string().regex(/^[0-9a-f]{16}$/) });

/** The routes of keys; the gate has asked for the scope. */
export function addKeyRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/v1/keys",
    summary: "Make an API key; its text is in this answer only",
    request: { body: jsonBody(newKeySchema) },
    responses: { 201: json(shownKeySchema, "The key"), ...problemResponses },
  });
  app.post("/v1/keys", async (c) => {
    const { name, scopes, grants, purposes, maxJobs, maxPriority, maxImagesPerDay, budget, expiresInSeconds } =
      parseBody(newKeySchema, await readJsonBody(c.req.raw, MAX_BODY_BYTES));
    for (const { store } of grants ?? []) deps.openStore(store);
    const id = makeKeyId();
    const key = makeKey(id);
    const nowMs = deps.clock();
    const record: ApiKeyRecord = {
      id,
      name,
      scopes,
      grants,
      purposes,
      maxJobs,
      maxPriority,
      maxImagesPerDay,
      budget,
      sha256: await digestHex(new TextEncoder().encode(key)),
      previous: null,
      createdMs: nowMs,
      expiresMs: expiresInSeconds === null ? null : nowMs + expiresInSeconds * 1000,
    };
    await deps.keys.writeKey(record);
    return c.json({ ...viewKey(record, nowMs), key }, 201);
  });

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/keys",
      summary: "All keys, without their texts",
      responses: { 200: json(z.object({ keys: z.array(keySchema) }), "Keys"), ...problemResponses },
    }),
    async (c) => {
      const nowMs = deps.clock();
      return c.json({ keys: (await deps.keys.listKeys()).map((record) => viewKey(record, nowMs)) }, 200);
    },
  );

  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/v1/keys/{id}/rotate",
    summary: "A new text for a key; the old one holds for overlapSeconds more, and the key keeps its jobs",
    request: { params: keyIdParam, body: { content: { "application/json": { schema: rotateSchema } } } },
    responses: { 200: json(shownKeySchema, "The key"), ...problemResponses },
  });
  app.post("/v1/keys/:id/rotate", async (c) => {
    const body = c.req.raw.body === null ? {} : await readJsonBody(c.req.raw, MAX_BODY_BYTES);
    const { overlapSeconds } = parseBody(rotateSchema, body);
    const known = await deps.keys.readKey(c.req.param("id"));
    if (known === null) throw new ScoringError("not_found", "there is no such key");
    const key = makeKey(known.id);
    const nowMs = deps.clock();
    const record: ApiKeyRecord = {
      ...known,
      sha256: await digestHex(new TextEncoder().encode(key)),
      previous: overlapSeconds === 0 ? null : { sha256: known.sha256, untilMs: nowMs + overlapSeconds * 1000 },
    };
    await deps.keys.writeKey(record);
    return c.json({ ...viewKey(record, nowMs), key }, 200);
  });

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/keys/{id}",
      summary: "Remove a key: it and its sessions stop working at once",
      request: { params: keyIdParam },
      responses: { 204: { description: "Gone" }, ...problemResponses },
    }),
    async (c) => {
      if (!(await deps.keys.removeKey(c.req.valid("param").id))) {
        throw new ScoringError("not_found", "there is no such key");
      }
      return c.body(null, 204);
    },
  );
}
