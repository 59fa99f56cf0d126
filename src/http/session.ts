/**
 * The console's session: a cookie that names a key and an end, signed with a secret that only the configuration holds
 * (the key's stored hash). Nothing is stored; removing a key ends its sessions.
 */

import { uint8ArrayToHex } from "uint8array-extras";
import { ScoringError } from "../errors.ts";
import type { ApiKeyRecord } from "../scoring/access/api-key.ts";

/** The name of the console's cookie. */
export const SESSION_COOKIE = "countenance_session";
/** A working day: whoever leaves the browser open overnight signs in again. */
const SESSION_SECONDS = 12 * 3600;
const HEX = /^[0-9a-f]{64}$/;

type SessionKey = Pick<ApiKeyRecord, "id" | "sha256">;

/** The `Set-Cookie` of a new session. @param url of the request: plain HTTP (loopback) cannot set a Secure cookie */
export async function makeSessionCookie(key: SessionKey, url: string, nowMs: number): Promise<string> {
  const claim = `${key.id}.${Math.floor(nowMs / 1000) + SESSION_SECONDS}`;
  const signature = await crypto.subtle.sign("HMAC", await importSecret(key), encodeText(claim));
  return formatCookie(`${claim}.${uint8ArrayToHex(signature)}`, url, SESSION_SECONDS);
}

/** The `Set-Cookie` that ends a session. */
export function clearSessionCookie(url: string): string {
  return formatCookie("", url, 0);
}

/**
 * The key of the request's session, `null` without a valid one.
 * @param readKey finds a key by its id; `null` once it has been removed or has expired
 * @throws ScoringError `forbidden` for a change that another origin sent with the cookie: SameSite does not tell ports apart
 */
export async function readSession(
  request: Request,
  readKey: (id: string) => Promise<ApiKeyRecord | null>,
  nowMs: number,
): Promise<ApiKeyRecord | null> {
  const cookies = request.headers.get("cookie") ?? "";
  const value = new RegExp(`(?:^|; *)${SESSION_COOKIE}=([^;]+)`).exec(cookies)?.[1] ?? "";
  const [id, end, signature] = splitFromEnd(value);
  if (id === "" || !HEX.test(signature) || !(Number(end) * 1000 > nowMs)) return null;
  const key = await readKey(id);
  if (key === null) return null;
  const bytes = Uint8Array.from(signature.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const valid = await crypto.subtle.verify("HMAC", await importSecret(key), bytes, encodeText(`${id}.${end}`));
  if (!valid) return null;
  if (!isOwnRequest(request)) throw refuseForeign();
  return key;
}

/**
 * A page of another origin can post a form here: it must not sign its visitors in with a key of its own. Programs send neither header.
 * @throws ScoringError `forbidden`
 */
export function refuseForeignSignIn(request: Request): void {
  const isBrowser = request.headers.has("sec-fetch-site") || request.headers.has("origin");
  if (isBrowser && !isOwnRequest(request)) throw refuseForeign();
}

function refuseForeign(): ScoringError {
  return new ScoringError("forbidden", "the request comes from another origin");
}

function isOwnRequest(request: Request): boolean {
  if (request.method === "GET" || request.method === "HEAD") return true;
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  return request.headers.get("origin") === new URL(request.url).origin;
}

/** `id.end.signature`. */
function splitFromEnd(value: string): readonly [string, string, string] {
  const parts = value.split(".");
  const signature = parts.pop() ?? "";
  const end = parts.pop() ?? "";
  return [parts.join("."), end, signature];
}

function importSecret(key: SessionKey): Promise<CryptoKey> {
  const secret = encodeText(`countenance-session-1:${key.sha256}`);
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function formatCookie(value: string, url: string, maxAgeSeconds: number): string {
  const secure = new URL(url).protocol === "https:" ? "; Secure" : "";
  return `${SESSION_COOKIE}=${value}; Path=/v1; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`;
}
