import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { ENVIRONMENTS, type Environment } from "../environments.ts";
import { runProgram, type Run } from "./recorder.ts";

/** The names of wrangler.toml are the contract: what it binds exists, and nothing else is made. */

const accountId = "0123456789abcdef0123456789abcdef";
const run = (stack: string, config: Record<string, string> = {}) =>
  runProgram(
    "cloudflare",
    stack,
    Object.fromEntries(
      Object.entries({ accountId, ...config }).map(([key, value]) => [`countenance-cloudflare:${key}`, value]),
    ),
  );

/** The part of wrangler.toml that names things on the account. */
interface Bound {
  readonly vars: Readonly<Record<string, string>>;
  readonly r2_buckets: readonly { readonly bucket_name: string }[];
  readonly queues: {
    readonly producers: readonly { readonly queue: string }[];
    readonly consumers: readonly { readonly queue: string; readonly dead_letter_queue?: string }[];
  };
}

const toml = parse(readFileSync(join(import.meta.dirname, "../../wrangler.toml"), "utf8")) as unknown as {
  readonly env: Readonly<Record<Environment, Bound>>;
};

function listBuckets({ every }: Run): unknown[] {
  return every("R2Bucket").map(({ inputs }) => inputs["name"]);
}

function listQueues({ every }: Run): unknown[] {
  return every("Queue").map(({ inputs }) => inputs["queueName"]);
}

interface Rule {
  readonly id: string;
  readonly enabled: boolean;
  readonly conditions: { readonly prefix: string };
  readonly abortMultipartUploadsTransition?: { readonly condition: { readonly type: string; readonly maxAge: number } };
  readonly deleteObjectsTransition?: { readonly condition: { readonly type: string; readonly maxAge: number } };
}

/** `id prefix days` of each rule. */
function listRules({ one }: Run): string[] {
  const rules = one("R2BucketLifecycle").inputs["rules"] as readonly Rule[];
  return rules.map(({ id, enabled, conditions, ...transitions }) => {
    const { abortMultipartUploadsTransition: abort, deleteObjectsTransition: remove } = transitions;
    expect(enabled).toBe(true);
    expect((abort ?? remove)?.condition.type).toBe("Age");
    const days = ((abort ?? remove)?.condition.maxAge ?? 0) / 86_400;
    return `${id}: ${abort === undefined ? "delete" : "abort"} "${conditions.prefix}" after ${days}`;
  });
}

it("wrangler.toml has the environments that stacks are named after, and binds only what is known here", () => {
  expect(Object.keys(toml.env)).toEqual([...ENVIRONMENTS]);
  // A new kind of binding is either made by `wrangler deploy` and added here, or made by these programs.
  const madeByDeploy = ["analytics_engine_datasets", "durable_objects", "ratelimits", "vars"];
  for (const bound of Object.values(toml.env)) {
    expect(Object.keys(bound).sort()).toEqual([...madeByDeploy, "queues", "r2_buckets"].sort());
  }
});

describe.each(ENVIRONMENTS)("the stack %s", (environment) => {
  it("makes exactly the buckets and queues that its environment binds", async () => {
    const made = await run(environment);
    const bound = toml.env[environment];
    expect(listBuckets(made)).toEqual(bound.r2_buckets.map(({ bucket_name }) => bucket_name));
    const queues = [...bound.queues.producers, ...bound.queues.consumers].map(({ queue }) => queue);
    const letters = bound.queues.consumers.flatMap(({ dead_letter_queue }) => dead_letter_queue ?? []);
    expect(new Set(listQueues(made))).toEqual(new Set([...queues, ...letters]));
    expect(listQueues(made)).toHaveLength(new Set([...queues, ...letters]).size);
    expect(made.outputs).toMatchObject({
      bucket: bound.r2_buckets[0]?.bucket_name,
      queue: bound.queues.producers[0]?.queue,
      deadLetterQueue: letters[0],
    });
    const onAccount = made.resources.filter(({ type }) => type.startsWith("cloudflare:"));
    expect(onAccount.map(({ inputs }) => inputs["accountId"])).toEqual(onAccount.map(() => accountId));
  });
});

describe("the bucket's rules", () => {
  const always = ['unfinished-uploads: abort "" after 7', 'probes: delete "out/.countenance-probe-" after 1'];

  it("abort uploads that nobody completed, and touch no picture and no output", async () => {
    const made = await run("production");
    expect(made.one("R2BucketLifecycle").inputs["bucketName"]).toBe("faces-production");
    expect(listRules(made)).toEqual(always);
  });

  it("delete inputs where that is asked for, outputs never", async () => {
    expect(listRules(await run("dev", { inputDays: "30" }))).toEqual([...always, 'inputs: delete "in/" after 30']);
  });

  it("empty a disposable bucket", async () => {
    expect(listRules(await run("dev", { disposable: "true" }))).toEqual([...always, 'everything: delete "" after 1']);
  });

  it.each(["7", "0", "-1", "8.5"])("refuse %s days, which a running job may outlive", async (inputDays) => {
    await expect(run("dev", { inputDays })).rejects.toThrow("inputDays: at least 8");
  });
});

describe("uploads that R2 tells of", () => {
  it("go into the queue that the Worker consumes, below the prefixes of feeds, whole objects only", async () => {
    const made = await run("production", { feedPrefixes: '["in/uploads/","in/cameras/"]', jurisdiction: "eu" });
    const actions = ["PutObject", "CopyObject", "CompleteMultipartUpload"];
    expect(made.one("R2BucketEventNotification").inputs).toMatchObject({
      bucketName: "faces-production",
      jurisdiction: "eu",
      queueId: "queue-of-uploads",
      rules: [
        { prefix: "in/uploads/", actions },
        { prefix: "in/cameras/", actions },
      ],
    });
    expect((await run("production")).every("R2BucketEventNotification")).toEqual([]);
    // The name by which the events call the bucket is the one that the Worker finds the store by.
    expect(JSON.parse(toml.env.production.vars["STORES"] ?? "")).toEqual({
      faces: { kind: "r2", binding: "FACES", bucket: "faces-production" },
    });
  });

  it.each(['[""]', '["out/"]', '["o"]', '["out/x/"]'])("are never outputs: %s is refused", async (feedPrefixes) => {
    await expect(run("dev", { feedPrefixes })).rejects.toThrow("feedPrefixes: ");
  });
});

describe("a jurisdiction", () => {
  it("holds the bucket and its rules where it is asked for, and nowhere else", async () => {
    const held = await run("production", { jurisdiction: "eu" });
    const free = await run("production");
    for (const type of ["R2Bucket", "R2BucketLifecycle"]) {
      expect(held.one(type).inputs["jurisdiction"]).toBe("eu");
      expect(free.one(type).inputs).not.toHaveProperty("jurisdiction");
    }
  });

  it("that R2 does not have is refused", async () => {
    await expect(run("dev", { jurisdiction: "mars" })).rejects.toThrow("jurisdiction: one of eu, fedramp");
  });
});

describe("secrets", () => {
  it("are kept encrypted, and are long enough for the Worker", async () => {
    const made = await run("production");
    expect([...made.secrets].sort()).toEqual(["adminKey", "secrets"]);
    expect(made.outputs["adminKey"]).toBe("bytes of admin-key");
    expect(JSON.parse(String(made.outputs["secrets"]))).toEqual({
      ADMIN_KEY: "bytes of admin-key",
      WEBHOOK_SECRET: "whsec_bytes of webhook-secret",
    });
    // Base64 of 33 bytes: 44 characters; the Worker wants 32 for a key and 24 to 64 bytes for signing.
    for (const { inputs } of made.every("RandomBytes")) expect(inputs["length"]).toBe(33);
  });

  it("change with their generation only", async () => {
    const made = await run("production", { adminKeyGeneration: "2" });
    const keepers = made.every("RandomBytes").map(({ name, inputs }) => [name, inputs["keepers"]]);
    expect(keepers).toEqual([
      ["admin-key", { generation: "2" }],
      ["webhook-secret", { generation: "1" }],
    ]);
  });
});

it.each([
  ["prod", {}, "The stack prod is none of"],
  ["dev", { accountId: "my account" }, "accountId: 32 hexadecimal digits"],
])("the stack %s with %o is refused by name", async (stack, config, message) => {
  await expect(run(stack, config)).rejects.toThrow(message);
});
