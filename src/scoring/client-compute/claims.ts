/**
 * Signed statements that a client carries for the server: `base64url(JSON).hex(HMAC-SHA256)`. Nothing is stored for them;
 * a job's secret dies with the job. The kind is signed too, so that one statement never passes for another.
 */

/** What can be stated. */
export type ClaimKind = "canary" | "pass" | "read";

const encoder = new TextEncoder();

/** @param secret of the job */
export async function signClaim(secret: string, kind: ClaimKind, claim: unknown): Promise<string> {
  const body = encodeBase64Url(encoder.encode(JSON.stringify(claim)));
  const signature = await crypto.subtle.sign("HMAC", await importSecret(secret), encoder.encode(`${kind}.${body}`));
  return `${body}.${Array.from(new Uint8Array(signature), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** The statement, not yet checked for its content; `null` for a text that this job did not sign as this kind. */
export async function readClaim(secret: string, kind: ClaimKind, text: string): Promise<unknown> {
  const [body, hex, ...rest] = text.split(".");
  if (body === undefined || hex === undefined || rest.length > 0 || !/^[0-9a-f]{64}$/.test(hex)) return null;
  const signature = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const signed = encoder.encode(`${kind}.${body}`);
  if (!(await crypto.subtle.verify("HMAC", await importSecret(secret), signature, signed))) return null;
  return JSON.parse(new TextDecoder().decode(decodeBase64(body.replaceAll("-", "+").replaceAll("_", "/"))));
}

/** Bytes as base64. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Base64 as bytes. */
export function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function importSecret(secret: string): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign", "verify"]);
}
