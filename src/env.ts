/** Raw bindings to a checked configuration. A wrong or missing value fails by its name, at the first request. */

import { z } from "zod";
import { ScoringError } from "./errors.ts";
import { LIMITS, type Limits } from "./scoring/limits.ts";
import type { WorkMessage } from "./scoring/job/messages.ts";
import type { DirectoryBase } from "./jobs/directory-object.ts";
import type { JobCoordinatorBase } from "./jobs/job-coordinator-object.ts";
import type { R2BucketLike } from "./storage/r2/r2-types.ts";
import type { S3StoreConfig } from "./storage/s3/s3-store.ts";

/** What wrangler.toml binds, as it arrives. */
export type RawEnv = Readonly<Record<string, unknown>>;

/** One configured store: an R2 binding, or an S3 endpoint with the credentials of its secrets. */
export type StoreConfig =
  | { readonly kind: "r2"; readonly bucket: R2BucketLike }
  | { readonly kind: "s3"; readonly config: S3StoreConfig };

/** The checked configuration; what is missing or wrong was named when it was parsed. */
export interface Config {
  readonly environment: "local" | "production";
  readonly engine: "tfjs" | "fused";
  readonly stores: ReadonlyMap<string, StoreConfig>;
  /** May do everything; makes the keys of everybody else. `null` only in local development. */
  readonly adminKey: string | null;
  /** Models in a store beside the bundled ones; `null`: none. */
  readonly models: z.output<typeof modelsShape> | null;
  /** Accepted from a loopback address only; `null` outside local development. */
  readonly devKey: string | null;
  /** Signs webhooks; `null`: no job may ask for one. */
  readonly webhook: {
    readonly secret: string;
    readonly allowedHosts: readonly string[];
    /** Where names are looked up before they are used; `null`: nowhere. */
    readonly resolverUrl: string | null;
  } | null;
  /** LIMITS, except for the times that local tests shorten. */
  readonly limits: Limits;
  readonly queue: QueueProducer<WorkMessage>;
  /** Counts requests by key or address. */
  readonly rateLimit: RateLimitBinding;
  /** Where metrics go; `null`: to the log. */
  readonly metrics: AnalyticsDataset | null;
  readonly jobs: DurableObjectNamespace<JobCoordinatorBase>;
  readonly directory: DurableObjectNamespace<DirectoryBase>;
}

const storeShape = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("r2"), binding: z.string() }),
  z.strictObject({
    kind: z.literal("s3"),
    endpoint: z.url().optional(),
    region: z.string().min(1),
    bucket: z.string().min(1),
    forcePathStyle: z.boolean().default(false),
    versions: z.boolean().default(false),
  }),
]);
const modelsShape = z.strictObject({
  store: z.string().min(1),
  prefix: z.string().regex(/^$|\/$/, "ends with /"),
  ids: z.array(z.string()).min(1).max(LIMITS.maxStoredModels),
  aliases: z.record(z.string(), z.string()).default({}),
});
const storesShape = z.record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/), storeShape);
/** Shorter ones can be guessed. */
const MIN_ADMIN_KEY_LENGTH = 32;

/** LOCAL_TIMES, in ms: lets a test see lost work found in seconds. */
const timesShape = z.strictObject({
  leaseMs: z.int().min(100).optional(),
  resendMs: z.int().min(100).optional(),
  sweepMs: z.int().min(100).optional(),
});

function readWebhook(env: RawEnv, environment: Config["environment"]): NonNullable<Config["webhook"]> {
  const secret = readText(env, "WEBHOOK_SECRET");
  // Standard Webhooks: 24 to 64 random bytes in base64.
  if (!/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/.test(secret))
    fail("WEBHOOK_SECRET", "must be whsec_ and 24 to 64 bytes in base64");
  const hosts = env["WEBHOOK_ALLOWED_HOSTS"];
  const allowedHosts = typeof hosts === "string" ? hosts.split(",").filter((host) => host !== "") : [];
  const resolverUrl = env["WEBHOOK_RESOLVER"] === undefined ? null : readText(env, "WEBHOOK_RESOLVER");
  const protocol = resolverUrl !== null && URL.canParse(resolverUrl) ? new URL(resolverUrl).protocol : null;
  if (resolverUrl !== null && protocol !== "https:" && !(environment === "local" && protocol === "http:"))
    fail("WEBHOOK_RESOLVER", "must be an https address");
  return { secret, allowedHosts, resolverUrl };
}

function readLimits(env: RawEnv, environment: Config["environment"]): Limits {
  if (environment !== "local" || env["LOCAL_TIMES"] === undefined) return LIMITS;
  const { leaseMs, resendMs, sweepMs } = readJson(env, "LOCAL_TIMES", timesShape);
  return {
    ...LIMITS,
    leaseMs: leaseMs ?? LIMITS.leaseMs,
    unwatchedLeaseMs: leaseMs ?? LIMITS.unwatchedLeaseMs,
    resendMs: resendMs ?? LIMITS.resendMs,
    sweepMs: sweepMs ?? LIMITS.sweepMs,
  };
}

function fail(name: string, problem: string): never {
  throw new ScoringError("config_invalid", `${name} ${problem}`);
}

function readText(env: RawEnv, name: string): string {
  const value = env[name];
  return typeof value === "string" && value !== "" ? value : fail(name, "is missing");
}

function readChoice<T extends string>(env: RawEnv, name: string, choices: readonly T[]): T {
  const value = readText(env, name);
  return choices.find((choice) => choice === value) ?? fail(name, `must be one of ${choices.join(", ")}`);
}

function readJson<T>(env: RawEnv, name: string, shape: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(readText(env, name));
  } catch (error) {
    if (error instanceof ScoringError) throw error;
    fail(name, "is not JSON");
  }
  const parsed = shape.safeParse(value);
  return parsed.success ? parsed.data : fail(name, z.prettifyError(parsed.error));
}

/** Bindings are objects of the runtime: the method that is used first tells what they are. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names what wrangler.toml binds
function readBinding<T>(env: RawEnv, name: string, method: string): T {
  const value = env[name];
  const fits = typeof value === "object" && value !== null && method in value;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the platform's objects have no checkable type
  return fits ? (value as T) : fail(name, "is not bound as wrangler.toml says");
}

function readStores(env: RawEnv): ReadonlyMap<string, StoreConfig> {
  const stores = new Map<string, StoreConfig>();
  for (const [name, store] of Object.entries(readJson(env, "STORES", storesShape))) {
    if (store.kind === "r2") {
      stores.set(name, { kind: "r2", bucket: readBinding<R2BucketLike>(env, store.binding, "head") });
      continue;
    }
    const variable = `STORE_${name.toUpperCase().replaceAll("-", "_")}`;
    const { endpoint, region, bucket, forcePathStyle, versions } = store;
    const credentials = {
      accessKeyId: readText(env, `${variable}_ACCESS_KEY_ID`),
      secretAccessKey: readText(env, `${variable}_SECRET_ACCESS_KEY`),
    };
    const config = { region, bucket, forcePathStyle, versions, credentials };
    stores.set(name, { kind: "s3", config: endpoint === undefined ? config : { endpoint, ...config } });
  }
  return stores;
}

/** @throws ScoringError `config_invalid`, naming the variable */
export function parseConfig(env: RawEnv): Config {
  const environment = readChoice(env, "ENVIRONMENT", ["local", "production"] as const);
  const adminKey = environment === "production" || env["ADMIN_KEY"] !== undefined ? readText(env, "ADMIN_KEY") : null;
  if (adminKey !== null && adminKey.length < MIN_ADMIN_KEY_LENGTH) {
    fail("ADMIN_KEY", `must have at least ${MIN_ADMIN_KEY_LENGTH} characters`);
  }
  // It is in the repository, so everybody knows it.
  if (environment !== "local" && env["DEV_API_KEY"] !== undefined) fail("DEV_API_KEY", "is for local development only");
  return {
    environment,
    engine: readChoice(env, "ENGINE", ["tfjs", "fused"] as const),
    stores: readStores(env),
    models: env["MODELS"] === undefined ? null : readJson(env, "MODELS", modelsShape),
    adminKey,
    devKey: environment === "local" ? readText(env, "DEV_API_KEY") : null,
    limits: readLimits(env, environment),
    webhook: env["WEBHOOK_SECRET"] === undefined ? null : readWebhook(env, environment),
    queue: readBinding(env, "CHUNKS", "sendBatch"),
    rateLimit: readBinding(env, "RATE_LIMIT", "limit"),
    metrics: env["METRICS"] === undefined ? null : readBinding(env, "METRICS", "writeDataPoint"),
    jobs: readBinding(env, "JOBS", "idFromName"),
    directory: readBinding(env, "DIRECTORY", "idFromName"),
  };
}
