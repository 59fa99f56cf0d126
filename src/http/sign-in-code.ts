/**
 * Codes that sign a browser in once: whoever starts a server prints a link with one, so that no key has to be copied. A code is
 * signed with what the key's session cookies are signed with, so nothing is stored until it is used.
 */

import { base64ToUint8Array, uint8ArrayToBase64, uint8ArrayToHex } from "uint8array-extras";
import type { ApiKeyRecord } from "../scoring/access/api-key.ts";

/** Long enough to start a server, look away and open its link. */
const CODE_SECONDS = 3600;
const NUMBER_BYTES = 12;
const END_BYTES = 4;
const SIGNATURE_BYTES = 16;
/** `<id of the key>.<number, end in Unix seconds and signature, 32 bytes in base64url>`. */
const CODE_FORM = /^([a-z0-9-]{1,64})\.([A-Za-z0-9_-]{43})$/;

/** A code whose signature is right, and that has not run out. */
export interface SignInCode {
  readonly key: ApiKeyRecord;
  /** Its own number, 24 hex digits: no session's has as many. */
  readonly id: string;
  readonly endMs: number;
}

/** A new code for the console's address: `#/sign-in?code=…`. @param key whoever uses the code is signed in with it */
export async function makeSignInCode(key: Pick<ApiKeyRecord, "id" | "sha256">, nowMs: number): Promise<string> {
  const claim = new Uint8Array(NUMBER_BYTES + END_BYTES);
  crypto.getRandomValues(claim.subarray(0, NUMBER_BYTES));
  new DataView(claim.buffer).setUint32(NUMBER_BYTES, Math.floor(nowMs / 1000) + CODE_SECONDS);
  const code = new Uint8Array([...claim, ...(await sign(key, claim))]);
  return `${key.id}.${uint8ArrayToBase64(code, { urlSafe: true })}`;
}

/** What a code says; `null` where it was not made here, has run out, or its key is gone. Whether it was used is not asked. */
export async function readSignInCode(
  code: string,
  readKey: (id: string) => Promise<ApiKeyRecord | null>,
  nowMs: number,
): Promise<SignInCode | null> {
  const [, keyId, text] = CODE_FORM.exec(code) ?? [];
  if (keyId === undefined || text === undefined) return null;
  const bytes = base64ToUint8Array(text);
  const claim = bytes.slice(0, NUMBER_BYTES + END_BYTES);
  const endMs = new DataView(claim.buffer).getUint32(NUMBER_BYTES) * 1000;
  if (endMs <= nowMs) return null;
  const key = await readKey(keyId);
  if (key === null || !isSame(bytes.slice(NUMBER_BYTES + END_BYTES), await sign(key, claim))) return null;
  return { key, id: uint8ArrayToHex(claim.slice(0, NUMBER_BYTES)), endMs };
}

async function sign({ id, sha256 }: Pick<ApiKeyRecord, "id" | "sha256">, claim: Uint8Array): Promise<Uint8Array> {
  const secret = new TextEncoder().encode(`countenance-sign-in-1:${sha256}`);
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const said = new Uint8Array([...new TextEncoder().encode(`${id}.`), ...claim]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, said)).slice(0, SIGNATURE_BYTES);
}

/** In a time that does not depend on where they differ. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < b.length; at++) difference |= (a[at] ?? 0) ^ (b[at] ?? 0);
  return difference === 0;
}
