import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { deriveWebhookSecret } from "../../../../src/scoring/webhook/webhook-secret.ts";

const bytes = Buffer.from("a secret of twenty-four!");
const secret = `whsec_${bytes.toString("base64")}`;

it("the secret of a key's webhooks is an HMAC of its id, which no other key has", async () => {
  const keyId = fc.string({ minLength: 1, maxLength: 16 });
  await fc.assert(
    fc.asyncProperty(keyId, keyId, async (one, other) => {
      const own = await deriveWebhookSecret(secret, one);
      const hmac = createHmac("sha256", bytes).update(`countenance-webhook-1:${one}`).digest("base64");
      expect(own).toBe(`whsec_${hmac}`);
      expect((await deriveWebhookSecret(secret, other)) === own).toBe(one === other);
    }),
  );
});
