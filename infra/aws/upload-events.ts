/** Uploads that start jobs: S3 tells EventBridge, EventBridge calls `POST /v1/jobs`, and what it cannot deliver waits in a queue. */

import { EventApiDestination } from "@pulumi/aws/cloudwatch/eventApiDestination.js";
import { EventConnection } from "@pulumi/aws/cloudwatch/eventConnection.js";
import { EventRule } from "@pulumi/aws/cloudwatch/eventRule.js";
import { EventTarget } from "@pulumi/aws/cloudwatch/eventTarget.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import type { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketNotification } from "@pulumi/aws/s3/bucketNotification.js";
import { Queue } from "@pulumi/aws/sqs/queue.js";
import { QueuePolicy } from "@pulumi/aws/sqs/queuePolicy.js";
import { all, interpolate, jsonStringify, output, type Input, type Output } from "@pulumi/pulumi";
import type { Environment } from "../environments.ts";
import { createAlarm } from "./alarm.ts";
import { describeCaller, describeCallerRights, describeDeadLetterRights } from "./rights.ts";
import { describePattern, EVENT_PATHS, type UploadKind, type UploadSettings, writeTemplate } from "./upload-kinds.ts";

/** What a stack's configuration says of the events. */
export interface EventSettings extends UploadSettings {
  readonly environment: Environment;
  /** Where the Worker answers, without a path: `https://…`. */
  readonly url: string;
  /** A key with the scope jobs:write and grants to `in/` and `out/` of the store; never the admin key. */
  readonly apiKey: Input<string>;
  readonly kinds: readonly UploadKind[];
  /** Is told of dead letters; `undefined`: nobody is. */
  readonly alarmEmail: string | undefined;
  /** The AWS account. */
  readonly accountId: Input<string>;
}

/** Calls a second: half of what the API allows one key. */
const CALLS_PER_SECOND = 10;
/** The API forgets an idempotency key after 48 hours; EventBridge tries for at most 24. */
const RETRY = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };
/** The longest that SQS keeps a message. */
const DEAD_LETTER_SECONDS = 14 * 86_400;

/**
 * Starts one job an upload. A 429, a 5xx or silence is tried again for a day, any other refusal goes to the dead letters at once.
 * An event that is delivered twice starts one job: the version of the object is the idempotency key.
 * @returns URL of the queue of dead letters
 * @throws Error when the address is not an origin
 */
export function createUploadEvents(bucket: Bucket, settings: EventSettings): Output<string> {
  const { environment, url, apiKey, kinds, alarmEmail, accountId } = settings;
  if (!/^https:\/\/[^/?#@]+$/.test(url)) throw new Error("url: https:// and a host, nothing after it");
  const name = `countenance-${environment}-uploads`;

  void new BucketNotification(name, { bucket: bucket.bucket, eventbridge: true });
  const connection = new EventConnection(name, {
    authorizationType: "API_KEY",
    authParameters: { apiKey: { key: "Authorization", value: interpolate`Bearer ${apiKey}` } },
  });
  const destination = new EventApiDestination(name, {
    connectionArn: connection.arn,
    invocationEndpoint: `${url}/v1/jobs`,
    httpMethod: "POST",
    invocationRateLimitPerSecond: CALLS_PER_SECOND,
  });
  const role = new Role(name, {
    assumeRolePolicy: jsonStringify(output(accountId).apply(describeCaller)),
  });
  void new RolePolicy(name, { role: role.name, policy: jsonStringify(destination.arn.apply(describeCallerRights)) });

  const deadLetters = new Queue(name, { messageRetentionSeconds: DEAD_LETTER_SECONDS, sqsManagedSseEnabled: true });
  if (alarmEmail !== undefined) createAlarm(name, deadLetters, alarmEmail);
  const rules = kinds.map((kind) => {
    const pattern = jsonStringify(bucket.bucket.apply((bucketName) => describePattern(bucketName, kind)));
    const rule = new EventRule(`${name}-${kind}`, { eventPattern: pattern });
    void new EventTarget(`${name}-${kind}`, {
      rule: rule.name,
      arn: destination.arn,
      roleArn: role.arn,
      inputTransformer: { inputPaths: EVENT_PATHS, inputTemplate: writeTemplate(kind, settings) },
      httpTarget: { headerParameters: { "Idempotency-Key": EVENT_PATHS.version } },
      retryPolicy: RETRY,
      deadLetterConfig: { arn: deadLetters.arn },
    });
    return rule.arn;
  });
  void new QueuePolicy(name, {
    queueUrl: deadLetters.url,
    policy: jsonStringify(
      all([deadLetters.arn, all(rules)]).apply(([queueArn, ruleArns]) => describeDeadLetterRights(queueArn, ruleArns)),
    ),
  });
  return deadLetters.url;
}
