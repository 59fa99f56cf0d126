/** What a key may do: scopes, stores with prefixes, purposes, quotas. Everything that reads or writes on behalf of a key checks it here. */

import { z } from "zod";
import { ScoringError } from "../../errors.ts";
import { LIMITS } from "../limits.ts";

/**
 * What a key can be allowed to do. `reviews:write` labels the pictures of reviews, and opens no others. `metrics:read` is for Prometheus and
 * reads nothing else. `admin` makes keys and sees the jobs of every key.
 */
export const SCOPES = ["jobs:read", "jobs:write", "objects:write", "reviews:write", "metrics:read", "admin"] as const;

export type Scope = (typeof SCOPES)[number];

/** One part of one store. `prefix` is empty (the whole store) or ends in `/`, so that `a/` never opens `ab/`. */
export interface StoreGrant {
  readonly store: string;
  readonly prefix: string;
}

/** What may be spent. */
export const budgetSchema = z.strictObject({ dollars: z.number().positive().max(LIMITS.maxBudgetDollars) });
/** See {@link budgetSchema}. */
export type Budget = z.output<typeof budgetSchema>;

/** What a key may use and how much of it. `null` stands for no limit. */
export interface Rights {
  readonly scopes: readonly Scope[];
  readonly grants: readonly StoreGrant[] | null;
  /** The purposes that a job may declare; a job without one is then refused. */
  readonly purposes: readonly string[] | null;
  /** Jobs that have not ended. */
  readonly maxJobs: number | null;
  /** Highest priority of a job; 0 by default, so that no key gets ahead of others unless it may. */
  readonly maxPriority?: number;
  /** Inputs of the jobs created on one UTC day. */
  readonly maxImagesPerDay: number | null;
  /** What its jobs may cost in one UTC month, at the prices of job-cost.ts. */
  readonly budget?: Budget | null;
}

/** Who makes a request. */
export interface Caller extends Rights {
  readonly keyId: string;
}

/** What a job keeps of the key that made it. */
export interface JobOwner {
  readonly keyId: string;
  readonly grants: readonly StoreGrant[] | null;
  readonly maxImagesPerDay: number | null;
}

/** The owner that a caller's jobs have. */
export function toOwner({ keyId, grants, maxImagesPerDay }: Caller): JobOwner {
  return { keyId, grants, maxImagesPerDay };
}

/**
 * Whether `key` (or a listing prefix) lies inside a grant. Keys with `.` or `..` segments lie in none: stores take them
 * literally, but URLs on the way to an S3 endpoint do not.
 */
export function isGranted(grants: readonly StoreGrant[] | null, store: string, key: string): boolean {
  if (grants === null) return true;
  if (key.split("/").some((part) => part === "." || part === "..")) return false;
  return grants.some((grant) => grant.store === store && key.startsWith(grant.prefix));
}

/** @throws ScoringError `forbidden` */
export function requireGrant(grants: readonly StoreGrant[] | null, store: string, key: string): void {
  if (isGranted(grants, store, key)) return;
  throw new ScoringError("forbidden", `the API key may not use ${JSON.stringify(key.slice(0, 200))} in ${store}`);
}

/** Highest priority of a job; its negative is the lowest. */
export const MAX_PRIORITY = 100;
