/** What stands before every route: rate limit, key, scope, ownership of jobs; and after it: headers and the audit log. */

import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { ScoringError } from "../errors.ts";
import { digestHex } from "../scoring/sha256.ts";
import type { Caller, Scope } from "../scoring/access/access.ts";
import type { ApiDeps } from "./api-deps.ts";
import { authenticate, requireScope } from "./auth.ts";
import { listCookies } from "./session.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Installs the gate; routes that are added later are behind it. */
export function addGate(app: OpenAPIHono, deps: ApiDeps): void {
  const identify = createIdentifier(deps);
  app.use("*", async (c, next) => {
    await next();
    setSecurityHeaders(c);
  });
  app.use("/v1/*", async (c, next) => {
    await next();
    writeAuditLine(c, deps);
  });
  app.use("/metrics", async (c, next) => {
    await next();
    writeAuditLine(c, deps);
  });
  const guard: MiddlewareHandler = async (c, next) => {
    if (Number(c.req.header("content-length") ?? 0) > deps.limits.maxUploadBytes) {
      throw new ScoringError("payload_too_large", `at most ${deps.limits.maxUploadBytes} bytes`);
    }
    if (isOpen(c.req.path, c.req.method)) {
      if (c.req.path === "/v1/session") await limitAddress(c, deps);
      return next();
    }
    const caller = await identify(c).catch((error: unknown) => {
      if (asksWhoIsThere(c) && error instanceof ScoringError && error.code === "unauthorized") return null;
      throw error;
    });
    if (caller === null) return next();
    c.set("caller", caller);
    const count = async (): Promise<void> => {
      if (!(await deps.limitRate(`key:${caller.keyId}`))) throw refuseRate();
    };
    const isRead = isLeasedRead(c.req.path);
    if (!isRead) await count();
    try {
      const scope = chooseScope(c.req.path, c.req.method);
      if (scope !== null) requireScope(caller, scope);
      await requireOwnJob(c, caller, deps);
    } catch (error) {
      if (isRead) await count();
      throw error;
    }
    await next();
    if (isRead && isGuess(c)) await count();
  };
  app.use("/v1/*", guard);
  app.use("/metrics", guard);
}

/** What can be asked without a key: the API's description, and signing in and out. */
function isOpen(path: string, method: string): boolean {
  return path === "/v1/openapi.json" || (path === "/v1/session" && (method === "POST" || method === "DELETE"));
}

/** A page that wants to know whether somebody is signed in, from a browser that has no session: an answer, not an error in its log. */
function asksWhoIsThere(c: Context): boolean {
  const isQuestion = c.req.path === "/v1/session" && c.req.method === "GET";
  return isQuestion && c.req.header("authorization") === undefined && listCookies(c.req.raw).length === 0;
}

/** One request per input of a leased chunk: not counted, since leases are, except where no lease covers it. */
function isLeasedRead(path: string): boolean {
  return /^\/v1\/jobs\/[^/]+\/reads\//.test(path);
}

/** Refused for the request itself, not for what its address holds. */
function isGuess({ error, res }: Context): boolean {
  return res.status >= 400 && !(error instanceof ScoringError && error.disposition !== "request");
}

/**
 * Finds who asks. Keys and cookies that are not known here count against the address they come from, and before the directory is
 * asked: keys cannot be tried at speed, nor can trying them keep the directory from answering others.
 */
function createIdentifier(deps: ApiDeps): (c: Context) => Promise<Caller> {
  const known = createRecentSet(deps.limits.maxKnownKeys);
  return async (c) => {
    // Other cookies, which may change with every request, make nobody unknown.
    const credential = c.req.header("authorization") ?? listCookies(c.req.raw).join("; ");
    const digest = await digestHex(new TextEncoder().encode(credential));
    // Without one nobody asks the directory.
    const isKnown = credential === "" || known.has(digest);
    if (!isKnown) await limitAddress(c, deps);
    try {
      const caller = await authenticate(c.req.raw, deps);
      if (credential !== "") known.add(digest);
      return caller;
    } catch (error) {
      // Removed, expired or signed out since.
      if (isKnown && error instanceof ScoringError && error.code === "unauthorized") await limitAddress(c, deps);
      throw error;
    }
  };
}

/** The last `size` texts that were added. */
function createRecentSet(size: number): { has(text: string): boolean; add(text: string): void } {
  const texts = new Set<string>();
  return {
    has: (text) => texts.has(text),
    add(text) {
      texts.delete(text);
      texts.add(text);
      const [oldest = ""] = texts;
      if (texts.size > size) texts.delete(oldest);
    },
  };
}

async function limitAddress(c: Context, deps: ApiDeps): Promise<void> {
  if (!(await deps.limitRate(`address:${c.req.header("cf-connecting-ip") ?? ""}`))) throw refuseRate();
}

function refuseRate(): ScoringError {
  return new ScoringError("rate_limited", "too many requests: wait, then send them more slowly");
}

/** The scope that a request needs; `null` where any key will do. What is not named here reads or changes jobs. */
export function chooseScope(path: string, method: string): Scope | null {
  const reads = method === "GET" || method === "HEAD";
  if (/^\/v1\/keys(\/|$)/.test(path)) return "admin";
  if (path === "/metrics") return "metrics:read";
  if (isReaderPath(path)) return "reviews:write";
  if (path === "/v1/webhook-secret") return "jobs:write";
  if (/^\/v1\/stores\/[^]/.test(path)) return reads ? "jobs:read" : "objects:write";
  if (/^\/v1\/(session|models|stores)$/.test(path)) return null;
  return reads ? "jobs:read" : "jobs:write";
}

/** The requests of a review's readers. */
function isReaderPath(path: string): boolean {
  return /^\/v1\/jobs\/[^/]+\/reviews\/(faces|answers|pictures\/[^/]+)$/.test(path);
}

/** A job belongs to the key that made it; to every other key it does not exist. */
async function requireOwnJob(c: Context, caller: Caller, deps: ApiDeps): Promise<void> {
  const id = /^\/v1\/jobs\/([^/]*)/.exec(c.req.path)?.[1];
  // A review's draw says who may read it; the routes check that.
  if (id === undefined || caller.scopes.includes("admin") || isReaderPath(c.req.path)) return;
  const owner = UUID.test(id) ? await deps.openJob(id).owner() : null;
  if (owner !== caller.keyId) throw new ScoringError("not_found", `there is no job ${id.slice(0, 64)}`);
}

/** Routes that serve pages or files have set headers of their own. No CORS header: other origins can read nothing. */
function setSecurityHeaders(c: Context): void {
  const { headers } = c.res;
  const defaults: Readonly<Record<string, string>> = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
  };
  for (const [name, value] of Object.entries(defaults)) if (!headers.has(name)) headers.set(name, value);
  if (c.req.url.startsWith("https:")) headers.set("strict-transport-security", "max-age=31536000");
}

/** Who changed what, and who was refused, except by the rate limit. JSON escapes whatever a path may hold, so a line stays one line. */
function writeAuditLine(c: Context, deps: ApiDeps): void {
  const { status } = c.res;
  const reads = c.req.method === "GET" || c.req.method === "HEAD";
  if (status === 429 || (reads && status !== 401 && status !== 403)) return;
  deps.logger.log("info", "audit", {
    who: c.get("caller")?.keyId ?? null,
    address: c.req.header("cf-connecting-ip") ?? null,
    method: c.req.method,
    path: c.req.path.slice(0, 1200),
    status,
  });
}
