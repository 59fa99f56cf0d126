/** Bearer keys: compared by their hashes, so that neither the configuration holds a key nor the time tells one. */

import { ScoringError } from "../errors.ts";
import { digestHex } from "../scoring/part.ts";
import type { ApiDeps } from "./api-deps.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** The id of the request's key. @throws ScoringError `unauthorized` */
export async function authenticate(request: Request, deps: Pick<ApiDeps, "keys" | "devKey">): Promise<string> {
  const [scheme, key] = (request.headers.get("authorization") ?? "").split(" ", 2);
  if (scheme?.toLowerCase() !== "bearer" || key === undefined || key === "") {
    throw new ScoringError("unauthorized", "send an API key: Authorization: Bearer <key>");
  }
  const sha256 = await digestHex(new TextEncoder().encode(key));
  const known = deps.keys.find((candidate) => candidate.sha256 === sha256);
  if (known !== undefined) return known.id;
  if (deps.devKey !== null && isLoopback(request.url)) {
    if (sha256 === (await digestHex(new TextEncoder().encode(deps.devKey)))) return "local-development";
  }
  throw new ScoringError("unauthorized", "this API key is not known");
}

/** The platform routes requests by host name, so a deployed Worker never sees one of these. */
export function isLoopback(url: string): boolean {
  return LOOPBACK.has(new URL(url).hostname);
}
