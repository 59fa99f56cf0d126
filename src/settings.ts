/** The variables that both deployments read. A wrong or missing value is reported by its name in the configuration. */

import { z } from "zod";
import { ScoringError } from "./errors.ts";
import { LIMITS, type Limits } from "./scoring/limits.ts";
import type { S3StoreConfig } from "./storage/s3/s3-store.ts";

/** Variables and bindings as they arrive. */
export type RawEnv = Readonly<Record<string, unknown>>;

/** Models in a store, besides the bundled ones, and aliases of models. */
export type ModelsConfig = z.output<typeof modelsShape>;

/** How webhooks are sent. */
export interface WebhookConfig {
  readonly secret: string;
  readonly allowedHosts: readonly string[];
  /** Where the names of receivers are looked up before they are used; `null` if nowhere. */
  readonly resolverUrl: string | null;
}

const modelsShape = z.strictObject({
  store: z.string().min(1),
  prefix: z.string().regex(/^$|\/$/, "ends with /"),
  /** Absent: whatever lies below the prefix. */
  ids: z.array(z.string()).min(1).max(LIMITS.maxStoredModels).optional(),
  aliases: z.record(z.string(), z.string()).default({}),
});

/** A store's name, as manifests and URLs hold it. */
export const storeName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);

/** The dearest way out of a cloud costs a tenth of it. */
const MAX_EGRESS_DOLLARS = 10;

/** An S3 store of the variable STORES. */
export const s3Shape = z.strictObject({
  kind: z.literal("s3"),
  endpoint: z.url().optional(),
  region: z.string().min(1),
  bucket: z.string().min(1),
  forcePathStyle: z.boolean().default(false),
  versions: z.boolean().default(false),
  /** Dollars for each gigabyte that leaves the store; for dry runs. */
  egressDollarsPerGb: z.number().min(0).max(MAX_EGRESS_DOLLARS).optional(),
});

/** Shorter ones can be guessed. */
const MIN_ADMIN_KEY_LENGTH = 32;

/** LOCAL_TIMES, in ms: lets a test see lost work found in seconds. */
const timesShape = z.strictObject({
  leaseMs: z.int().min(100).optional(),
  resendMs: z.int().min(100).optional(),
  sweepMs: z.int().min(100).optional(),
});

/** @throws ScoringError `config_invalid` */
export function fail(name: string, problem: string): never {
  throw new ScoringError("config_invalid", `${name} ${problem}`);
}

/** A text that must be there. @throws ScoringError `config_invalid` */
export function readText(env: RawEnv, name: string): string {
  const value = env[name];
  return typeof value === "string" && value !== "" ? value : fail(name, "is missing");
}

/** One of a few words. @throws ScoringError `config_invalid` */
export function readChoice<T extends string>(env: RawEnv, name: string, choices: readonly T[]): T {
  const value = readText(env, name);
  return choices.find((choice) => choice === value) ?? fail(name, `must be one of ${choices.join(", ")}`);
}

/** JSON of a shape. @throws ScoringError `config_invalid` */
export function readJson<T>(env: RawEnv, name: string, shape: z.ZodType<T>): T {
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

/** The key that makes all others. @throws ScoringError `config_invalid` */
export function readAdminKey(env: RawEnv): string {
  const key = readText(env, "ADMIN_KEY");
  return key.length >= MIN_ADMIN_KEY_LENGTH
    ? key
    : fail("ADMIN_KEY", `must have at least ${MIN_ADMIN_KEY_LENGTH} characters`);
}

/** MODELS, if it is set. @throws ScoringError `config_invalid` */
export function readModels(env: RawEnv): ModelsConfig | null {
  return env["MODELS"] === undefined ? null : readJson(env, "MODELS", modelsShape);
}

/** An S3 store with the credentials of its two secrets. @throws ScoringError `config_invalid` */
export function readS3Store(env: RawEnv, name: string, store: z.output<typeof s3Shape>): S3StoreConfig {
  const variable = `STORE_${name.toUpperCase().replaceAll("-", "_")}`;
  const { endpoint, region, bucket, forcePathStyle, versions, egressDollarsPerGb } = store;
  const credentials = {
    accessKeyId: readText(env, `${variable}_ACCESS_KEY_ID`),
    secretAccessKey: readText(env, `${variable}_SECRET_ACCESS_KEY`),
  };
  const egress = egressDollarsPerGb === undefined ? {} : { egressDollarsPerGb };
  const config = { region, bucket, forcePathStyle, versions, credentials, ...egress };
  return endpoint === undefined ? config : { endpoint, ...config };
}

/**
 * WEBHOOK_SECRET and what goes with it; `null` without one.
 * @param isLocal a resolver on this machine may be asked without TLS
 * @throws ScoringError `config_invalid`
 */
export function readWebhook(env: RawEnv, isLocal: boolean): WebhookConfig | null {
  if (env["WEBHOOK_SECRET"] === undefined) return null;
  const secret = readText(env, "WEBHOOK_SECRET");
  // Standard Webhooks: 24 to 64 random bytes in base64.
  if (!/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/.test(secret))
    fail("WEBHOOK_SECRET", "must be whsec_ and 24 to 64 bytes in base64");
  const hosts = env["WEBHOOK_ALLOWED_HOSTS"];
  const allowedHosts = typeof hosts === "string" ? hosts.split(",").filter((host) => host !== "") : [];
  const resolverUrl = env["WEBHOOK_RESOLVER"] === undefined ? null : readText(env, "WEBHOOK_RESOLVER");
  const protocol = resolverUrl !== null && URL.canParse(resolverUrl) ? new URL(resolverUrl).protocol : null;
  if (resolverUrl !== null && protocol !== "https:" && !(isLocal && protocol === "http:"))
    fail("WEBHOOK_RESOLVER", "must be an https address");
  return { secret, allowedHosts, resolverUrl };
}

/** Longest CONTROLLER: a name, a place and an address. */
const MAX_CONTROLLER_LENGTH = 200;

/**
 * CONTROLLER: who is responsible for what is scored here and how to reach them, in one line; `null` where nobody is named.
 * @throws ScoringError `config_invalid`
 */
export function readController(env: RawEnv): string | null {
  if (env["CONTROLLER"] === undefined) return null;
  const text = readText(env, "CONTROLLER");
  if (text.length > MAX_CONTROLLER_LENGTH || /[\r\n]/.test(text))
    fail("CONTROLLER", `must be one line of at most ${MAX_CONTROLLER_LENGTH} characters`);
  return text;
}

/** VERIFY_SAMPLE: fewer than these would let a client falsify a tenth of a chunk unseen more often than not, more take longer than a chunk may. */
const VERIFY_SAMPLES = { least: 4, most: 256 } as const;

function readVerifySample(env: RawEnv): number {
  if (env["VERIFY_SAMPLE"] === undefined) return LIMITS.maxClientSample;
  const text = readText(env, "VERIFY_SAMPLE");
  const count = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  const { least, most } = VERIFY_SAMPLES;
  return count >= least && count <= most
    ? count
    : fail("VERIFY_SAMPLE", `must be a whole number of ${least} to ${most}`);
}

/**
 * LIMITS, except for the sample of clients' records that is scored again (VERIFY_SAMPLE), and the times that local tests shorten.
 * @throws ScoringError `config_invalid`
 */
export function readLimits(env: RawEnv, isLocal: boolean): Limits {
  const limits: Limits = { ...LIMITS, maxClientSample: readVerifySample(env) };
  if (!isLocal || env["LOCAL_TIMES"] === undefined) return limits;
  const { leaseMs, resendMs, sweepMs } = readJson(env, "LOCAL_TIMES", timesShape);
  return {
    ...limits,
    leaseMs: leaseMs ?? LIMITS.leaseMs,
    unwatchedLeaseMs: leaseMs ?? LIMITS.unwatchedLeaseMs,
    resendMs: resendMs ?? LIMITS.resendMs,
    sweepMs: sweepMs ?? LIMITS.sweepMs,
  };
}
