/** One environment on Cloudflare: what `wrangler deploy` binds but does not create. */

import { Queue } from "@pulumi/cloudflare/queue.js";
import { R2Bucket } from "@pulumi/cloudflare/r2bucket.js";
import { R2BucketEventNotification } from "@pulumi/cloudflare/r2bucketEventNotification.js";
import { R2BucketLifecycle } from "@pulumi/cloudflare/r2bucketLifecycle.js";
import { interpolate, jsonStringify, secret, type Output } from "@pulumi/pulumi";
import { RandomBytes } from "@pulumi/random/randomBytes.js";
import { ABORT_UPLOADS_AFTER_DAYS, PREFIXES, type Environment } from "../environments.ts";

/** What a stack's configuration says. */
export interface CloudflareSettings {
  readonly environment: Environment;
  /** The account, 32 hexadecimal digits. */
  readonly accountId: string;
  /** Where R2 should keep the bucket, such as `weur`; `undefined`: near whoever creates it. */
  readonly location: string | undefined;
  /** The jurisdiction that the bucket's data must not leave, such as `eu`; `undefined`: none. */
  readonly jurisdiction: string | undefined;
  /** Inputs under `in/` are deleted after this many days; `undefined`: never. */
  readonly inputDays: number | undefined;
  /** Whether `pulumi destroy` may take the data, and everything in the bucket goes after a day. */
  readonly disposable: boolean;
  /** Uploads below these go into the feeds that are over them; empty: R2 tells of none. */
  readonly feedPrefixes: readonly string[];
  /** Another text makes another secret. */
  readonly generations: { readonly adminKey: string; readonly webhookSecret: string };
}

/** What the commands after `pulumi up` need. */
export interface CloudflareOutputs {
  readonly bucket: Output<string>;
  readonly queue: Output<string>;
  readonly deadLetterQueue: Output<string>;
  /** Also among `secrets`. */
  readonly adminKey: Output<string>;
  /** JSON for `wrangler secret bulk`. */
  readonly secrets: Output<string>;
}

/** Those of R2. */
const JURISDICTIONS: readonly string[] = ["eu", "fedramp"];

const DAY_SECONDS = 86_400;
/** The longest that Queues keeps a message. */
const MAX_RETENTION_SECONDS = 14 * DAY_SECONDS;
/** What writes an object, as R2 calls it; `src/jobs/upload-events.ts` knows no other. */
const WRITES = ["PutObject", "CopyObject", "CompleteMultipartUpload"];
/** A running job, at most seven days old, may still read what it listed. */
const MIN_INPUT_DAYS = 8;

/**
 * Creates bucket, queues and secrets under the names that wrangler.toml binds. The consumers, with retries and dead letters,
 * are attached by `wrangler deploy`; two owners of one consumer would undo each other.
 * @throws Error when a setting cannot be right
 */
export function createCloudflare(settings: CloudflareSettings): CloudflareOutputs {
  const { environment, accountId, location, jurisdiction, inputDays, disposable, generations, feedPrefixes } = settings;
  if (!/^[0-9a-f]{32}$/.test(accountId)) throw new Error("accountId: 32 hexadecimal digits");
  if (inputDays !== undefined && !(Number.isInteger(inputDays) && inputDays >= MIN_INPUT_DAYS)) {
    throw new Error(`inputDays: at least ${MIN_INPUT_DAYS}, since a running job may still read its inputs`);
  }
  if (jurisdiction !== undefined && !JURISDICTIONS.includes(jurisdiction)) {
    throw new Error(`jurisdiction: one of ${JURISDICTIONS.join(", ")}`);
  }
  const outside = feedPrefixes.find(
    (prefix) => prefix === "" || PREFIXES.outputs.startsWith(prefix) || prefix.startsWith(PREFIXES.outputs),
  );
  if (outside !== undefined)
    throw new Error(`feedPrefixes: ${JSON.stringify(outside)} would tell of outputs: name a prefix of inputs`);
  const kept = { protect: !disposable };
  const within = jurisdiction === undefined ? {} : { jurisdiction };

  const bucket = new R2Bucket(
    "faces",
    { accountId, name: `faces-${environment}`, ...(location === undefined ? {} : { location }), ...within },
    kept,
  );
  void new R2BucketLifecycle("faces", {
    accountId,
    bucketName: bucket.name,
    ...within,
    rules: listRules(inputDays, disposable),
  });

  const createQueue = (name: string) =>
    new Queue(
      name,
      {
        accountId,
        queueName: `${name}-${environment}`,
        settings: { messageRetentionPeriod: MAX_RETENTION_SECONDS },
      },
      kept,
    );
  // Their consumers, with retries and dead letters, come with the Worker.
  const [chunks, letters, uploads] = [createQueue("chunks"), createQueue("chunks-dead"), createQueue("uploads")];
  createQueue("uploads-dead");
  if (feedPrefixes.length > 0) {
    void new R2BucketEventNotification("uploads", {
      accountId,
      bucketName: bucket.name,
      ...within,
      queueId: uploads.queueId,
      rules: feedPrefixes.map((prefix) => ({ prefix, actions: WRITES, description: `uploads below ${prefix}` })),
    });
  }

  const adminKey = createSecret("admin-key", generations.adminKey);
  const webhookBytes = createSecret("webhook-secret", generations.webhookSecret);
  return {
    bucket: bucket.name,
    queue: chunks.queueName,
    deadLetterQueue: letters.queueName,
    adminKey,
    // The prefix is that of Standard Webhooks.
    secrets: jsonStringify({ ADMIN_KEY: adminKey, WEBHOOK_SECRET: interpolate`whsec_${webhookBytes}` }),
  };
}

/** 33 random bytes in base64: 44 characters without padding. */
function createSecret(name: string, generation: string): Output<string> {
  return secret(new RandomBytes(name, { length: 33, keepers: { generation } }).base64);
}

function listRules(inputDays: number | undefined, disposable: boolean) {
  const deleteAfter = (id: string, prefix: string, days: number) => ({
    id,
    enabled: true,
    conditions: { prefix },
    deleteObjectsTransition: { condition: { type: "Age", maxAge: days * DAY_SECONDS } },
  });
  return [
    {
      id: "unfinished-uploads",
      enabled: true,
      conditions: { prefix: "" },
      abortMultipartUploadsTransition: {
        condition: { type: "Age", maxAge: ABORT_UPLOADS_AFTER_DAYS * DAY_SECONDS },
      },
    },
    // Written and removed with every submission; one stays where the submission died between the two.
    deleteAfter("probes", `${PREFIXES.outputs}.countenance-probe-`, 1),
    ...(inputDays === undefined ? [] : [deleteAfter("inputs", PREFIXES.inputs, inputDays)]),
    ...(disposable ? [deleteAfter("everything", "", 1)] : []),
  ];
}
