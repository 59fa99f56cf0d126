/** A store on S3: the bucket, and the user whose keys the Worker holds. */

import { AccessKey } from "@pulumi/aws/iam/accessKey.js";
import { User } from "@pulumi/aws/iam/user.js";
import { UserPolicy } from "@pulumi/aws/iam/userPolicy.js";
import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import { interpolate, jsonStringify, secret, type Output } from "@pulumi/pulumi";
import { ABORT_UPLOADS_AFTER_DAYS, PREFIXES, type Environment } from "../environments.ts";
import { describeBucketRules, describeWorkerRights } from "./rights.ts";
import { nameVariable } from "./store-name.ts";

/** What a stack's configuration says of the store. */
export interface StoreSettings {
  readonly environment: Environment;
  /** Its name in STORES: a-z, 0-9 and -. */
  readonly store: string;
  readonly region: string;
  /** Inputs under `in/` are deleted after this many days; `undefined`: never. */
  readonly inputDays: number | undefined;
  /** Whether `pulumi destroy` may take the data. */
  readonly disposable: boolean;
  /** Generations of the access key, newest first: one, or two while the Worker changes over (IAM allows no more). */
  readonly accessKeys: readonly string[];
}

/** The store, as the Worker is told of it. */
export interface AwsStore {
  readonly bucket: Bucket;
  /** The store's entry in STORES of wrangler.toml. */
  readonly entry: Output<string>;
  /** The newest access key: JSON for `wrangler secret bulk`, which changes both halves at once. */
  readonly secrets: Output<string>;
}

/** A deleted or overwritten object can be brought back for this long, and is gone after it. */
const NONCURRENT_DAYS = 7;
/** A running job, at most seven days old, may still read what it listed. */
const MIN_INPUT_DAYS = 8;

/**
 * Creates the bucket (private, versioned, TLS only) and a user that may do what the Worker does and nothing else.
 * @throws Error when a setting cannot be right
 */
export function createStore(settings: StoreSettings): AwsStore {
  const { environment, store, region, inputDays, disposable, accessKeys } = settings;
  const newest = accessKeys[0];
  if (newest === undefined || accessKeys.length > 2 || new Set(accessKeys).size !== accessKeys.length) {
    throw new Error("accessKeys: one generation, or two different ones");
  }
  if (inputDays !== undefined && !(Number.isInteger(inputDays) && inputDays >= MIN_INPUT_DAYS)) {
    throw new Error(`inputDays: at least ${MIN_INPUT_DAYS}, since a running job may still read its inputs`);
  }
  const name = `countenance-${environment}`;

  // Pulumi adds seven random digits: names of buckets are the whole world's.
  const bucket = new Bucket(name, { forceDestroy: disposable }, { protect: !disposable });
  const of = { bucket: bucket.bucket };
  void new BucketPublicAccessBlock(name, {
    ...of,
    blockPublicAcls: true,
    blockPublicPolicy: true,
    ignorePublicAcls: true,
    restrictPublicBuckets: true,
  });
  const versioning = new BucketVersioning(name, { ...of, versioningConfiguration: { status: "Enabled" } });
  void new BucketPolicy(name, { ...of, policy: jsonStringify(bucket.arn.apply(describeBucketRules)) });
  // Rules about versions need versions.
  void new BucketLifecycleConfiguration(name, { ...of, rules: listRules(inputDays) }, { dependsOn: [versioning] });

  const user = new User(name, { name: `${name}-worker` });
  void new UserPolicy(name, { user: user.name, policy: jsonStringify(bucket.arn.apply(describeWorkerRights)) });
  const [key] = accessKeys.map((generation) => new AccessKey(`${name}-${generation}`, { user: user.name }));
  if (key === undefined) throw new Error("accessKeys: one generation at least");
  const variable = nameVariable(store);
  return {
    bucket,
    entry: interpolate`"${store}": ${jsonStringify({ kind: "s3", region, bucket: bucket.bucket, versions: true })}`,
    secrets: secret(
      jsonStringify({ [`${variable}_ACCESS_KEY_ID`]: key.id, [`${variable}_SECRET_ACCESS_KEY`]: key.secret }),
    ),
  };
}

function createRule(id: string, prefix: string, what: object) {
  return { id, status: "Enabled", filter: { prefix }, ...what };
}

function listRules(inputDays: number | undefined) {
  return [
    createRule("unfinished-uploads", "", {
      abortIncompleteMultipartUpload: { daysAfterInitiation: ABORT_UPLOADS_AFTER_DAYS },
    }),
    createRule("old-versions", "", {
      noncurrentVersionExpiration: { noncurrentDays: NONCURRENT_DAYS },
      expiration: { expiredObjectDeleteMarker: true },
    }),
    // Written and removed with every submission; one stays where the submission died between the two.
    createRule("probes", `${PREFIXES.outputs}.countenance-probe-`, { expiration: { days: 1 } }),
    ...(inputDays === undefined ? [] : [createRule("inputs", PREFIXES.inputs, { expiration: { days: inputDays } })]),
  ];
}
