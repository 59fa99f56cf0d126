/** From the variables of a server to a checked configuration: the Worker's, except that stores may be folders. */

import { type EngineName, ENGINES } from "../backends/engine-table.ts";
import { accessSync, constants, mkdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, resolve, sep } from "node:path";
import { z } from "zod";
import { LIMITS, type Limits } from "../scoring/limits.ts";
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
} from "../settings.ts";
import { createStoreTable, type StoreTable } from "../store-table.ts";
import { createFilesystemStore } from "../storage/filesystem/filesystem-store.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import type { createS3Store, S3StoreConfig } from "../storage/s3/s3-store.ts";

/** One configured store. */
export type ServeStore =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "s3"; readonly config: S3StoreConfig };

/** The part that the threads need. */
export interface WorkConfig {
  readonly engine: EngineName;
  readonly stores: ReadonlyMap<string, ServeStore>;
  readonly models: ModelsConfig | null;
  readonly limits: Limits;
}

/** The checked configuration. */
export interface ServeConfig extends WorkConfig {
  /** `null`: the server makes one and keeps it in the data folder. */
  readonly adminKey: string | null;
  readonly webhook: WebhookConfig | null;
  /** Who is responsible for what is scored, for reports; `null` where nobody is named. */
  readonly controller: string | null;
  /** Whether a proxy in front of the server says who asks, and over which protocol. */
  readonly trustsProxy: boolean;
}

const storesShape = z.record(
  storeName,
  z.discriminatedUnion("kind", [z.strictObject({ kind: z.literal("folder"), path: z.string().min(1) }), s3Shape]),
);

/** Folder of the default store, which needs no configuration. */
const DEFAULT_STORE = "faces";
/** Where that store may hold models. */
const DEFAULT_MODELS: ModelsConfig = { store: DEFAULT_STORE, prefix: "models/", aliases: {} };

/** Secrets that a file may hold instead, as container platforms hand them over: `ADMIN_KEY_FILE` names it. */
const SECRET_NAME = /^(ADMIN_KEY|WEBHOOK_SECRET|STORE_[A-Z0-9_]+_(ACCESS_KEY_ID|SECRET_ACCESS_KEY))$/;

/** The variables, with secrets read from the files that others name. @throws ScoringError `config_invalid` */
export function readVariables(env: Readonly<Record<string, string | undefined>>): RawEnv {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) variables[name] = value;
  for (const [name, path] of Object.entries(variables)) {
    const secret = name.endsWith("_FILE") ? name.slice(0, -"_FILE".length) : "";
    if (!SECRET_NAME.test(secret)) continue;
    if (variables[secret] !== undefined) fail(name, `and ${secret} are both set: keep one`);
    try {
      variables[secret] = readFileSync(path, "utf8").trim();
    } catch (error) {
      fail(name, `names a file that cannot be read: ${describe(error)}`);
    }
  }
  return variables;
}

/** @throws ScoringError `config_invalid`, naming the variable */
export function parseServeConfig(variables: RawEnv, dataFolder: string): ServeConfig {
  return {
    ...parseWorkConfig(variables, dataFolder),
    adminKey: variables["ADMIN_KEY"] === undefined ? null : readAdminKey(variables),
    // A resolver beside the server is asked without TLS.
    webhook: readWebhook(variables, true),
    controller: readController(variables),
    trustsProxy: variables["TRUST_PROXY"] !== undefined && readChoice(variables, "TRUST_PROXY", ["0", "1"]) === "1",
  };
}

/** The part of the configuration that work needs. @throws ScoringError `config_invalid` */
export function parseWorkConfig(variables: RawEnv, dataFolder: string): WorkConfig {
  return {
    engine: variables["ENGINE"] === undefined ? "fused" : readChoice(variables, "ENGINE", ENGINES),
    stores: readStores(variables, dataFolder),
    models: readModels(variables) ?? (variables["STORES"] === undefined ? DEFAULT_MODELS : null),
    limits: readLimits(variables, true),
  };
}

function readStores(variables: RawEnv, dataFolder: string): ReadonlyMap<string, ServeStore> {
  const own = join(resolve(dataFolder), "stores");
  if (variables["STORES"] === undefined) {
    const path = join(own, DEFAULT_STORE);
    mkdirSync(path, { recursive: true });
    return new Map([[DEFAULT_STORE, { kind: "folder", path }]]);
  }
  readText(variables, "STORES");
  const stores = new Map<string, ServeStore>();
  for (const [name, store] of Object.entries(readJson(variables, "STORES", storesShape))) {
    if (store.kind === "s3") stores.set(name, { kind: "s3", config: readS3Store(variables, name, store) });
    else stores.set(name, { kind: "folder", path: checkFolder(name, store.path, dataFolder) });
  }
  return stores;
}

/** A readable folder without the server's own files: whoever may read a store may read all of it. */
function checkFolder(name: string, path: string, dataFolder: string): string {
  const say = (problem: string): never => fail("STORES", `${name}: ${path} ${problem}`);
  if (!isAbsolute(path)) say("is not an absolute path");
  try {
    if (!statSync(path).isDirectory()) say("is not a folder");
    accessSync(path, constants.R_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("E"))
      say(`cannot be read: ${describe(error)}`);
    throw error;
  }
  const [store, data] = [realpathSync(path), realpathSync(dataFolder)];
  const isOwn = store.startsWith(`${data}${sep}stores${sep}`);
  if (isInside(data, store) || (isInside(store, data) && !isOwn))
    say(`holds the server's own files: choose another, or one below ${join(data, "stores")}`);
  return path;
}

const isInside = (inner: string, outer: string): boolean => `${inner}${sep}`.startsWith(`${outer}${sep}`);

function describe(error: unknown): string {
  return error instanceof Error ? (/^[A-Z]+: ([^,]+)/.exec(error.message)?.[1] ?? error.message) : String(error);
}

/** The stores of a configuration. @throws ScoringError `config_invalid` for an S3 store where the SDK is not installed */
export async function openServeStores({ stores }: Pick<WorkConfig, "stores">): Promise<StoreTable> {
  const opened = new Map<string, ObjectStore>();
  for (const [name, store] of stores) {
    if (store.kind === "folder") opened.set(name, createFilesystemStore(store.path));
    else opened.set(name, (await loadS3(name))({ ...store.config, pace: LIMITS.storePace }));
  }
  return createStoreTable(opened);
}

/** Only who has an S3 store needs the SDK, which is larger than all else together. */
async function loadS3(name: string): Promise<typeof createS3Store> {
  try {
    return (await import("../storage/s3/s3-store.ts")).createS3Store;
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing) throw error;
    return fail("STORES", `${name}: an S3 store needs the AWS SDK: npm install @aws-sdk/client-s3`);
  }
}
