/**
 * The console's session: a cookie that names a key, an end and a number of its own, signed with a secret that only the
 * configuration holds (the stored hash of the key that signed in). Stored are only the numbers of sessions that were signed out; a
 * key that is removed ends its sessions, and one that was rotated at the end of its overlap.
 */

import { hexToUint8Array, uint8ArrayToHex } from "uint8array-extras";
import { ScoringError } from "../errors.ts";
import type { ApiKeyRecord } from "../scoring/access/api-key.ts";

/** The console's cookie: by the prefix a browser takes it from this very host, over HTTPS, and no other can set it. */
export const SESSION_COOKIE = "__Host-countenance_session";
/** The same over plain HTTP, where that prefix is not allowed; once the name over HTTPS too, with the path /v1. */
const PLAIN_COOKIE = "countenance_session";
/** Cookies of the name that are tried: other paths or versions may have left some behind. */
const MAX_TRIED = 5;
/** A working day: whoever leaves the browser open overnight signs in again. */
const SESSION_SECONDS = 12 * 3600;
/** `<id of the key>.<number>.<end, Unix seconds>.<signature>`. */
const SESSION_FORM = /^([a-z0-9-]{1,64})\.([0-9a-f]{32})\.(\d{1,12})\.([0-9a-f]{64})$/;

/** A session whose signature is right. */
export interface Session {
  readonly key: ApiKeyRecord;
  /** Its own number, 32 hex digits. */
  readonly id: string;
  readonly endMs: number;
}

/** What is known of keys and ended sessions. */
export interface SessionReader {
  /** A key by its id; `null` once it is removed or expired. */
  readKey(id: string): Promise<ApiKeyRecord | null>;
  isSessionEnded(id: string): Promise<boolean>;
}

/**
 * The `Set-Cookie` of a new session.
 * @param sha256 of the key that signed in: the record's, or the one before its rotation
 * @param url of the request: plain HTTP (loopback) cannot set a Secure cookie
 */
export async function makeSessionCookie(
  key: { readonly id: string; readonly sha256: string },
  url: string,
  nowMs: number,
): Promise<string> {
  const number = uint8ArrayToHex(crypto.getRandomValues(new Uint8Array(16)));
  const claim = `${key.id}.${number}.${Math.floor(nowMs / 1000) + SESSION_SECONDS}`;
  const signature = await crypto.subtle.sign("HMAC", await importSecret(key.sha256), encodeText(claim));
  return formatCookie(`${claim}.${uint8ArrayToHex(new Uint8Array(signature))}`, url, SESSION_SECONDS);
}

/** The `Set-Cookie` that ends a session. */
export function clearSessionCookie(url: string): string {
  return formatCookie("", url, 0);
}

/** The `Set-Cookie` that removes what an older version left on HTTPS. */
export function clearOldCookie(): string {
  return `${PLAIN_COOKIE}=; Path=/v1; HttpOnly; SameSite=Strict; Max-Age=0; Secure`;
}

/**
 * The request's session, `null` without a valid one. Of several cookies with its name the first valid one counts.
 * @throws ScoringError `forbidden` for a change that another origin sent with the cookie: SameSite does not tell ports apart
 */
export async function readSession(request: Request, reader: SessionReader, nowMs: number): Promise<Session | null> {
  for (const value of listCookies(request).slice(0, MAX_TRIED)) {
    const session = await verifySession(value, reader, nowMs);
    if (session === null) continue;
    if (!isOwnRequest(request)) throw refuseForeign();
    return session;
  }
  return null;
}

/** Values of the session's cookies, as the browser sent them: those of longer paths first. */
export function listCookies(request: Request): string[] {
  const name = nameCookie(request.url);
  return (request.headers.get("cookie") ?? "").split(/; */).flatMap((pair) => {
    const equals = pair.indexOf("=");
    return pair.slice(0, equals) === name && equals > 0 ? [pair.slice(equals + 1)] : [];
  });
}

async function verifySession(value: string, reader: SessionReader, nowMs: number): Promise<Session | null> {
  const match = SESSION_FORM.exec(value);
  if (match === null) return null;
  const [, keyId = "", id = "", end = "", signature = ""] = match;
  const endMs = Number(end) * 1000;
  if (endMs <= nowMs) return null;
  const key = await reader.readKey(keyId);
  if (key === null) return null;
  const bytes = Uint8Array.from(hexToUint8Array(signature));
  const { previous } = key;
  const hashes = [key.sha256, ...(previous !== null && previous.untilMs > nowMs ? [previous.sha256] : [])];
  for (const sha256 of hashes) {
    const secret = await importSecret(sha256);
    if (!(await crypto.subtle.verify("HMAC", secret, bytes, encodeText(`${keyId}.${id}.${end}`)))) continue;
    return (await reader.isSessionEnded(id)) ? null : { key, id, endMs };
  }
  return null;
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

function importSecret(sha256: string): Promise<CryptoKey> {
  const secret = encodeText(`countenance-session-2:${sha256}`);
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function nameCookie(url: string): string {
  return isHttps(url) ? SESSION_COOKIE : PLAIN_COOKIE;
}

function isHttps(url: string): boolean {
  return new URL(url).protocol === "https:";
}

function formatCookie(value: string, url: string, maxAgeSeconds: number): string {
  const secure = isHttps(url) ? "; Secure" : "";
  return `${nameCookie(url)}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`;
}
