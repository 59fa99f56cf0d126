/**
 * Uploads that are scored by themselves: S3 tells EventBridge, EventBridge calls the API, and what it cannot deliver waits in a queue. A
 * manifest or shard starts a job, an image goes into a feed.
 */

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
import {
  describePattern,
  EVENT_PATHS,
  type UploadKind,
  type UploadSettings,
  writeInputTemplate,
  writeJobTemplate,
} from "./upload-kinds.ts";

/** What a stack's configuration says of the events. */
export interface EventSettings extends UploadSettings {
  readonly environment: Environment;
  /** Where the Worker answers, without a path: `https://…`. */
  readonly url: string;
  /** A key with the scope jobs:write and grants to `in/` and `out/` of the store; never the admin key. */
  readonly apiKey: Input<string>;
  readonly kinds: readonly UploadKind[];
  /** Id of the feed (a schedule whose runs are open jobs) that images go into; `undefined`: none, and `kinds` has no images. */
  readonly feed: string | undefined;
  /** Is told of dead letters; `undefined`: nobody is. */
  readonly alarmEmail: string | undefined;
  /** The AWS account. */
  readonly accountId: Input<string>;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Calls a second: half of what the API allows one key. */
const CALLS_PER_SECOND = 10;
/** The API forgets an idempotency key after 48 hours; EventBridge tries for at most 24. */
const RETRY = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };
/** The longest that SQS keeps a message. */
const DEAD_LETTER_SECONDS = 14 * 86_400;

/**
 * Starts one job for each manifest or shard, and puts images into a feed. A 429, a 5xx or silence is tried again for a day, any other refusal goes to the dead letters at once.
 * An event that is delivered twice starts one job, since the version of the object is the idempotency key, and is one input of a feed.
 * @returns URL of the queue of dead letters
 * @throws Error when the address is not an origin
 */
export function createUploadEvents(bucket: Bucket, settings: EventSettings): Output<string> {
  const { environment, url, apiKey, kinds, feed, alarmEmail, accountId } = settings;
  if (kinds.includes("image") !== (feed !== undefined)) {
    throw new Error("feed: images need one to go into; without them in startOn it has no use");
  }
  if (feed !== undefined && !UUID.test(feed)) throw new Error("feed: the id of a schedule");
  if (!/^https:\/\/[^/?#@]+$/.test(url)) throw new Error("url: https:// and a host, nothing after it");
  const name = `countenance-${environment}-uploads`;

  void new BucketNotification(name, { bucket: bucket.bucket, eventbridge: true });
  const connection = new EventConnection(name, {
    authorizationType: "API_KEY",
    authParameters: { apiKey: { key: "Authorization", value: interpolate`Bearer ${apiKey}` } },
  });
  const paths = {
    ...(kinds.some((kind) => kind !== "image") && { jobs: "/v1/jobs" }),
    ...(feed !== undefined && { feed: `/v1/schedules/${feed}/inputs` }),
  };
  const share = Math.floor(CALLS_PER_SECOND / Math.max(1, Object.keys(paths).length));
  const destinations = new Map(
    Object.entries(paths).map(([part, path]) => [
      part,
      new EventApiDestination(part === "jobs" ? name : `${name}-${part}`, {
        connectionArn: connection.arn,
        invocationEndpoint: `${url}${path}`,
        httpMethod: "POST",
        invocationRateLimitPerSecond: share,
      }),
    ]),
  );
  const role = new Role(name, {
    assumeRolePolicy: jsonStringify(output(accountId).apply(describeCaller)),
  });
  void new RolePolicy(name, {
    role: role.name,
    policy: jsonStringify(all([...destinations.values()].map(({ arn }) => arn)).apply(describeCallerRights)),
  });

  const deadLetters = new Queue(name, { messageRetentionSeconds: DEAD_LETTER_SECONDS, sqsManagedSseEnabled: true });
  if (alarmEmail !== undefined) createAlarm(name, deadLetters, alarmEmail);
  const rules = kinds.map((kind) => {
    const pattern = jsonStringify(bucket.bucket.apply((bucketName) => describePattern(bucketName, kind)));
    const rule = new EventRule(`${name}-${kind}`, { eventPattern: pattern });
    void new EventTarget(`${name}-${kind}`, {
      rule: rule.name,
      arn: destinations.get(kind === "image" ? "feed" : "jobs")!.arn,
      roleArn: role.arn,
      inputTransformer: {
        inputPaths: EVENT_PATHS,
        inputTemplate: kind === "image" ? writeInputTemplate() : writeJobTemplate(kind, settings),
      },
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
