/** What the tests of inputs share: stores, plans of all pages, a shard. */

import * as fc from "fast-check";
import { packTar } from "modern-tar";
import { expect } from "vitest";
import type { Issue } from "../../../../src/errors.ts";
import type { PlanLimits } from "../../../../src/scoring/plan/input-page.ts";
import type { InputSpec } from "../../../../src/scoring/manifest/input-spec.ts";
import { planInputPage } from "../../../../src/scoring/plan/plan-page.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import type { InputItem } from "../../../../src/scoring/records/input-item.ts";
import { createMemoryStore } from "../../../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../../../src/storage/object-store.ts";

/** What planning may do, as in production. */
export const LIMIT: PlanLimits = LIMITS.plan;

/** All pages joined, as a job plans them. Fails if a page breaks its own limits or planning does not end. */
export async function planAll(
  store: ObjectStore,
  input: InputSpec,
  limits: PlanLimits = LIMIT,
): Promise<{ items: InputItem[]; issues: Issue[]; pages: number }> {
  const items: InputItem[] = [];
  const issues: Issue[] = [];
  let cursor: string | null = null;
  for (let pages = 1; pages < 5000; pages++) {
    const page = await planInputPage(store, input, cursor, limits);
    expect(page.items.length).toBeLessThanOrEqual(limits.maxItems);
    items.push(...page.items);
    issues.push(...page.issues);
    cursor = page.cursor;
    if (cursor === null) return { items, issues, pages };
    expect(cursor.length).toBeLessThan(8192);
  }
  throw new Error("planning does not end");
}

/** Page sizes, read budgets and windows small enough that every edge is met. */
export const tightLimits = fc.record({
  maxItems: fc.integer({ min: 1, max: 9 }),
  maxReads: fc.integer({ min: 4, max: 12 }),
  windowBytes: fc.constantFrom(512, 700, 1024, 65_536),
});

/** A store with these objects. */
export async function fill(objects: Readonly<Record<string, string | Uint8Array>>): Promise<ObjectStore> {
  const store = createMemoryStore();
  for (const [key, body] of Object.entries(objects)) await store.put(key, body);
  return store;
}

/** All pictures under a prefix. */
export function image(prefix: string): InputSpec {
  return { kind: "prefix", format: "image", prefix };
}

/** A manifest object. */
export function manifest(key: string, format: InputSpec["format"] = "image"): InputSpec {
  return { kind: "manifest", format, key };
}

/** Items and issues must not depend on how planning was cut into pages. */
export async function expectSameForEveryPage(store: ObjectStore, input: InputSpec, maxLineBytes = 500): Promise<void> {
  const whole = await planAll(store, input, { ...LIMIT, maxLineBytes });
  await fc.assert(
    fc.asyncProperty(tightLimits, async (tight) => {
      const cut = await planAll(store, input, { ...LIMIT, ...tight, maxLineBytes });
      expect(cut.items).toEqual(whole.items);
      expect(cut.issues).toEqual(whole.issues);
    }),
    { numRuns: 40 },
  );
}

/** A shard with labels before and after the pictures, nested folders, long names, and members that are no pictures. */
export async function packShard(samples: number): Promise<Uint8Array> {
  const entries = [];
  const add = (name: string, body: Uint8Array | string): void => {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    entries.push({ header: { name, size: bytes.length, type: "file" as const }, body: bytes });
  };
  entries.push({ header: { name: "dir/", size: 0, type: "directory" as const } });
  for (let number = 0; number < samples; number++) {
    const name = `dir/${number % 3 === 0 ? "long-".repeat(30) : ""}${number}`;
    const picture = new Uint8Array((number * 397) % 1500).fill(number);
    if (number % 2 === 0) add(`${name}.cls`, `${number % 7}\n`);
    add(`${name}.jpg`, picture);
    if (number % 4 === 0) add(`${name}.right.png`, picture);
    if (number % 2 === 1) add(`${name}.json`, JSON.stringify({ label: "Sad", groups: { cam: number } }));
    if (number % 5 === 0) add(`${name}.txt`, "a caption");
  }
  return packTar(entries);
}
