/** What a key may do: scopes, stores with prefixes, purposes, quotas. Everything that reads or writes for a key asks here. */

import { ScoringError } from "../../errors.ts";
import { jobFolder } from "../keys.ts";
import type { Manifest } from "../manifest/manifest.ts";

/**
 * What a key can be allowed to do. `reviews:write` labels the pictures of reviews, and opens no others. `admin` makes keys and sees
 * the jobs of all of them.
 */
export const SCOPES = ["jobs:read", "jobs:write", "objects:write", "reviews:write", "admin"] as const;

export type Scope = (typeof SCOPES)[number];

/** One part of one store. `prefix` is empty (the whole store) or ends in `/`, so that `a/` never opens `ab/`. */
export interface StoreGrant {
  readonly store: string;
  readonly prefix: string;
}

/** What a key may use and how much of it. `null` stands for no limit. */
export interface Rights {
  readonly scopes: readonly Scope[];
  readonly grants: readonly StoreGrant[] | null;
  /** The purposes that a job may declare; a job without one is then refused. */
  readonly purposes: readonly string[] | null;
  /** Jobs that have not ended. */
  readonly maxJobs: number | null;
  /** Highest priority of a job; absent: 0, so that no key gets ahead of others unless it was allowed to. */
  readonly maxPriority?: number;
  /** Inputs of the jobs that were created on one UTC day. */
  readonly maxImagesPerDay: number | null;
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
 * Whether `key` (or a listing prefix) lies inside of a grant. Keys with `.` or `..` segments lie nowhere: stores take them
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
  throw new ScoringError("forbidden", `this API key may not use ${JSON.stringify(key.slice(0, 200))} in ${store}`);
}

/** Checks what a manifest names, its purpose included. @throws ScoringError `forbidden` with the first 100 findings */
export function checkManifestAccess(manifest: Manifest, caller: Rights): void {
  const { input, output, purpose } = manifest;
  const issues: { path: string; code: string; message: string }[] = [];
  const check = (path: string, store: string, key: string): void => {
    if (isGranted(caller.grants, store, key)) return;
    issues.push({ path, code: "forbidden", message: `outside of what this API key may use in ${store}` });
  };
  if (input.prefix !== undefined) check("input.prefix", input.store, input.prefix);
  if (input.manifest !== undefined)
    check("input.manifest.key", input.manifest.store ?? input.store, input.manifest.key);
  for (const [index, { key }] of (input.objects ?? []).entries()) {
    check(`input.objects[${index}].key`, input.store, key);
  }
  check("output.prefix", output.store, jobFolder(output.prefix, ""));
  const maxPriority = caller.maxPriority ?? 0;
  if (manifest.priority > maxPriority) {
    issues.push({
      path: "priority",
      code: "forbidden",
      message: `this API key allows priorities up to ${maxPriority}`,
    });
  }
  if (caller.purposes !== null && (purpose === undefined || !caller.purposes.includes(purpose))) {
    const allowed = caller.purposes.map((one) => JSON.stringify(one)).join(", ");
    issues.push({ path: "purpose", code: "forbidden", message: `this API key allows the purposes ${allowed}` });
  }
  if (issues.length === 0) return;
  const findings = issues.length === 1 ? "1 finding" : `${issues.length} findings`;
  throw new ScoringError("forbidden", `this API key does not allow the job (${findings})`, {
    issues: issues.slice(0, 100),
  });
}
