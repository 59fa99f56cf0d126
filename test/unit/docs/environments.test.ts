import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";
import { z } from "zod";
import { parseConfig } from "../../../src/env.ts";

/** wrangler's environments inherit no binding: each must have what the local one has, under names of its own. */

const root = join(import.meta.dirname, "../../..");
const environments = ["dev", "staging", "production"] as const;

/** What the tests read of wrangler's own reading; its package exports no usable type of it. */
const configShape = z.looseObject({
  name: z.string(),
  account_id: z.undefined(),
  vars: z.record(z.string(), z.unknown()),
  r2_buckets: z.array(z.looseObject({ binding: z.string(), bucket_name: z.string() })),
  queues: z.looseObject({
    producers: z.array(z.looseObject({ binding: z.string(), queue: z.string() })),
    consumers: z.array(z.looseObject({ queue: z.string(), dead_letter_queue: z.string().optional() })),
  }),
  analytics_engine_datasets: z.array(z.looseObject({ binding: z.string(), dataset: z.string() })),
  ratelimits: z.array(z.looseObject({ name: z.string(), namespace_id: z.string(), simple: z.unknown() })),
});

const readEnvironment = (env?: string) =>
  configShape.parse(
    readConfig({ config: join(root, "wrangler.toml"), ...(env === undefined ? {} : { env }) }, { hideWarnings: true }),
  );
const local = readEnvironment();

/** Everything of the account that a Worker touches by name. */
function listNames(config: typeof local): string[] {
  return [
    ...config.r2_buckets.map(({ bucket_name }) => `bucket ${bucket_name}`),
    ...config.queues.producers.map(({ queue }) => `producer ${queue}`),
    ...config.queues.consumers.map(({ queue }) => `consumer ${queue}`),
    ...config.analytics_engine_datasets.map(({ dataset }) => `dataset ${dataset}`),
    ...config.ratelimits.map(({ namespace_id }) => `counters ${namespace_id}`),
    `worker ${config.name}`,
  ];
}

describe.each(environments)("environment %s", (name) => {
  const config = readEnvironment(name);

  it("binds what the local one binds", () => {
    expect(config.r2_buckets.map(({ binding }) => binding)).toEqual(local.r2_buckets.map(({ binding }) => binding));
    expect(config.ratelimits.map(({ name, simple }) => ({ name, simple }))).toEqual(
      local.ratelimits.map(({ name, simple }) => ({ name, simple })),
    );
    expect(config.analytics_engine_datasets.map(({ binding }) => binding)).toEqual(["METRICS"]);
    expect(config.durable_objects).toEqual(local.durable_objects);
    // Taken from the top level by wrangler itself.
    const inherited = [
      "main",
      "compatibility_date",
      "migrations",
      "triggers",
      "limits",
      "rules",
      "assets",
      "alias",
    ] as const;
    for (const key of inherited) expect({ [key]: config[key] }).toEqual({ [key]: local[key] });
  });

  it("has queues with the rules of the local ones, and letters that the Worker knows as dead", () => {
    const withoutEnvironment = (queue: string) => queue.replace(`-${name}`, "");
    expect(config.queues.producers).toEqual([{ binding: "CHUNKS", queue: `chunks-${name}` }]);
    const consumers = config.queues.consumers.map((consumer) => ({
      ...consumer,
      queue: withoutEnvironment(consumer.queue),
      ...(consumer.dead_letter_queue === undefined
        ? {}
        : { dead_letter_queue: withoutEnvironment(consumer.dead_letter_queue) }),
    }));
    expect(consumers).toEqual(local.queues.consumers);
    expect(config.queues.consumers.map(({ queue }) => queue)).toEqual([
      `chunks-${name}`,
      `chunks-dead-${name}`,
      `uploads-${name}`,
    ]);
  });

  it("is strict: no local key, an admin key or nothing", () => {
    expect(Object.keys(config.vars).sort()).toEqual(
      Object.keys(local.vars)
        .filter((key) => key !== "DEV_API_KEY")
        .sort(),
    );
    expect(config.vars["ENVIRONMENT"]).toBe("production");
    expect(() => parseConfig(config.vars)).toThrow("ADMIN_KEY");
    const adminKey = "0123456789".repeat(4);
    expect(() => parseConfig({ ...config.vars, ADMIN_KEY: adminKey, DEV_API_KEY: "local-development-key" })).toThrow(
      "DEV_API_KEY",
    );
  });
});

/** A binding that notes where it was held. */
const bind = (held: string[]) => ({
  idFromName: () => null,
  jurisdiction: (name: string) => ({ idFromName: () => null, held: held.push(name) }),
});

function parseWithObjects(
  environment: "local" | "production",
  more: Record<string, unknown>,
): readonly [string | null, string[]] {
  const held: string[] = [];
  const env = {
    ...local.vars,
    ENVIRONMENT: environment,
    ADMIN_KEY: "0123456789".repeat(4),
    DEV_API_KEY: environment === "local" ? "key" : undefined,
    FACES: { head: 1 },
    CHUNKS: { sendBatch: 1 },
    RATE_LIMIT: { limit: 1 },
    JOBS: bind(held),
    DIRECTORY: bind(held),
    ...more,
  };
  return [parseConfig(env).jurisdiction, held];
}

describe("a jurisdiction", () => {
  it("holds the objects of jobs and keys, on the account alone; none does by default", () => {
    expect(parseWithObjects("production", {})).toEqual([null, []]);
    expect(parseWithObjects("production", { JURISDICTION: "eu" })).toEqual(["eu", ["eu", "eu"]]);
    expect(parseWithObjects("local", { JURISDICTION: "eu" })).toEqual(["eu", []]);
  });

  it("that does not exist is refused", () => {
    expect(() => parseWithObjects("production", { JURISDICTION: "EU" })).toThrow(
      "JURISDICTION must be one of eu, us, fedramp",
    );
  });
});

it("no two environments share anything on the account", () => {
  const all = [local, ...environments.map(readEnvironment)].flatMap(listNames);
  expect(all.length).toBe(8 * 4);
  expect(new Set(all).size).toBe(all.length);
});
