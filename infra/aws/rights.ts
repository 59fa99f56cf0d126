/** What each party may do on AWS: policy documents, and nothing that needs an account to be read. */

import { PREFIXES } from "../environments.ts";

/** One statement of a policy document. */
export interface Statement {
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: "*" | { readonly Service: string };
  readonly Action: readonly string[];
  readonly Resource?: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** A policy document in IAM's grammar. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly Statement[];
}

function writePolicy(...Statement: Statement[]): PolicyDocument {
  return { Version: "2012-10-17", Statement };
}

/**
 * The Worker's: reads inputs and outputs, writes and deletes outputs only. Conditional puts and multipart uploads need no right
 * beyond s3:PutObject.
 */
export function describeWorkerRights(bucketArn: string): PolicyDocument {
  return writePolicy(
    // Of the whole bucket: with a condition on the prefix, asking for a missing key would answer 403 and not 404.
    { Effect: "Allow", Action: ["s3:ListBucket"], Resource: [bucketArn] },
    {
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:GetObjectVersion"],
      Resource: [`${bucketArn}/${PREFIXES.inputs}*`, `${bucketArn}/${PREFIXES.outputs}*`],
    },
    {
      Effect: "Allow",
      Action: ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
      Resource: [`${bucketArn}/${PREFIXES.outputs}*`],
    },
  );
}

/** Nobody reaches the bucket in clear text. */
export function describeBucketRules(bucketArn: string): PolicyDocument {
  return writePolicy({
    Effect: "Deny",
    Principal: "*",
    Action: ["s3:*"],
    Resource: [bucketArn, `${bucketArn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  });
}

/** Lets EventBridge, for rules of this account only, take the role that calls the API. */
export function describeCaller(accountId: string): PolicyDocument {
  return writePolicy({
    Effect: "Allow",
    Principal: { Service: "events.amazonaws.com" },
    Action: ["sts:AssumeRole"],
    Condition: { StringEquals: { "aws:SourceAccount": accountId } },
  });
}

/** The role's only right. */
export function describeCallerRights(destinationArns: readonly string[]): PolicyDocument {
  return writePolicy({ Effect: "Allow", Action: ["events:InvokeApiDestination"], Resource: destinationArns });
}

/** Lets these rules, and nobody else, leave what they could not deliver. */
export function describeDeadLetterRights(queueArn: string, ruleArns: readonly string[]): PolicyDocument {
  return writePolicy({
    Effect: "Allow",
    Principal: { Service: "events.amazonaws.com" },
    Action: ["sqs:SendMessage"],
    Resource: [queueArn],
    Condition: { ArnEquals: { "aws:SourceArn": ruleArns } },
  });
}

/** Lets a task of ECS, which Batch starts, take a role. */
export function describeTaskRole(): PolicyDocument {
  return writePolicy({
    Effect: "Allow",
    Principal: { Service: "ecs-tasks.amazonaws.com" },
    Action: ["sts:AssumeRole"],
  });
}

/** Of whoever starts a machine beside the bucket: reads its API key, writes its log, pulls its image from ECR. */
export function describeStarterRights(secretArn: string, logArn: string): PolicyDocument {
  return writePolicy(
    { Effect: "Allow", Action: ["secretsmanager:GetSecretValue"], Resource: [secretArn] },
    { Effect: "Allow", Action: ["logs:CreateLogStream", "logs:PutLogEvents"], Resource: [`${logArn}:*`] },
    {
      Effect: "Allow",
      Action: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
      Resource: ["arn:aws:ecr:*:*:repository/countenance*"],
    },
    // ECR's sign-in is of the whole registry: it knows no resource.
    { Effect: "Allow", Action: ["ecr:GetAuthorizationToken"], Resource: ["*"] },
  );
}

/** Of the program on it: reads pictures, and nothing else. */
export function describeReaderRights(bucketArn: string): PolicyDocument {
  return writePolicy({
    Effect: "Allow",
    Action: ["s3:GetObject", "s3:GetObjectVersion"],
    Resource: [`${bucketArn}/${PREFIXES.inputs}*`],
  });
}
