/**
 * Bearer keys, compared by their hashes in constant time: the store holds no key, and the time reveals none. A browser
 * that signed in with a key once sends its session cookie instead.
 */

import { uint8ArrayToBase64, uint8ArrayToHex } from "uint8array-extras";
import { ScoringError } from "../errors.ts";
import { type Caller, MAX_PRIORITY, type Scope, SCOPES } from "../scoring/access/access.ts";
import type { ApiKeyRecord } from "../scoring/access/api-key.ts";
import { digestHex } from "../scoring/sha256.ts";
import type { ApiDeps } from "./api-deps.ts";
import { readSession, type Session } from "./session.ts";
import { readSignInCode } from "./sign-in-code.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
/** `ctn_<id>_<secret>`: the id finds the record, the secret has 256 bits. */
const KEY_FORM = /^ctn_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;
const MAX_KEY_LENGTH = 512;

/** What signing in and checking a request need. */
export type AuthDeps = Pick<ApiDeps, "keys" | "adminKey" | "devKey" | "clock" | "hook">;

declare module "hono" {
  interface ContextVariableMap {
    /** Set before every route that needs a key. */
    caller: Caller;
  }
}

/** A key that was presented. */
export interface KnownKey {
  readonly record: ApiKeyRecord;
  readonly sha256: string;
}

/** Who makes the request. @throws ScoringError `unauthorized`, `forbidden` */
export async function authenticate(request: Request, deps: AuthDeps): Promise<Caller> {
  const known = await deps.hook?.identify(request);
  if (known) return known;
  const header = request.headers.get("authorization");
  if (header === null) {
    const session = await findSession(request, deps);
    if (session !== null) return toCaller(session.key);
  }
  const [scheme, key] = (header ?? "").split(" ", 2);
  if (scheme?.toLowerCase() !== "bearer" || key === undefined || key === "") {
    throw new ScoringError("unauthorized", "send an API key: Authorization: Bearer <key>");
  }
  return toCaller((await findKey(key, request, deps)).record);
}

/**
 * The key that a code of a printed link signs in with. The code opens nothing a second time.
 * @throws ScoringError `unauthorized`, the same for a wrong, an old and a used code
 */
export async function useCode(code: string, request: Request, deps: AuthDeps): Promise<KnownKey> {
  const nowMs = deps.clock();
  const known = await readSignInCode(code, (id) => readLiveKey(id, request, deps), nowMs);
  if (known !== null && (await deps.keys.endSession(known.id, known.endMs, nowMs))) {
    return { record: known.key, sha256: known.key.sha256 };
  }
  throw new ScoringError("unauthorized", "the link was used before or is too old: sign in with the API key");
}

/** The request's session, `null` without a valid one. @throws ScoringError `forbidden` for a change from another origin */
export function findSession(request: Request, deps: AuthDeps): Promise<Session | null> {
  const reader = {
    readKey: (id: string) => readLiveKey(id, request, deps),
    isSessionEnded: (id: string) => deps.keys.isSessionEnded(id),
  };
  return readSession(request, reader, deps.clock());
}

/** The record of `key`, and the hash of it that matched: the present one, or the one before its rotation. @throws ScoringError `unauthorized`, the same for an unknown, a removed and an expired key */
export async function findKey(key: string, request: Request, deps: AuthDeps): Promise<KnownKey> {
  const sha256 = key.length > MAX_KEY_LENGTH ? "" : await digestHex(new TextEncoder().encode(key));
  const id = KEY_FORM.exec(key)?.[1];
  const stored = id === undefined ? null : await readLiveKey(id, request, deps);
  const candidates = stored === null ? await listBuiltInKeys(request, deps) : [stored];
  for (const candidate of candidates) {
    if (isSameHash(candidate.sha256, sha256)) return { record: candidate, sha256 };
    const { previous } = candidate;
    const overlaps = previous !== null && previous.untilMs > deps.clock();
    if (overlaps && isSameHash(previous.sha256, sha256)) return { record: candidate, sha256 };
  }
  throw new ScoringError("unauthorized", "the API key is unknown, removed or expired");
}

/** The rights of a key by its id, for work that it asked for earlier; `null` once it has been removed or has expired. */
export async function readCallerById(
  id: string,
  deps: Pick<AuthDeps, "adminKey" | "devKey" | "clock" | "hook"> & { readonly keys: Pick<AuthDeps["keys"], "readKey"> },
): Promise<Caller | null> {
  const known = await deps.hook?.recall(id);
  if (known) return known;
  if (id === "admin") return deps.adminKey === null ? null : toCaller(await makeBuiltInKey(id, deps.adminKey));
  if (id === "local-development") return deps.devKey === null ? null : toCaller(await makeBuiltInKey(id, deps.devKey));
  const record = await readStoredKey(id, deps);
  return record === null ? null : toCaller(record);
}

/** @throws ScoringError `forbidden` */
export function requireScope(caller: Caller, scope: Scope): void {
  if (caller.scopes.includes(scope)) return;
  throw new ScoringError("forbidden", `the API key does not have the scope ${scope}`);
}

/** A new key: shown once, then only its hash remains. */
export function makeKey(id: string): string {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  return `ctn_${id}_${uint8ArrayToBase64(secret, { urlSafe: true })}`;
}

/** An id for a new key. */
export function makeKeyId(): string {
  return uint8ArrayToHex(crypto.getRandomValues(new Uint8Array(8)));
}

/** Compares in a time that does not depend on where the texts differ. */
function isSameHash(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at % Math.max(1, b.length));
  return difference === 0;
}

async function readLiveKey(id: string, request: Request, deps: AuthDeps): Promise<ApiKeyRecord | null> {
  const builtIn = (await listBuiltInKeys(request, deps)).find((candidate) => candidate.id === id);
  if (builtIn !== undefined) return builtIn;
  return readStoredKey(id, deps);
}

async function readStoredKey(
  id: string,
  deps: Pick<AuthDeps, "clock"> & { readonly keys: Pick<AuthDeps["keys"], "readKey"> },
): Promise<ApiKeyRecord | null> {
  if (!/^[0-9a-f]{16}$/.test(id)) return null;
  const record = await deps.keys.readKey(id);
  return record === null || (record.expiresMs !== null && record.expiresMs <= deps.clock()) ? null : record;
}

/** The secret ADMIN_KEY, and on a loopback address the local key: both may do everything. */
async function listBuiltInKeys(request: Request, deps: AuthDeps): Promise<readonly ApiKeyRecord[]> {
  const keys: ApiKeyRecord[] = [];
  if (deps.adminKey !== null) keys.push(await makeBuiltInKey("admin", deps.adminKey));
  if (deps.devKey !== null && isLoopback(request.url)) {
    keys.push(await makeBuiltInKey("local-development", deps.devKey));
  }
  return keys;
}

/** The record of a key that the configuration holds. @param id `admin` or `local-development` */
export async function makeBuiltInKey(id: string, key: string): Promise<ApiKeyRecord> {
  return {
    id,
    name: id,
    sha256: await digestHex(new TextEncoder().encode(key)),
    previous: null,
    scopes: [...SCOPES],
    grants: null,
    purposes: null,
    maxJobs: null,
    maxPriority: MAX_PRIORITY,
    maxImagesPerDay: null,
    createdMs: 0,
    expiresMs: null,
  };
}

/** Who a key is. */
export function toCaller({
  id,
  scopes,
  grants,
  purposes,
  maxJobs,
  maxPriority,
  maxImagesPerDay,
}: ApiKeyRecord): Caller {
  return { keyId: id, scopes, grants, purposes, maxJobs, maxPriority: maxPriority ?? 0, maxImagesPerDay };
}

/** The platform routes requests by host name, so a deployed Worker never sees one of these. */
export function isLoopback(url: string): boolean {
  return LOOPBACK.has(new URL(url).hostname);
}
