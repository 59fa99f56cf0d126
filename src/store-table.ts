/** Stores by the names of the configuration, each with retries. */

import { ScoringError } from "./errors.ts";
import type { ObjectStore } from "./storage/object-store.ts";
import { createRetryBudget, type RetryPolicy, withRetry } from "./storage/retry.ts";

/** The configured stores. */
export interface StoreTable {
  readonly names: readonly string[];
  /** @throws ScoringError `unknown_store` */
  open(name: string): ObjectStore;
}

const createRetryPolicy = (): RetryPolicy => ({
  maxAttempts: 4,
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
