/** The Pulumi program of the Cloudflare side: the stack's configuration in, names and secrets out. */

import { Config, getStack } from "@pulumi/pulumi";
import { parseEnvironment } from "../environments.ts";
import { createCloudflare } from "./resources.ts";

const config = new Config();

/** Names on the account, the admin key, and JSON of all secrets for `wrangler secret bulk`. */
export const { bucket, queue, deadLetterQueue, adminKey, secrets } = createCloudflare({
  environment: parseEnvironment(getStack()),
  accountId: config.require("accountId"),
  location: config.get("location"),
  jurisdiction: config.get("jurisdiction"),
  inputDays: config.getNumber("inputDays"),
  feedPrefixes: config.getObject<string[]>("feedPrefixes") ?? [],
  disposable: config.getBoolean("disposable") ?? false,
  generations: {
    adminKey: config.get("adminKeyGeneration") ?? "1",
    webhookSecret: config.get("webhookSecretGeneration") ?? "1",
  },
});
