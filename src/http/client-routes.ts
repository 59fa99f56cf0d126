/** What computing clients ask for: `/v1/jobs/{id}/canary`, `…/leases`, `…/reads`, `…/chunks`. docs/client-compute.md describes the protocol. */

import { uint8ArrayToHex } from "uint8array-extras";
import { type OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import { ScoringError } from "../errors.ts";
import { canaryAnswerShape, checkCanary, makeCanary } from "../scoring/client-compute/canary.ts";
import { type ClientDeskDeps, type ClientJob, openClientJob } from "../scoring/client-compute/client-desk.ts";
import { leaseToClient, readLeasedItem } from "../scoring/client-compute/client-leases.ts";
import { submissionShape, submitClientChunk } from "../scoring/client-compute/client-submit.ts";
import type { ApiDeps } from "./api-deps.ts";
import { readJsonBody } from "./json-body.ts";
import { canaryPassSchema, canarySchema, leaseAnswerSchema, submissionReceiptSchema } from "./answer-schemas.ts";
import { file, jobIdParam, json, jsonBody, problemResponses } from "./schemas.ts";

/** A canary's answer is 56 numbers and a challenge. */
const MAX_REQUEST_BYTES = 64 * 1024;
const leaseShape = z.strictObject({ token: z.string().max(2048) });
const nonceShape = z.strictObject({ nonce: z.string().regex(/^[0-9a-f]{32}$/) });
const chunkParam = jobIdParam.extend({ chunk: z.string() });
const addressParam = jobIdParam.extend({ address: z.string() });
const renewalSchema = z.object({ leaseMs: z.number() });
const CHUNK = "/v1/jobs/:id/chunks/:chunk";

/** Adds the routes of clients. All are behind the gate: signed addresses are not credentials, so a key is needed too. */
export function addClientRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const desk: ClientDeskDeps & { readonly random: () => number } = { ...deps, randomHex, random: drawNumber };
  const open = (c: {
    req: { param(name: "id"): string };
    get(name: "caller"): { keyId: string };
  }): Promise<ClientJob> => openClientJob(desk, deps.openJob(c.req.param("id")), c.get("caller").keyId);

  const describe = (
    method: "post" | "put" | "get" | "delete",
    path: string,
    summary: string,
    responses: RouteConfig["responses"],
    body?: z.ZodType,
  ) =>
    app.openAPIRegistry.registerPath({
      method,
      path,
      summary,
      request: {
        params: path.includes("{chunk}") ? chunkParam : path.includes("{address}") ? addressParam : jobIdParam,
        ...(body === undefined ? {} : { body: jsonBody(body) }),
      },
      responses: { ...responses, ...problemResponses },
    });

  describe("post", "/v1/jobs/{id}/canary", "Faces and a picture that a client must score as the server does", {
    200: json(canarySchema, "The canary"),
  });
  app.post("/v1/jobs/:id/canary", async (c) =>
    c.json(await makeCanary(desk, await open(c), c.get("caller").keyId), 200),
  );

  describe(
    "put",
    "/v1/jobs/{id}/canary",
    "Answer a canary: a pass for leases",
    { 200: json(canaryPassSchema, "The pass") },
    canaryAnswerShape,
  );
  app.put("/v1/jobs/:id/canary", async (c) => {
    const answer = await readBody(c.req.raw, canaryAnswerShape, MAX_REQUEST_BYTES);
    return c.json(await checkCanary(desk, await open(c), c.get("caller").keyId, answer), 200);
  });

  describe(
    "post",
    "/v1/jobs/{id}/leases",
    "A chunk with signed addresses of its inputs, or when to ask again",
    { 200: json(leaseAnswerSchema, "See docs/client-compute.md") },
    leaseShape,
  );
  app.post("/v1/jobs/:id/leases", async (c) => {
    const { token } = await readBody(c.req.raw, leaseShape, MAX_REQUEST_BYTES);
    const answer = await leaseToClient(desk, await open(c), c.get("caller").keyId, token);
    const headers: Record<string, string> =
      answer.kind === "wait" ? { "retry-after": String(answer.retryAfterSeconds) } : {};
    return c.json(answer, 200, headers);
  });

  describe("get", "/v1/jobs/{id}/reads/{address}", "The bytes of one leased input", {
    200: file("The bytes", ["application/octet-stream"]),
  });
  app.get("/v1/jobs/:id/reads/:address", async (c) => {
    const { bytes, etag } = await readLeasedItem(desk, await open(c), c.get("caller").keyId, c.req.param("address"));
    return c.body(Uint8Array.from(bytes), 200, { "content-type": "application/octet-stream", etag: `"${etag}"` });
  });

  describe(
    "put",
    "/v1/jobs/{id}/chunks/{chunk}",
    "The records of a leased chunk",
    { 200: json(submissionReceiptSchema, "Taken") },
    submissionShape,
  );
  app.put(CHUNK, async (c) => {
    const submission = await readBody(c.req.raw, submissionShape, deps.limits.maxPartBytes);
    const chunkId = c.req.param("chunk");
    return c.json(await submitClientChunk(desk, await open(c), c.get("caller").keyId, chunkId, submission), 200);
  });

  describe(
    "post",
    "/v1/jobs/{id}/chunks/{chunk}/renew",
    "More time for a leased chunk",
    { 200: json(renewalSchema, "What is left") },
    nonceShape,
  );
  app.post(`${CHUNK}/renew`, async (c) => {
    const { nonce } = await readBody(c.req.raw, nonceShape, MAX_REQUEST_BYTES);
    const { coordinator } = await open(c);
    const dueMs = await coordinator.renewClient(c.req.param("chunk"), { keyId: c.get("caller").keyId, nonce });
    if (dueMs === null) throw new ScoringError("conflict", "the lease of this chunk is over");
    return c.json({ leaseMs: dueMs - deps.clock() }, 200);
  });

  describe(
    "delete",
    "/v1/jobs/{id}/chunks/{chunk}",
    "Give a leased chunk back: the edge takes it",
    { 204: { description: "Given back" } },
    nonceShape,
  );
  app.delete(CHUNK, async (c) => {
    const { nonce } = await readBody(c.req.raw, nonceShape, MAX_REQUEST_BYTES);
    const { coordinator } = await open(c);
    const hold = { keyId: c.get("caller").keyId, nonce };
    if (!(await coordinator.returnFromClient(c.req.param("chunk"), hold, null))) {
      throw new ScoringError("conflict", "the lease of this chunk is over");
    }
    return c.body(null, 204);
  });
}

async function readBody<T>(request: Request, shape: z.ZodType<T>, maxBytes: number): Promise<T> {
  const parsed = shape.safeParse(await readJsonBody(request, maxBytes));
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new ScoringError("validation_failed", `the request does not have the right form: ${where}`);
}

function randomHex(bytes: number): string {
  return uint8ArrayToHex(crypto.getRandomValues(new Uint8Array(bytes)));
}

/** Uniform in [0, 1), unpredictable for a client. */
function drawNumber(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32;
}
