/** What webhooks are signed with: each API key has a secret of its own, so that no receiver can sign in another's name. */

import { base64ToUint8Array, uint8ArrayToBase64 } from "uint8array-extras";

/**
 * The secret of one key's webhooks, as Standard Webhooks writes it: `whsec_` and 32 bytes in base64, the HMAC-SHA-256 of
 * `countenance-webhook-1:<key id>` under the deployment's secret. It stays the same when the key is rotated.
 * @param secret of the deployment: `whsec_` and base64
 */
export async function deriveWebhookSecret(secret: string, keyId: string): Promise<string> {
  const bytes = Uint8Array.from(base64ToUint8Array(secret.replace(/^whsec_/, "")));
  const master = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const own = await crypto.subtle.sign("HMAC", master, new TextEncoder().encode(`countenance-webhook-1:${keyId}`));
  return `whsec_${uint8ArrayToBase64(new Uint8Array(own))}`;
}
