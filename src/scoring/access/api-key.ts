/** API keys as they are stored: never the key, only its SHA-256. */

import { z } from "zod";
import { budgetSchema, type Rights, SCOPES, MAX_PRIORITY } from "./access.ts";
import { LIMITS } from "../limits.ts";

/** One key. */
export interface ApiKeyRecord extends Rights {
  /** 16 hex digits; stands in the key itself, in jobs and in the audit log. */
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the whole key, lower-case hex. */
  readonly sha256: string;
  /** The key before the last rotation, good until then. */
  readonly previous: { readonly sha256: string; readonly untilMs: number } | null;
  readonly createdMs: number;
  readonly expiresMs: number | null;
}

/** The port to stored keys. */
export interface KeyDirectory {
  /** Stores a key, or replaces the one with its id. */
  writeKey(record: ApiKeyRecord): Promise<void>;
  readKey(id: string): Promise<ApiKeyRecord | null>;
  /** All keys, oldest first. */
  listKeys(): Promise<readonly ApiKeyRecord[]>;
  /** False if there was none. */
  removeKey(id: string): Promise<boolean>;
  /** Remembers that a session was signed out, or a code used, until it would have ended by itself. False if it was known. */
  endSession(sessionId: string, endMs: number, nowMs: number): Promise<boolean>;
  isSessionEnded(sessionId: string): Promise<boolean>;
}

const grantPrefix = z
  .string()
  .max(512)
  .refine((prefix) => prefix === "" || prefix.endsWith("/"), "empty, or with / at its end")
  .refine((prefix) => !prefix.split("/").some((part) => part === "." || part === ".."), "without . and ..")
  .refine((prefix) => !prefix.startsWith("/"), "without / at its start");

/** The body of `POST /v1/keys`. */
export const newKeySchema = z.strictObject({
  name: z.string().min(1).max(100),
  scopes: z.array(z.enum(SCOPES)).min(1).default(["jobs:read", "jobs:write", "objects:write"]),
  grants: z
    .array(z.strictObject({ store: z.string().min(1).max(63), prefix: grantPrefix.default("") }))
    .min(1)
    .max(LIMITS.maxKeyGrants)
    .nullable()
    .default(null),
  purposes: z.array(z.string().min(1).max(200)).min(1).max(LIMITS.maxKeyPurposes).nullable().default(null),
  maxJobs: z.int().min(1).max(LIMITS.maxJobsPerKey).nullable().default(LIMITS.maxJobsPerKey),
  maxPriority: z.int().min(-MAX_PRIORITY).max(MAX_PRIORITY).default(0),
  maxImagesPerDay: z.int().min(0).nullable().default(null),
  budget: budgetSchema.nullable().default(null),
  expiresInSeconds: z.int().min(60).max(LIMITS.maxKeySeconds).nullable().default(null),
});

/** Everything of a key but its hashes. */
export function viewKey(record: ApiKeyRecord, nowMs: number) {
  const { id, name, scopes, grants, purposes, maxJobs, maxPriority, maxImagesPerDay, createdMs, expiresMs, previous } =
    record;
  const { budget = null } = record;
  const rotating = previous !== null && previous.untilMs > nowMs;
  return {
    id,
    name,
    scopes,
    grants,
    purposes,
    maxJobs,
    maxPriority: maxPriority ?? 0,
    maxImagesPerDay,
    budget,
    createdAt: new Date(createdMs).toISOString(),
    expiresAt: expiresMs === null ? null : new Date(expiresMs).toISOString(),
    expired: expiresMs !== null && expiresMs <= nowMs,
    previousKeyUntil: rotating ? new Date(previous.untilMs).toISOString() : null,
  };
}

/** A key as the API shows it. */
export type KeyView = ReturnType<typeof viewKey>;
