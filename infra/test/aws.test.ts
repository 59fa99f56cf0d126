import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runtime } from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import {
  describeBucketRules,
  describeCaller,
  describeCallerRights,
  describeDeadLetterRights,
  describeReaderRights,
  describeStarterRights,
  describeTaskRole,
  describeWorkerRights,
  type Statement,
} from "../aws/rights.ts";
import { UPLOAD_KINDS } from "../aws/upload-kinds.ts";
import { allows, readPolicy, runAws as run, withEvents } from "./aws-stack.ts";

const withImages = {
  startOn: JSON.stringify(UPLOAD_KINDS),
  feed: "0190b6a5-0000-7000-8000-000000000000",
};

describe("the Worker's rights", () => {
  const bucket = "arn:aws:s3:::faces";
  const rights = describeWorkerRights(bucket);

  it("suffice for every call of the S3 store", () => {
    const source = ["s3-store.ts", "s3-upload.ts"]
      .map((name) => readFileSync(join(import.meta.dirname, "../../src/storage/s3", name), "utf8"))
      .join("\n");
    const calls = new Set([...source.matchAll(/new (\w+)Command\(/g)].map(([, call]) => call ?? ""));
    // Which right a call needs: "Actions, resources, and condition keys for Amazon S3" of the Service Authorization Reference.
    const needed: Record<string, readonly [string, string]> = {
      HeadObject: ["s3:GetObject", `${bucket}/in/a.jpg`],
      GetObject: ["s3:GetObjectVersion", `${bucket}/in/a.jpg`],
      ListObjectsV2: ["s3:ListBucket", bucket],
      PutObject: ["s3:PutObject", `${bucket}/out/x/_SUCCESS`],
      CreateMultipartUpload: ["s3:PutObject", `${bucket}/out/x/labels.jsonl`],
      UploadPart: ["s3:PutObject", `${bucket}/out/x/labels.jsonl`],
      CompleteMultipartUpload: ["s3:PutObject", `${bucket}/out/x/labels.jsonl`],
      AbortMultipartUpload: ["s3:AbortMultipartUpload", `${bucket}/out/x/labels.jsonl`],
      DeleteObject: ["s3:DeleteObject", `${bucket}/out/x/work/1`],
      DeleteObjects: ["s3:DeleteObject", `${bucket}/out/x/work/1`],
    };
    expect([...calls].sort()).toEqual(Object.keys(needed).sort());
    for (const [call, [action, resource]] of Object.entries(needed)) {
      expect({ call, allowed: allows(rights, action, resource) }).toEqual({ call, allowed: true });
    }
    expect(allows(rights, "s3:GetObject", `${bucket}/out/x/parts/000000000.jsonl`)).toBe(true);
  });

  it.each([
    ["s3:PutObject", `${bucket}/in/a.jpg`],
    ["s3:DeleteObject", `${bucket}/in/a.jpg`],
    ["s3:GetObject", `${bucket}/private/a.jpg`],
    ["s3:GetObject", "arn:aws:s3:::faces-other/in/a.jpg"],
    ["s3:ListBucket", "arn:aws:s3:::faces-other"],
    ["s3:DeleteObjectVersion", `${bucket}/out/x`],
    ["s3:PutBucketPolicy", bucket],
    ["iam:CreateAccessKey", "*"],
  ])("do not contain %s on %s", (action, resource) => {
    expect(allows(rights, action, resource)).toBe(false);
  });
});

it("no party may do everything, or anything to everything", () => {
  const allowed: Statement[] = [
    describeWorkerRights("arn:bucket"),
    describeBucketRules("arn:bucket"),
    describeCaller("123456789012"),
    describeCallerRights(["arn:destination"]),
    describeDeadLetterRights("arn:queue", ["arn:rule"]),
    describeTaskRole(),
    describeStarterRights("arn:secret", "arn:log"),
    describeReaderRights("arn:bucket"),
  ].flatMap(({ Statement }) => Statement.filter(({ Effect }) => Effect === "Allow"));
  expect(allowed).toHaveLength(12);
  for (const { Action, Resource = [], Principal } of allowed) {
    for (const action of Action) expect(action).toMatch(/^[a-z0-9]+:[A-Za-z]+$/);
    // Signing in to ECR is of no resource.
    const isSignIn = Action.join() === "ecr:GetAuthorizationToken";
    for (const resource of Resource) expect(resource).toMatch(isSignIn ? /^\*$/ : /^arn:/);
    expect(Principal).not.toBe("*");
  }
});

describe("the store", () => {
  it("is private, versioned, reached by TLS only, and not destroyed by mistake", async () => {
    const made = await run();
    expect(made.one("BucketPublicAccessBlock").inputs).toEqual({
      bucket: "countenance-production-1a2b3c4",
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    expect(made.one("BucketVersioning").inputs["versioningConfiguration"]).toEqual({ status: "Enabled" });
    const [deny] = readPolicy(made.one("BucketPolicy")).Statement;
    expect(deny).toMatchObject({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } });
    expect(deny?.Resource).toEqual([
      "arn:aws:bucket:Bucket:::countenance-production",
      "arn:aws:bucket:Bucket:::countenance-production/*",
    ]);
    expect(made.one("Bucket").inputs["forceDestroy"]).toBe(false);
    expect((await run({ disposable: "true" })).one("Bucket").inputs["forceDestroy"]).toBe(true);
  });

  it("aborts unfinished uploads after 7 days, forgets old versions after 7, and inputs only when told", async () => {
    const rules = (await run()).one("BucketLifecycleConfiguration").inputs["rules"];
    const always = [
      {
        id: "unfinished-uploads",
        status: "Enabled",
        filter: { prefix: "" },
        abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
      },
      {
        id: "old-versions",
        status: "Enabled",
        filter: { prefix: "" },
        noncurrentVersionExpiration: { noncurrentDays: 7 },
        expiration: { expiredObjectDeleteMarker: true },
      },
      { id: "probes", status: "Enabled", filter: { prefix: "out/.countenance-probe-" }, expiration: { days: 1 } },
    ];
    expect(rules).toEqual(always);
    expect((await run({ inputDays: "90" })).one("BucketLifecycleConfiguration").inputs["rules"]).toEqual([
      ...always,
      { id: "inputs", status: "Enabled", filter: { prefix: "in/" }, expiration: { days: 90 } },
    ]);
    await expect(run({ inputDays: "7" })).rejects.toThrow("inputDays: at least 8");
  });

  it("gives the Worker one user with the rights above, and says what wrangler needs", async () => {
    const made = await run();
    const { user, policy } = made.one("UserPolicy").inputs;
    expect(user).toBe("countenance-production-worker");
    expect(JSON.parse(String(policy))).toEqual(describeWorkerRights("arn:aws:bucket:Bucket:::countenance-production"));
    expect(made.one("AccessKey").inputs).toEqual({ user });
    expect(made.outputs).toMatchObject({
      stores:
        '"uploads": {"kind":"s3","region":"eu-central-1","bucket":"countenance-production-1a2b3c4","versions":true}',
      deadLetterUrl: undefined,
    });
    expect(JSON.parse(String(made.outputs["secrets"]))).toEqual({
      STORE_UPLOADS_ACCESS_KEY_ID: "id-of-countenance-production-1",
      STORE_UPLOADS_SECRET_ACCESS_KEY: "secret of countenance-production-1",
    });
    expect(made.secrets).toEqual(["secrets"]);
  });

  it("has two access keys while one replaces the other, and names the newer", async () => {
    const made = await run({ accessKeys: '["2","1"]' });
    expect(made.every("AccessKey").map(({ name }) => name)).toEqual([
      "countenance-production-2",
      "countenance-production-1",
    ]);
    expect(made.outputs["secrets"]).toContain('"id-of-countenance-production-2"');
    expect(made.outputs["secrets"]).not.toContain("countenance-production-1");
    for (const accessKeys of ["[]", '["3","2","1"]', '["1","1"]']) {
      await expect(run({ accessKeys })).rejects.toThrow("accessKeys: one generation, or two different ones");
    }
  });
});

describe("upload events", () => {
  it("are made once the Worker has an address, and not before", async () => {
    expect((await run()).resources.filter(({ type }) => /cloudwatch|sqs|bucketNotification/.test(type))).toEqual([]);
    expect((await run(withEvents)).one("BucketNotification").inputs).toEqual({
      bucket: "countenance-production-1a2b3c4",
      eventbridge: true,
    });
  });

  it("call POST /v1/jobs with the key as bearer, no faster than the API allows one key", async () => {
    const made = await run(withEvents);
    expect(made.one("EventApiDestination").inputs).toEqual({
      connectionArn: "arn:aws:eventConnection:EventConnection:::countenance-production-uploads",
      invocationEndpoint: "https://countenance-production.example.workers.dev/v1/jobs",
      httpMethod: "POST",
      invocationRateLimitPerSecond: 10,
    });
    expect(made.one("EventConnection").inputs).toEqual({
      authorizationType: "API_KEY",
      authParameters: {
        [runtime.specialSigKey]: runtime.specialSecretSig,
        value: { apiKey: { key: "Authorization", value: "Bearer ck_secret" } },
      },
    });
    const toml = readFileSync(join(import.meta.dirname, "../../wrangler.toml"), "utf8");
    expect(toml).toContain("simple = { limit = 1200, period = 60 }");
  });

  it("start one job a version, are tried for a day, and end among the dead letters", async () => {
    const made = await run({ ...withEvents, ...withImages });
    const targets = made.every("EventTarget");
    expect(targets.map(({ inputs }) => inputs["rule"])).toEqual(made.every("EventRule").map(({ name }) => name));
    expect(targets).toHaveLength(3);
    for (const { inputs } of targets) {
      expect(inputs).toMatchObject({
        arn: `arn:aws:eventApiDestination:EventApiDestination:::countenance-production-uploads${String(inputs["rule"]).endsWith("-image") ? "-feed" : ""}`,
        roleArn: "arn:aws:role:Role:::countenance-production-uploads",
        httpTarget: { headerParameters: { "Idempotency-Key": "$.detail.object.version-id" } },
        retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
        deadLetterConfig: { arn: "arn:aws:queue:Queue:::countenance-production-uploads" },
      });
    }
    const [send] = readPolicy(made.one("QueuePolicy")).Statement;
    expect(send?.Condition).toEqual({
      ArnEquals: {
        "aws:SourceArn": UPLOAD_KINDS.map(
          (kind) => `arn:aws:eventRule:EventRule:::countenance-production-uploads-${kind}`,
        ),
      },
    });
    expect(made.outputs["deadLetterUrl"]).toBe("https://sqs.example/countenance-production-uploads");
  });

  it("put images into a feed, one line each, within the rate of one key", async () => {
    const made = await run({ ...withEvents, ...withImages });
    expect(
      made
        .every("EventApiDestination")
        .map(({ inputs }) => [inputs["invocationEndpoint"], inputs["invocationRateLimitPerSecond"]]),
    ).toEqual([
      [`${withEvents.url}/v1/jobs`, 5],
      [`${withEvents.url}/v1/schedules/${withImages.feed}/inputs`, 5],
    ]);
    expect(readPolicy(made.one("RolePolicy")).Statement[0]?.Resource).toHaveLength(2);
    const image = made.every("EventTarget").find(({ name }) => name.endsWith("-image"));
    expect(image?.inputs["inputTransformer"]).toMatchObject({
      inputTemplate: '{"key":<key>,"etag":<etag>,"versionId":<version>}',
    });
    const alone = await run({ ...withEvents, feed: withImages.feed, startOn: '["image"]' });
    expect(alone.one("EventApiDestination").inputs).toMatchObject({ invocationRateLimitPerSecond: 10 });
  });

  it("tell an address of dead letters, where there is one", async () => {
    expect((await run(withEvents)).every("MetricAlarm")).toEqual([]);
    const made = await run({ ...withEvents, alarmEmail: "operator@example.org" });
    const topic = "arn:aws:topic:Topic:::countenance-production-uploads";
    expect(made.one("TopicSubscription").inputs).toEqual({
      topic,
      protocol: "email",
      endpoint: "operator@example.org",
    });
    expect(made.one("MetricAlarm").inputs).toMatchObject({
      namespace: "AWS/SQS",
      metricName: "ApproximateNumberOfMessagesVisible",
      dimensions: { QueueName: made.one("Queue").name },
      comparisonOperator: "GreaterThanThreshold",
      threshold: 0,
      alarmActions: [topic],
    });
  });

  it("take a role that may call this one address, for this account only", async () => {
    const made = await run(withEvents);
    expect(readPolicy(made.one("RolePolicy"))).toEqual(
      describeCallerRights(["arn:aws:eventApiDestination:EventApiDestination:::countenance-production-uploads"]),
    );
    expect(readPolicy(made.one("Role"), "assumeRolePolicy")).toEqual(describeCaller("123456789012"));
  });

  it.each([
    [{ url: "http://countenance.example" }, "url: https://"],
    [{ url: "https://countenance.example/v1/jobs" }, "url: https://"],
    [{ purpose: '<key>", "faces": "all' }, "purpose: 1 to 200"],
    [{ startOn: '["video"]' }, "startOn: some of manifest, tar, image"],
    [{ startOn: '["image"]' }, "feed: images need one"],
    [{ feed: "0190b6a5-0000-7000-8000-000000000000" }, "feed: images need one"],
    [{ startOn: '["image"]', feed: "../keys" }, "feed: the id of a schedule"],
    [{ faces: "smallest" }, "faces: one of aligned, largest, all"],
    [{ store: "My Store" }, "store: a-z, 0-9 and -"],
  ])("refuse %o by name", async (config, message) => {
    await expect(run({ ...withEvents, ...config })).rejects.toThrow(message);
  });

  it("need a key and a purpose of their own", async () => {
    await expect(run({ url: withEvents.url, purpose: "research" })).rejects.toThrow("apiKey");
    await expect(run({ url: withEvents.url, apiKey: "ck_secret" })).rejects.toThrow("purpose");
  });
});
