/** From the Worker's bindings to a checked configuration. A wrong or missing value is reported by name, at the first request. */

import { type EngineName, ENGINES } from "./backends/engine-table.ts";
import { z } from "zod";
import type { Limits } from "./scoring/limits.ts";
import type { WorkMessage } from "./scoring/job/messages.ts";
import type { DirectoryBase } from "./jobs/directory-object.ts";
import type { JobCoordinatorBase } from "./jobs/job-coordinator-object.ts";
import {
  fail,
  type ModelsConfig,
  type RawEnv,
  readAdminKey,
  readChoice,
  readController,
  readJson,
  readLimits,
  readModels,
  readS3Store,
  readText,
  readWebhook,
  s3Shape,
  storeName,
  type WebhookConfig,
} from "./settings.ts";
import type { R2BucketLike } from "./storage/r2/r2-types.ts";
import type { S3StoreConfig } from "./storage/s3/s3-store.ts";

/** One configured store: an R2 binding, or an S3 endpoint with the credentials of its secrets. */
export type StoreConfig =
  | { readonly kind: "r2"; readonly bucket: R2BucketLike; readonly name: string | null }
  | { readonly kind: "s3"; readonly config: S3StoreConfig };

/** Jurisdictions of Durable Objects that can be asked for. */
const JURISDICTIONS = ["eu", "us", "fedramp"] as const;
/** One of them. */
export type Jurisdiction = (typeof JURISDICTIONS)[number];

/** The checked configuration: parsing has already refused whatever is missing or wrong. */
export interface Config {
  readonly environment: "local" | "production";
  readonly engine: EngineName;
  /** Where the objects that hold jobs and keys are kept and run; `null`: anywhere. */
  readonly jurisdiction: Jurisdiction | null;
  readonly stores: ReadonlyMap<string, StoreConfig>;
  /** May do everything; makes the keys of everybody else. `null` only in local development. */
  readonly adminKey: string | null;
  /** Models in a store, besides the bundled ones; `null` for none. */
  readonly models: ModelsConfig | null;
  /** Accepted from a loopback address only; `null` outside local development. */
  readonly devKey: string | null;
  /** Signs webhooks; `null` if no job may ask for one. */
  readonly webhook: WebhookConfig | null;
  /** Who is responsible for what is scored, for reports; `null` where nobody is named. */
  readonly controller: string | null;
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

const storesShape = z.record(
  storeName,
  z.discriminatedUnion("kind", [
    // The bucket's name is how its event notifications call it.
    z.strictObject({ kind: z.literal("r2"), binding: z.string(), bucket: z.string().optional() }),
    s3Shape,
  ]),
);

/** Bindings are objects of the runtime, recognized by a method that they must have. */
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
    const config: StoreConfig =
      store.kind === "r2"
        ? { kind: "r2", bucket: readBinding<R2BucketLike>(env, store.binding, "head"), name: store.bucket ?? null }
        : { kind: "s3", config: readS3Store(env, name, store) };
    stores.set(name, config);
  }
  return stores;
}

/** @throws ScoringError `config_invalid`, naming the variable */
export function parseConfig(env: RawEnv): Config {
  const environment = readChoice(env, "ENVIRONMENT", ["local", "production"] as const);
  const isLocal = environment === "local";
  const adminKey = isLocal && env["ADMIN_KEY"] === undefined ? null : readAdminKey(env);
  // It is in the repository, so everybody knows it.
  if (!isLocal && env["DEV_API_KEY"] !== undefined) fail("DEV_API_KEY", "is for local development only");
  const jurisdiction = env["JURISDICTION"] === undefined ? null : readChoice(env, "JURISDICTION", JURISDICTIONS);
  // On this machine there is one place, and workerd refuses to tell others from it.
  const restrict = <T>(objects: DurableObjectNamespace<T>): DurableObjectNamespace<T> =>
    jurisdiction === null || isLocal ? objects : objects.jurisdiction(jurisdiction);
  return {
    environment,
    engine: readChoice(env, "ENGINE", ENGINES),
    jurisdiction,
    stores: readStores(env),
    models: readModels(env),
    adminKey,
    devKey: isLocal ? readText(env, "DEV_API_KEY") : null,
    controller: readController(env),
    limits: readLimits(env, isLocal),
    webhook: readWebhook(env, isLocal),
    queue: readBinding(env, "CHUNKS", "sendBatch"),
    rateLimit: readBinding(env, "RATE_LIMIT", "limit"),
    metrics: env["METRICS"] === undefined ? null : readBinding(env, "METRICS", "writeDataPoint"),
    jobs: restrict(readBinding(env, "JOBS", "idFromName")),
    directory: restrict(readBinding(env, "DIRECTORY", "idFromName")),
  };
}
