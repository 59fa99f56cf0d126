/**
 * Machines beside the bucket: AWS Batch starts `countenance work <job> --direct <bucket>` on Fargate Spot, in the bucket's region. Pictures do
 * not leave it, only records go to the server, and where nothing is computed nothing runs.
 */

import { ComputeEnvironment } from "@pulumi/aws/batch/computeEnvironment.js";
import { JobDefinition } from "@pulumi/aws/batch/jobDefinition.js";
import { JobQueue } from "@pulumi/aws/batch/jobQueue.js";
import { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import type { Bucket } from "@pulumi/aws/s3/bucket.js";
import { Secret } from "@pulumi/aws/secretsmanager/secret.js";
import { SecretVersion } from "@pulumi/aws/secretsmanager/secretVersion.js";
import { all, type Input, jsonStringify, type Output } from "@pulumi/pulumi";
import type { Environment } from "../environments.ts";
import { describeReaderRights, describeStarterRights, describeTaskRole } from "./rights.ts";

/** What a stack's configuration says of the machines. */
export interface WorkerSettings {
  readonly environment: Environment;
  readonly region: string;
  /** Where the server answers, without a path: `https://…`. */
  readonly url: string;
  /** The key whose jobs are computed, with the scope jobs:write. */
  readonly apiKey: Input<string>;
  /** The image: target `work` of the Dockerfile, in a registry that AWS can pull from. */
  readonly image: string;
  /** Subnets with a way out, to the server, the registry and S3; and what guards them. */
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  /** CPUs of all machines at once. */
  readonly maxVcpus: number;
}

/** What `aws batch submit-job` needs. */
export interface Workers {
  readonly queue: Output<string>;
  readonly definition: Output<string>;
}

/** CPUs and memory (MiB) of one machine: Fargate takes these together, and each thread holds a model and two chunks. */
const MACHINE = { vcpus: 4, memory: 8192 } as const;
/** A machine that Spot takes back is replaced so often; what it held is given to others meanwhile. */
const ATTEMPTS = 5;
const LOG_DAYS = 30;
/** A job runs seven days at most. */
const TIMEOUT_SECONDS = 7 * 86_400;

/**
 * Makes what starts the machines; none runs before a Batch job is submitted.
 * @throws Error when a setting cannot be right
 */
export function createWorkers(bucket: Bucket, settings: WorkerSettings): Workers {
  const { environment, region, url, apiKey, image, subnets, securityGroups, maxVcpus } = settings;
  if (!/^https:\/\/[^/?#@]+$/.test(url)) throw new Error("url: https:// and a host, nothing after it");
  if (subnets.length === 0 || securityGroups.length === 0)
    throw new Error("work: subnets and securityGroups, one each at least");
  if (!(Number.isInteger(maxVcpus) && maxVcpus >= MACHINE.vcpus)) {
    throw new Error(`work: maxVcpus of ${MACHINE.vcpus} or more: one machine has so many`);
  }
  const name = `countenance-${environment}-work`;
  const logs = new LogGroup(name, { retentionInDays: LOG_DAYS });
  const secret = new Secret(name, {});
  void new SecretVersion(name, { secretId: secret.id, secretString: apiKey });

  // Two roles: whoever starts the container reads the key and writes the log, the program in it reads pictures.
  const starter = new Role(`${name}-start`, { assumeRolePolicy: jsonStringify(describeTaskRole()) });
  void new RolePolicy(`${name}-start`, {
    role: starter.name,
    policy: jsonStringify(all([secret.arn, logs.arn]).apply(([key, log]) => describeStarterRights(key, log))),
  });
  const reader = new Role(name, { assumeRolePolicy: jsonStringify(describeTaskRole()) });
  void new RolePolicy(name, { role: reader.name, policy: jsonStringify(bucket.arn.apply(describeReaderRights)) });

  const machines = new ComputeEnvironment(name, {
    type: "MANAGED",
    computeResources: { type: "FARGATE_SPOT", maxVcpus, subnets: [...subnets], securityGroupIds: [...securityGroups] },
  });
  const queue = new JobQueue(name, {
    state: "ENABLED",
    priority: 1,
    computeEnvironmentOrders: [{ order: 1, computeEnvironment: machines.arn }],
  });
  const definition = new JobDefinition(name, {
    type: "container",
    platformCapabilities: ["FARGATE"],
    retryStrategy: {
      attempts: ATTEMPTS,
      // Taken back by Spot; whatever else ended it would end it again.
      evaluateOnExits: [
        { onStatusReason: "Host EC2*", action: "RETRY" },
        { onStatusReason: "Your Spot Task was interrupted*", action: "RETRY" },
        { onReason: "*", action: "EXIT" },
      ],
    },
    timeout: { attemptDurationSeconds: TIMEOUT_SECONDS },
    containerProperties: jsonStringify({
      image,
      command: ["work", "Ref::job", "--direct", bucket.bucket],
      executionRoleArn: starter.arn,
      jobRoleArn: reader.arn,
      resourceRequirements: [
        { type: "VCPU", value: String(MACHINE.vcpus) },
        { type: "MEMORY", value: String(MACHINE.memory) },
      ],
      environment: [
        { name: "COUNTENANCE_URL", value: url },
        { name: "AWS_REGION", value: region },
      ],
      secrets: [{ name: "COUNTENANCE_KEY", valueFrom: secret.arn }],
      networkConfiguration: { assignPublicIp: "ENABLED" },
      logConfiguration: {
        logDriver: "awslogs",
        options: { "awslogs-group": logs.name, "awslogs-region": region, "awslogs-stream-prefix": "work" },
      },
    }),
  });
  return { queue: queue.name, definition: definition.name };
}
