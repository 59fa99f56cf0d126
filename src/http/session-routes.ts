/** `/v1/session`: the console signs in with a key once and holds a cookie that no script can read. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { ScoringError } from "../errors.ts";
import type { ApiDeps } from "./api-deps.ts";
import { findKey, toCaller } from "./auth.ts";
import { readJsonBody } from "./json-body.ts";
import { json, jsonBody, OPEN, problemResponses } from "./schemas.ts";
import { clearSessionCookie, makeSessionCookie, refuseForeignSignIn } from "./session.ts";

const credentials = z.strictObject({ key: z.string().min(1).max(512) });
const sessionSchema = z.object({ key: z.string() });
/** Bytes of a key in its JSON. */
const MAX_SIGN_IN_BYTES = 4096;

/** Signing in, asking whose session it is, signing out. */
export function addSessionRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/v1/session",
    summary: "Sign in with an API key: sets an HttpOnly, same-site cookie for a browser",
    ...OPEN,
    request: { body: jsonBody(credentials) },
    responses: { 200: json(sessionSchema, "The id of the key"), ...problemResponses },
  });
  app.post("/v1/session", async (c) => {
    refuseForeignSignIn(c.req.raw);
    const parsed = credentials.safeParse(await readJsonBody(c.req.raw, MAX_SIGN_IN_BYTES));
    if (!parsed.success) throw new ScoringError("validation_failed", 'send { "key": "…" }');
    const known = await findKey(parsed.data.key, c.req.raw, deps);
    // For the audit log.
    c.set("caller", toCaller(known));
    const cookie = await makeSessionCookie(known, c.req.url, deps.clock());
    return c.json({ key: known.id }, 200, { "set-cookie": cookie, "cache-control": "no-store" });
  });

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/session",
      summary: "The key of this session or request",
      responses: { 200: json(sessionSchema, "The id of the key"), ...problemResponses },
    }),
    (c) => c.json({ key: c.get("caller").keyId }, 200, { "cache-control": "no-store" }),
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/session",
      summary: "Sign out: the cookie is removed",
      ...OPEN,
      responses: { 204: { description: "Signed out" }, ...problemResponses },
    }),
    (c) => c.body(null, 204, { "set-cookie": clearSessionCookie(c.req.url) }),
  );
}
