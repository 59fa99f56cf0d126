/**
 * Bearer keys: compared by their hashes, so that neither the configuration holds a key nor the time tells one. A browser
 * that signed in with a key once sends its session cookie instead.
 */

import { ScoringError } from "../errors.ts";
import { digestHex } from "../scoring/part.ts";
import type { ApiDeps, ApiKey } from "./api-deps.ts";
import { readSession } from "./session.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** What signing in and checking a request need. */
export type AuthDeps = Pick<ApiDeps, "keys" | "devKey" | "clock">;

/** The id of the request's key. @throws ScoringError `unauthorized`, `forbidden` */
export async function authenticate(request: Request, deps: AuthDeps): Promise<string> {
  const header = request.headers.get("authorization");
  if (header === null) {
    const id = await readSession(request, await listKeys(request, deps), deps.clock());
    if (id !== null) return id;
  }
  const [scheme, key] = (header ?? "").split(" ", 2);
  if (scheme?.toLowerCase() !== "bearer" || key === undefined || key === "") {
    throw new ScoringError("unauthorized", "send an API key: Authorization: Bearer <key>");
  }
  return (await findKey(key, request, deps)).id;
}

/** The configured key that `key` is. @throws ScoringError `unauthorized` */
export async function findKey(key: string, request: Request, deps: AuthDeps): Promise<ApiKey> {
  const sha256 = await digestHex(new TextEncoder().encode(key));
  const known = (await listKeys(request, deps)).find((candidate) => candidate.sha256 === sha256);
  if (known === undefined) throw new ScoringError("unauthorized", "this API key is not known");
  return known;
}

/** The keys that this request may use: the local one only on a loopback address. */
async function listKeys(request: Request, deps: AuthDeps): Promise<readonly ApiKey[]> {
  if (deps.devKey === null || !isLoopback(request.url)) return deps.keys;
  const sha256 = await digestHex(new TextEncoder().encode(deps.devKey));
  return [...deps.keys, { id: "local-development", sha256 }];
}

/** The platform routes requests by host name, so a deployed Worker never sees one of these. */
export function isLoopback(url: string): boolean {
  return LOOPBACK.has(new URL(url).hostname);
}
