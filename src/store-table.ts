/** Stores by the names of the configuration, each with retries; and the models that lie in one. */

import { ScoringError } from "./errors.ts";
import type { ModelSource } from "./model/model.ts";
import { createLiveRegistry } from "./model/live-registry.ts";
import { createRegistry, type Registry } from "./model/registry.ts";
import { LIMITS } from "./scoring/limits.ts";
import { findStoredModels, listStoredModels } from "./scoring/operations/stored-models.ts";
import type { ModelsConfig } from "./settings.ts";
import type { ObjectStore } from "./storage/object-store.ts";
import { withRetry } from "./storage/retried-store.ts";
import { createRetryBudget, type RetryPolicy } from "./storage/retry.ts";

/** The configured stores. */
export interface StoreTable {
  readonly names: readonly string[];
  /** @throws ScoringError `unknown_store` */
  open(name: string): ObjectStore;
}

const createRetryPolicy = (): RetryPolicy => ({
  ...LIMITS.storeTries,
  baseDelayMs: 100,
  maxDelayMs: 3000,
  budget: createRetryBudget(50, 0.2),
  random: Math.random,
  sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
});

/** The table over bare stores. */
export function createStoreTable(bare: ReadonlyMap<string, ObjectStore>): StoreTable {
  const stores = new Map([...bare].map(([name, store]) => [name, withRetry(store, createRetryPolicy())]));
  return {
    names: [...stores.keys()],
    open(name) {
      const store = stores.get(name);
      if (store === undefined) throw new ScoringError("unknown_store", `no store is named ${JSON.stringify(name)}`);
      return store;
    },
  };
}

/** The models of a deployment: those that come with the program, and those of the configuration. */
export function openModels(bundled: readonly ModelSource[], stores: StoreTable, models: ModelsConfig | null): Registry {
  if (models === null) return createRegistry([...bundled]);
  const { store, prefix, ids, aliases } = models;
  if (ids === undefined) {
    return createLiveRegistry(bundled, {
      aliases,
      list: () => findStoredModels(stores.open(store), prefix, LIMITS),
      clock: () => Date.now(),
      maxAgeMs: LIMITS.modelListMs,
      minAgeMs: LIMITS.unknownModelListMs,
    });
  }
  const stored = listStoredModels(stores.open(store), prefix, ids, LIMITS.maxModelBytes);
  return createRegistry([...bundled, ...stored], aliases);
}

/** Where a new model would be found; `null` where there is no such place, or only named models are taken. */
export function findModelPlace(
  models: ModelsConfig | null,
): { readonly store: string; readonly prefix: string } | null {
  return models === null || models.ids !== undefined ? null : { store: models.store, prefix: models.prefix };
}
