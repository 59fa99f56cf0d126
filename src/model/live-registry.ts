/** The models of a process where some may come and go: those that lie in a store. */

import { ScoringError } from "../errors.ts";
import type { ModelSource } from "./model.ts";
import { createRegistry, type LeftOutModel, type Registry } from "./registry.ts";

/** A model as a listing names it. */
export interface ListedModel {
  readonly source: ModelSource;
  /** Of its card: another one means other content. */
  readonly etag: string;
}

/** What lies in a store. */
export interface ModelListing {
  readonly models: readonly ListedModel[];
  readonly leftOut: readonly LeftOutModel[];
}

/** Choices of {@link createLiveRegistry}. */
export interface LiveRegistryOptions {
  /** Names of your own; one that leads nowhere, or hides a model, waits until that changes. */
  readonly aliases?: Readonly<Record<string, string>>;
  list(): Promise<ModelListing>;
  readonly clock: () => number;
  /** A listing this old is made anew before a model is looked up. */
  readonly maxAgeMs: number;
  /** The same where a model is not known: it may have come just now. */
  readonly minAgeMs: number;
}

/**
 * A registry over models that are always there and those of a listing. A listing that fails stops only who asks for a
 * model that is not known. Cards and weights are kept as long as the listing names the same card.
 */
export function createLiveRegistry(always: readonly ModelSource[], options: LiveRegistryOptions): Registry {
  const { aliases = {}, maxAgeMs, minAgeMs } = options;
  const fixed = new Set(always.map(({ id }) => id));
  let listed = new Map<string, ListedModel>();
  let leftOut: readonly LeftOutModel[] = [];
  let current = build(always, [], aliases);
  let listedMs = -Infinity;
  let underWay: Promise<void> | null = null;

  function adopt(listing: ModelListing): void {
    const hidden = listing.models.filter(({ source }) => fixed.has(source.id));
    leftOut = [
      ...listing.leftOut,
      ...hidden.map(({ source: { id } }) => ({ id, detail: "comes with the program: take another name or version" })),
    ];
    const next = new Map(
      listing.models.filter((model) => !hidden.includes(model)).map((model) => [model.source.id, model]),
    );
    const isSame = next.size === listed.size && [...next].every(([id, { etag }]) => listed.get(id)?.etag === etag);
    if (isSame) return;
    listed = next;
    current = build(
      always,
      [...next.values()].map(({ source }) => source),
      aliases,
    );
  }

  async function readListing(): Promise<void> {
    adopt(await options.list());
    listedMs = options.clock();
  }

  function relist(): Promise<void> {
    underWay ??= readListing().finally(() => (underWay = null));
    return underWay;
  }

  async function refresh(reference?: string, wanted: "recent" | "now" = "recent"): Promise<void> {
    if (reference !== undefined && fixed.has(reference)) return;
    const isKnown = reference === undefined || knows(current, reference);
    const age = options.clock() - listedMs;
    if (wanted === "recent" && age < (isKnown ? maxAgeMs : minAgeMs)) return;
    try {
      await relist();
    } catch (error) {
      if (!isKnown || wanted === "now") throw error;
    }
  }

  return {
    list: () => current.list(),
    resolve: (reference) => current.resolve(reference),
    async card(reference) {
      await refresh(reference);
      return current.card(reference);
    },
    async load(reference) {
      await refresh(reference);
      return current.load(reference);
    },
    refresh,
    leftOut: () => leftOut,
  };
}

function knows(registry: Registry, reference: string): boolean {
  try {
    registry.resolve(reference);
    return true;
  } catch (error) {
    if (error instanceof ScoringError && error.code === "unknown_model") return false;
    throw error;
  }
}

function build(
  always: readonly ModelSource[],
  found: readonly ModelSource[],
  aliases: Readonly<Record<string, string>>,
): Registry {
  const sources = [...always, ...found];
  const bare = createRegistry(sources);
  const usable = Object.entries(aliases).filter(([alias, target]) => {
    const names = new Set(sources.map(({ id }) => id.replace(/@.*/, "")));
    return !names.has(alias) && !sources.some(({ id }) => id === alias) && knows(bare, target);
  });
  return createRegistry(sources, Object.fromEntries(usable));
}
