/** What the parts of the contract of object stores share. */

import { expect } from "vitest";
import { type ErrorCode, ScoringError } from "../../src/errors.ts";
import type { ObjectInfo, ObjectStore } from "../../src/storage/object-store.ts";
import { readBody } from "../../src/storage/read-body.ts";

/** The adapter under test and where it may differ. */
export interface StoreUnderTest {
  readonly name: string;
  /** Called before the first test; all tests share the store, each under a prefix of its own. */
  open(): Promise<ObjectStore> | ObjectStore;
  /** Keys that the adapter's medium cannot hold: it must refuse them with `validation_failed`, never store them elsewhere. */
  refuses?(key: string): boolean;
  /** Names that the server of this test, not the adapter, cannot take, with the reason: skipped, and shown as skipped. */
  readonly serverLacks?: Readonly<Record<string, string>>;
}

/** Where one test works: the store of all tests, under a prefix of its own. */
export interface StoreScene {
  readonly store: ObjectStore;
  readonly prefix: string;
}

export const MIB = 1024 * 1024;

/** The bytes seed, seed + 7, seed + 14 … modulo 256: a wrong range shows. */
export function makeBytes(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = at * 7 + seed;
  return bytes;
}

/** A whole object; `null` if it does not exist. */
export async function readAll(store: ObjectStore, key: string): Promise<Uint8Array | null> {
  const result = await store.get(key);
  return result.kind === "found" ? readBody(result.body, 64 * MIB, result.info.size) : null;
}

/** A whole listing, in pages of `limit`. */
export async function listAll(store: ObjectStore, prefix: string, limit: number): Promise<ObjectInfo[]> {
  const all: ObjectInfo[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 1000; pages++) {
    const page = await store.list({ prefix, limit, ...(cursor === undefined ? {} : { cursor }) });
    expect(page.objects.length).toBeLessThanOrEqual(limit);
    all.push(...page.objects);
    cursor = page.cursor;
    if (cursor === undefined) return all;
  }
  throw new Error("the listing never ends");
}

/** How a call ends: with a code of ours, without an error, or with a stranger. */
export async function catchCode(promise: Promise<unknown>): Promise<ErrorCode | "no error" | "foreign error"> {
  try {
    await promise;
    return "no error";
  } catch (error) {
    return error instanceof ScoringError ? error.code : "foreign error";
  }
}
