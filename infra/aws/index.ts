/** The Pulumi program of the AWS side: a store, and upload events once the Worker's address and a key are configured. */

import { getCallerIdentityOutput } from "@pulumi/aws/getCallerIdentity.js";
import { Config, getStack } from "@pulumi/pulumi";
import { parseEnvironment } from "../environments.ts";
import { readEventSettings, readWorkerSettings } from "./settings.ts";
import { parseStoreName } from "./store-name.ts";
import { createStore } from "./store.ts";
import { createUploadEvents } from "./upload-events.ts";
import { createWorkers } from "./workers.ts";

const config = new Config();
const environment = parseEnvironment(getStack());
const store = parseStoreName(config.get("store") ?? "uploads");
const region = new Config("aws").require("region");
const created = createStore({
  environment,
  store,
  region,
  inputDays: config.getNumber("inputDays"),
  disposable: config.getBoolean("disposable") ?? false,
  accessKeys: config.getObject<string[]>("accessKeys") ?? ["1"],
});
const events = readEventSettings(config, store);
const machines = readWorkerSettings(config);
const work = machines === null ? null : createWorkers(created.bucket, { ...machines, environment, region });

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
/** The queue of AWS Batch that starts machines beside the bucket, and the definition of their work; absent while there are none. */
export const workQueue = work?.queue;
/** See {@link workQueue}. */
export const workDefinition = work?.definition;
