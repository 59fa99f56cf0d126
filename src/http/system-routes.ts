/** `/v1/models`, `/v1/stores` with uploads, `/v1/webhook-secret`, `/healthz`, `/readyz`. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { ScoringError } from "../errors.ts";
import { requireGrant } from "../scoring/access/access.ts";
import { showModelPlace, viewModels } from "./model-view.ts";
import type { ApiDeps } from "./api-deps.ts";
import { ANY_KEY, decodeKey } from "./decode-key.ts";
import { readBoundedBody } from "./json-body.ts";
import { modelListSchema } from "./answer-schemas.ts";
import { json, OPEN, problemResponses } from "./schemas.ts";

const readinessSchema = z
  .object({
    ready: z.boolean(),
    checks: z.array(z.object({ name: z.string(), ready: z.boolean(), code: z.string().optional() })),
    queue: z.object({ backlog: z.int().nonnegative(), oldestSeconds: z.int().nonnegative() }).nullable(),
    jurisdiction: z.string().nullable(),
  })
  .openapi("Readiness");

/** Adds models, stores, health and the API's own description. */
export function addSystemRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/healthz",
      summary: "Alive, and the configuration is readable",
      ...OPEN,
      responses: { 200: json(z.object({ ok: z.boolean(), version: z.string() }), "Alive"), ...problemResponses },
    }),
    (c) => c.json({ ok: true, version: deps.version }, 200),
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/readyz",
      summary:
        "Whether a job could run now: the default model loads, every store, Durable Object and the queue answers; at most a few seconds old",
      ...OPEN,
      responses: {
        200: json(readinessSchema, "Ready"),
        503: json(readinessSchema, "Not ready: what does not answer, and a code"),
        ...problemResponses,
      },
    }),
    async (c) => {
      const readiness = await deps.readReadiness();
      return c.json(readiness, readiness.ready ? 200 : 503);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/models",
      summary: "The models that can be named in a manifest, with their cards",
      responses: { 200: json(modelListSchema, "Models"), ...problemResponses },
    }),
    async (c) => {
      const place = showModelPlace(deps.modelPlace, c.get("caller"));
      return c.json({ ...(await viewModels(deps.registry)), ...(place === undefined ? {} : { place }) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/webhook-secret",
      summary:
        "The secret with which webhooks of this key's jobs are signed (Standard Webhooks); the scope is jobs:write",
      responses: { 200: json(z.object({ secret: z.string() }), "The secret of this key"), ...problemResponses },
    }),
    async (c) => {
      if (deps.readWebhookSecret === null) {
        throw new ScoringError("not_found", "this deployment sends no webhooks: WEBHOOK_SECRET is not set");
      }
      const secret = await deps.readWebhookSecret(c.get("caller").keyId);
      return c.json({ secret }, 200, { "cache-control": "no-store" });
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/stores",
      summary: "The stores that a manifest can name",
      responses: {
        200: json(z.object({ stores: z.array(z.object({ name: z.string(), versions: z.boolean() })) }), "Stores"),
        ...problemResponses,
      },
    }),
    (c) => {
      const { grants } = c.get("caller");
      const names = deps.storeNames.filter((name) => grants === null || grants.some(({ store }) => store === name));
      const stores = names.map((name) => ({ name, versions: deps.openStore(name).capabilities.versions }));
      return c.json({ stores }, 200);
    },
  );

  const upload = "/v1/stores/{store}/objects/{key}";
  app.openAPIRegistry.registerPath({
    method: "put",
    path: upload,
    summary: "Upload one object; the key may hold slashes",
    request: {
      params: z.object({ store: z.string(), key: z.string() }),
      headers: z.object({ "if-none-match": z.literal("*").optional() }),
      body: { required: true, content: { "application/octet-stream": { schema: z.string() } } },
    },
    responses: {
      201: json(z.object({ key: z.string(), etag: z.string(), size: z.int() }), "Stored"),
      ...problemResponses,
    },
  });
  app.put(`/v1/stores/:store/objects/:key${ANY_KEY}`, async (c) => {
    const key = decodeKey(c.req.url);
    // Before the store is looked up: a key must not learn the names of stores that it may not use.
    requireGrant(c.get("caller").grants, c.req.param("store"), key);
    const store = deps.openStore(c.req.param("store"));
    const body = await readBoundedBody(c.req.raw, deps.limits.maxUploadBytes);
    const contentType = c.req.header("content-type");
    const createOnly = c.req.header("if-none-match") === "*";
    const put = await store.put(key, body, {
      ...(contentType === undefined ? {} : { contentType }),
      ...(createOnly ? { ifNoneMatch: "*" as const } : {}),
    });
    if (put.kind === "conflict") throw new ScoringError("conflict", "the object exists");
    return c.json({ key, etag: put.etag, size: body.length }, 201);
  });
}
