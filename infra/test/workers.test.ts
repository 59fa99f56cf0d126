import { describe, expect, it } from "vitest";
import { describeReaderRights, describeTaskRole } from "../aws/rights.ts";
import { allows, readPolicy, runAws as run, withEvents } from "./aws-stack.ts";

describe("machines beside the bucket", () => {
  const withWork = {
    url: withEvents.url,
    workKey: "ck_work",
    work: JSON.stringify({
      image: "1.dkr.ecr.eu-central-1.amazonaws.com/countenance:1",
      subnets: ["subnet-1"],
      securityGroups: ["sg-1"],
    }),
    apiKey: withEvents.apiKey,
    purpose: withEvents.purpose,
  };

  it("are started by Batch on Fargate Spot, where they are wanted", async () => {
    expect((await run()).every("JobQueue")).toEqual([]);
    const made = await run(withWork);
    expect(made.one("ComputeEnvironment").inputs).toMatchObject({
      type: "MANAGED",
      computeResources: { type: "FARGATE_SPOT", maxVcpus: 64, subnets: ["subnet-1"], securityGroupIds: ["sg-1"] },
    });
    expect(made.outputs).toMatchObject({
      workQueue: "countenance-production-work",
      workDefinition: "countenance-production-work",
    });
  });

  it("run the command line against the bucket, with the key from its secret and a role that reads inputs only", async () => {
    const made = await run(withWork);
    const { inputs } = made.one("JobDefinition");
    const container = JSON.parse(String(inputs["containerProperties"])) as Record<string, unknown>;
    expect(container).toMatchObject({
      command: ["work", "Ref::job", "--direct", "countenance-production-1a2b3c4"],
      jobRoleArn: "arn:aws:role:Role:::countenance-production-work",
      executionRoleArn: "arn:aws:role:Role:::countenance-production-work-start",
      environment: [
        { name: "COUNTENANCE_URL", value: withEvents.url },
        { name: "AWS_REGION", value: "eu-central-1" },
      ],
      secrets: [{ name: "COUNTENANCE_KEY", valueFrom: "arn:aws:secret:Secret:::countenance-production-work" }],
    });
    // Fargate takes 4 CPUs with 8 to 30 GiB.
    expect(container["resourceRequirements"]).toEqual([
      { type: "VCPU", value: "4" },
      { type: "MEMORY", value: "8192" },
    ]);
    expect(JSON.stringify(container)).not.toContain("ck_work");
    const policies = new Map(made.every("RolePolicy").map((policy) => [policy.name, readPolicy(policy)]));
    const bucketArn = "arn:aws:bucket:Bucket:::countenance-production";
    const rights = policies.get("countenance-production-work");
    expect(rights).toEqual(describeReaderRights(bucketArn));
    expect(allows(rights!, "s3:GetObject", `${bucketArn}/in/a.jpg`)).toBe(true);
    for (const [action, key] of [
      ["s3:GetObject", "out/x"],
      ["s3:PutObject", "in/a.jpg"],
    ] as const) {
      expect(allows(rights!, action, `${bucketArn}/${key}`)).toBe(false);
    }
    expect(
      readPolicy(
        made.every("Role").find(({ name }) => name === "countenance-production-work")!,
        "assumeRolePolicy",
      ),
    ).toEqual(describeTaskRole());
  });

  it("come again where Spot took one back, and not where the work itself ended", async () => {
    const strategy = (await run(withWork)).one("JobDefinition").inputs["retryStrategy"];
    expect(strategy).toMatchObject({
      attempts: 5,
      evaluateOnExits: [{ action: "RETRY" }, { action: "RETRY" }, { onReason: "*", action: "EXIT" }],
    });
  });

  it.each([
    [{ work: "{}" }, "work: image"],
    [{ work: '{"image":"x"}' }, "work: subnets and securityGroups"],
    [{ work: '{"image":"x","subnets":["a"],"securityGroups":["b"],"maxVcpus":2}' }, "work: maxVcpus of 4 or more"],
  ])("refuse %o by name", async (config, message) => {
    await expect(run({ ...withWork, ...config })).rejects.toThrow(message);
  });
});
