/** The Pulumi program of the AWS side: a store, and upload events once the Worker's address and a key are configured. */

import { getCallerIdentityOutput } from "@pulumi/aws/getCallerIdentity.js";
import { Config, getStack } from "@pulumi/pulumi";
import { parseEnvironment } from "../environments.ts";
import { readEventSettings } from "./settings.ts";
import { parseStoreName } from "./store-name.ts";
import { createStore } from "./store.ts";
import { createUploadEvents } from "./upload-events.ts";

const config = new Config();
const environment = parseEnvironment(getStack());
const store = parseStoreName(config.get("store") ?? "uploads");
const created = createStore({
  environment,
  store,
  region: new Config("aws").require("region"),
  inputDays: config.getNumber("inputDays"),
  disposable: config.getBoolean("disposable") ?? false,
  accessKeys: config.getObject<string[]>("accessKeys") ?? ["1"],
});
const events = readEventSettings(config, store);

/** Name of the bucket. */
export const bucket = created.bucket.bucket;
/** The store's entry in STORES of wrangler.toml. */
export const stores = created.entry;
/** JSON for `wrangler secret bulk`. */
export const secrets = created.secrets;
/** Uploads whose job could not be started; absent while uploads start none. */
export const deadLetterUrl =
  events === null
    ? undefined
    : createUploadEvents(created.bucket, {
        ...events,
        environment,
        accountId: getCallerIdentityOutput().accountId,
      });
