/**
 * Signed statements that a client carries for the server: `base64url(JSON).hex(HMAC-SHA256)`. Nothing is stored for them;
 * a job's secret dies with the job. The kind is signed too, so that a statement of one kind never passes for another.
 */

import { base64ToString, hexToUint8Array, stringToBase64, uint8ArrayToHex } from "uint8array-extras";

/** The kinds of statements. */
export type ClaimKind = "canary" | "pass" | "read";

const encoder = new TextEncoder();

/** @param secret of the job */
export async function signClaim(secret: string, kind: ClaimKind, claim: unknown): Promise<string> {
  const body = stringToBase64(JSON.stringify(claim), { urlSafe: true });
  const signature = await crypto.subtle.sign("HMAC", await importSecret(secret), encoder.encode(`${kind}.${body}`));
  return `${body}.${uint8ArrayToHex(signature)}`;
}

/** The statement, not yet checked for its content; `null` for a text that the job did not sign as this kind. */
export async function readClaim(secret: string, kind: ClaimKind, text: string): Promise<unknown> {
  const [body, hex, ...rest] = text.split(".");
  if (body === undefined || hex === undefined || rest.length > 0 || !/^[0-9a-f]{64}$/.test(hex)) return null;
  const signed = encoder.encode(`${kind}.${body}`);
  if (!(await crypto.subtle.verify("HMAC", await importSecret(secret), hexToUint8Array(hex), signed))) return null;
  return JSON.parse(base64ToString(body));
}

function importSecret(secret: string): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign", "verify"]);
}
