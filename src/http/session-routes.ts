/** `/v1/session`: the console signs in with a key once and holds a cookie that no script can read. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ScoringError } from "../errors.ts";
import type { ApiDeps } from "./api-deps.ts";
import { findKey, findSession, toCaller, useCode } from "./auth.ts";
import { readJsonBody } from "./json-body.ts";
import { json, jsonBody, OPEN, problemResponses } from "./schemas.ts";
import { clearOldCookie, clearSessionCookie, makeSessionCookie, refuseForeignSignIn } from "./session.ts";

const credentials = z.union([
  z.strictObject({ key: z.string().min(1).max(512) }),
  z.strictObject({ code: z.string().min(1).max(128) }),
]);
const sessionSchema = z.object({ key: z.string() });
const visitorSchema = z.object({ key: z.string().nullable() });
/** Bytes of a key in its JSON. */
const MAX_SIGN_IN_BYTES = 4096;

/** Signing in, asking whose session it is, signing out. */
export function addSessionRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/v1/session",
    summary: "Sign in with an API key, or once with the code of a printed link: sets an HttpOnly, same-site cookie",
    ...OPEN,
    request: { body: jsonBody(credentials) },
    responses: { 200: json(sessionSchema, "The id of the key"), ...problemResponses },
  });
  app.post("/v1/session", async (c) => {
    refuseForeignSignIn(c.req.raw);
    const parsed = credentials.safeParse(await readJsonBody(c.req.raw, MAX_SIGN_IN_BYTES));
    if (!parsed.success) throw new ScoringError("validation_failed", 'send { "key": "…" } or { "code": "…" }');
    const { data } = parsed;
    const known = await ("key" in data ? findKey(data.key, c.req.raw, deps) : useCode(data.code, c.req.raw, deps));
    // For the audit log.
    c.set("caller", toCaller(known.record));
    const { id } = known.record;
    const cookie = await makeSessionCookie({ id, sha256: known.sha256 }, c.req.url, deps.clock());
    setCookies(c, cookie);
    return c.json({ key: id }, 200, { "cache-control": "no-store" });
  });

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/session",
      summary: "The key of this session or request",
      security: [{ key: [] }, { session: [] }, {}],
      responses: { 200: json(visitorSchema, "The id of the key; null: nobody is signed in"), ...problemResponses },
    }),
    (c) => c.json({ key: c.get("caller")?.keyId ?? null }, 200, { "cache-control": "no-store" }),
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/session",
      summary: "Sign out: the session ends, and its cookie is removed",
      ...OPEN,
      responses: { 204: { description: "Signed out" }, ...problemResponses },
    }),
    async (c) => {
      const session = await findSession(c.req.raw, deps);
      if (session !== null) await deps.keys.endSession(session.id, session.endMs, deps.clock());
      setCookies(c, clearSessionCookie(c.req.url));
      return c.body(null, 204);
    },
  );
}

/** With the cookie of an older version removed: it would be sent beside the new one. */
function setCookies(c: Context, cookie: string): void {
  c.header("set-cookie", cookie);
  if (c.req.url.startsWith("https:")) c.header("set-cookie", clearOldCookie(), { append: true });
}
