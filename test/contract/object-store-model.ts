/** Random sequences of operations, run on a store and on the memory store: every answer must be the same but for etags. */

import * as fc from "fast-check";
import { expect } from "vitest";
import { createMemoryStore } from "../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { readBody } from "../../src/storage/read-body.ts";

/** The memory store, and the etag that each side gave to the last write of a key, the present one or an old one. */
interface Model {
  readonly store: ObjectStore;
  readonly etags: Map<string, { readonly model: string; readonly real: string }>;
}

interface Real {
  readonly store: ObjectStore;
  readonly prefix: string;
}

type Command = fc.AsyncCommand<Model, Real>;

/** `which` chooses the condition: the last known etag, one that never was, create-only, or none. */
type Condition = "known" | "wrong" | "create" | "none";

function makeCommand(text: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return { check: () => true, run, toString: () => text };
}

function etagFor(side: "model" | "real", model: Model, key: string, condition: Condition): string {
  return condition === "known" ? (model.etags.get(key)?.[side] ?? "0".repeat(32)) : "f".repeat(32);
}

function putCommand(key: string, body: string, condition: Condition): Command {
  return makeCommand(`put ${key} (${condition})`, async (model, real) => {
    const options = (side: "model" | "real"): { ifNoneMatch?: "*"; ifMatch?: string } => {
      if (condition === "none") return {};
      return condition === "create" ? { ifNoneMatch: "*" } : { ifMatch: etagFor(side, model, key, condition) };
    };
    const expected = await model.store.put(key, body, options("model"));
    const actual = await real.store.put(real.prefix + key, body, options("real"));
    expect(actual.kind).toBe(expected.kind);
    if (expected.kind === "stored" && actual.kind === "stored") {
      model.etags.set(key, { model: expected.etag, real: actual.etag });
    }
  });
}

function getCommand(key: string, condition: Condition, offset: number, length: number): Command {
  return makeCommand(`get ${key} (${condition}) ${offset}+${length}`, async (model, real) => {
    const read = async (store: ObjectStore, name: string, side: "model" | "real"): Promise<unknown> => {
      const ifMatch = condition === "none" || condition === "create" ? undefined : etagFor(side, model, key, condition);
      try {
        const result = await store.get(name, {
          ...(ifMatch === undefined ? {} : { ifMatch }),
          ...(length === 0 ? {} : { range: { offset, length } }),
        });
        if (result.kind !== "found") return result.kind;
        return { size: result.info.size, text: new TextDecoder().decode(await readBody(result.body, 1000)) };
      } catch (error) {
        return error instanceof Error && "code" in error ? error.code : error;
      }
    };
    const expected = await read(model.store, key, "model");
    expect(await read(real.store, real.prefix + key, "real")).toEqual(expected);
  });
}

function deleteCommand(keys: readonly string[]): Command {
  return makeCommand(`delete ${keys.join(" ")}`, async (model, real) => {
    await model.store.delete(keys);
    await real.store.delete(keys.map((key) => real.prefix + key));
  });
}

/** Keys (without `base`) and sizes of all pages. */
async function listAll(
  store: ObjectStore,
  base: string,
  prefix: string,
  startAfter: string | null,
  limit: number,
): Promise<unknown[]> {
  const all: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({
      prefix: base + prefix,
      limit,
      ...(cursor !== undefined ? { cursor } : startAfter === null ? {} : { startAfter: base + startAfter }),
    });
    all.push(...page.objects.map(({ key, size }) => [key.slice(base.length), size]));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return all;
}

function listCommand(prefix: string, startAfter: string | null, limit: number): Command {
  return makeCommand(`list ${prefix} after ${startAfter} by ${limit}`, async (model, real) => {
    const expected = await listAll(model.store, "", prefix, startAfter, limit);
    expect(await listAll(real.store, real.prefix, prefix, startAfter, limit)).toEqual(expected);
  });
}

/** Runs `runs` random sequences on `store`, each below a prefix of its own. */
export async function checkAgainstModel(store: ObjectStore, runs: number): Promise<void> {
  // Few keys, so that they meet; none is a folder of another, so that a file system can take part.
  const key = fc.constantFrom("a", "b/1", "b/2", "b.", "é", "😀", "＞", "c d+e%20");
  const condition = fc.constantFrom<Condition>("known", "wrong", "create", "none", "none");
  const command = fc.oneof(
    fc.tuple(key, fc.string({ unit: "grapheme", maxLength: 12 }), condition).map((args) => putCommand(...args)),
    fc
      .tuple(key, condition, fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 15 }))
      .map((args) => getCommand(...args)),
    fc.array(key, { minLength: 1, maxLength: 3 }).map(deleteCommand),
    fc
      .tuple(fc.constantFrom("", "b", "b/", "z"), fc.option(key), fc.integer({ min: 1, max: 4 }))
      .map((args) => listCommand(...args)),
  );
  let count = 0;
  await fc.assert(
    fc.asyncProperty(fc.commands([command], { maxCommands: 25 }), async (commands) => {
      count += 1;
      const model: Model = { store: createMemoryStore(), etags: new Map() };
      await fc.asyncModelRun(() => ({ model, real: { store, prefix: `model-${count}/` } }), commands);
    }),
    { numRuns: runs },
  );
}
