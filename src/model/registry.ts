/** The models that exist, by `name@version` and alias; loads each at most once. */

import { ScoringError } from "../errors.ts";
import type { Family, ModelCard } from "./card.ts";
import type { Classifier } from "./classifier.ts";
import { loadCard, loadModel, type Model, type ModelSource } from "./model.ts";

/** Reads one file of a model folder; `null` if it does not exist. A bucket prefix and a folder both fit. */
export interface ModelReader {
  /** @param path such as `deep-emotion@1/card.json` */
  read(path: string): Promise<Uint8Array | null>;
}

/** Engine constructors by family. A family that is absent cannot be served here. */
export type EngineTable = { readonly [F in Family]?: (model: Model) => Promise<Classifier> };

/** The models of one process, side by side. */
export interface Registry {
  /** Ids, ordered by name, then newest first. */
  list(): readonly string[];
  /**
   * `name@version` of a reference: an id, a bare name (its newest version) or an alias.
   * @throws ScoringError `unknown_model`
   */
  resolve(reference: string): string;
  /** The card alone, without its weights. @throws ScoringError `unknown_model`, `model_invalid` */
  card(reference: string): Promise<ModelCard>;
  /** @throws ScoringError `unknown_model`, `model_invalid`, `model_hash_mismatch` */
  load(reference: string): Promise<Model>;
  /**
   * Looks whether models came or went, where they can: before `resolve` and `list` of what may be new.
   * @param wanted `now`: whatever was known a moment ago
   * @throws ScoringError as the store does, where `reference` is not known
   */
  refresh(reference?: string, wanted?: "recent" | "now"): Promise<void>;
  /** Models that lie there and cannot be used, with the reason. */
  leftOut(): readonly LeftOutModel[];
}

/** A model that is there and no model of the registry. */
export interface LeftOutModel {
  readonly id: string;
  readonly detail: string;
}

/** Models whose weights are kept: a process scores with one or two at a time, and each may have 32 MiB. */
const MOST_LOADED = 4;

const ID = /^([a-z0-9]+(?:-[a-z0-9]+)*)@([1-9][0-9]{0,5})$/;

/** Names for what most people choose between, where the model that they stand for is at hand. */
const BUILT_IN_ALIASES: Readonly<Record<string, string>> = { fast: "deep-emotion", accurate: "plain-net" };

/**
 * A registry over several sources, side by side. `fast` and `accurate` stand for `deep-emotion` and `plain-net`.
 * @param aliases names of your own, each for an id or a bare name; they win over those two
 * @throws ScoringError `config_invalid` for a malformed or repeated id, or an alias that leads nowhere
 */
export function createRegistry(
  sources: readonly ModelSource[],
  aliases: Readonly<Record<string, string>> = {},
): Registry {
  const byId = new Map<string, ModelSource>();
  const newest = new Map<string, number>();
  for (const source of sources) {
    const [name, version] = parseModelId(source.id);
    if (byId.has(source.id)) throw new ScoringError("config_invalid", `the model ${source.id} is registered twice`);
    byId.set(source.id, source);
    newest.set(name, Math.max(version, newest.get(name) ?? 0));
  }
  const find = (reference: string): string | undefined => {
    if (byId.has(reference)) return reference;
    const version = newest.get(reference);
    return version === undefined ? undefined : `${reference}@${version}`;
  };
  for (const [alias, target] of Object.entries(aliases)) {
    if (find(alias) !== undefined) throw new ScoringError("config_invalid", `the alias ${alias} hides a model`);
    if (find(target) === undefined) throw new ScoringError("config_invalid", `the alias ${alias} names no model`);
  }
  const known = new Map(
    Object.entries({ ...BUILT_IN_ALIASES, ...aliases }).filter(([alias]) => find(alias) === undefined),
  );
  const resolve = (reference: string): string => {
    const id = find(known.get(reference) ?? reference);
    if (id !== undefined) return id;
    const ids = listIds(byId).join(", ") || "none";
    throw new ScoringError("unknown_model", `no model ${JSON.stringify(reference.slice(0, 100))}; there are: ${ids}`);
  };
  const loadOnce = remember((id: string) => loadModel(byId.get(id)!), MOST_LOADED);
  const cardOnce = remember((id: string) => loadCard(byId.get(id)!));
  return {
    list: () => listIds(byId),
    resolve,
    card: async (reference) => cardOnce(resolve(reference)),
    load: async (reference) => loadOnce(resolve(reference)),
    refresh: async () => {},
    leftOut: () => [],
  };
}

/**
 * Builds the classifier of a model on the engine of its family.
 * @throws ScoringError `engine_unavailable` if the family has no engine here; whatever the engine throws
 */
export async function createClassifier(model: Model, engines: EngineTable): Promise<Classifier> {
  const create = engines[model.card.family];
  if (create === undefined) {
    throw new ScoringError("engine_unavailable", `no engine for the family ${model.card.family} here`);
  }
  return create(model);
}

/** A source in a folder `<id>/` with `card.json` and `weights.safetensors`. */
export function createReaderSource(reader: ModelReader, id: string): ModelSource {
  const read = async (file: string): Promise<Uint8Array> => {
    const bytes = await reader.read(`${id}/${file}`);
    if (bytes === null) throw new ScoringError("unknown_model", `${id}/${file} does not exist`);
    return bytes;
  };
  return {
    id,
    readCard: async () => new TextDecoder().decode(await read("card.json")),
    readWeights: () => read("weights.safetensors"),
  };
}

/** A source that is in memory already: a bundled card and its bytes. */
export function createBundledSource(id: string, card: unknown, weights: ArrayBuffer | Uint8Array): ModelSource {
  return {
    id,
    readCard: async () => card,
    readWeights: async () => (weights instanceof Uint8Array ? weights : new Uint8Array(weights)),
  };
}

/** Whether `text` has the form `name@version`; ids name folders, so nothing else may. */
export function isModelId(text: string): boolean {
  return ID.test(text);
}

function parseModelId(id: string): [name: string, version: number] {
  const match = ID.exec(id);
  if (match === null) throw new ScoringError("config_invalid", `${id.slice(0, 100)} is not a model id (name@version)`);
  return [match[1]!, Number(match[2])];
}

function listIds(byId: ReadonlyMap<string, unknown>): string[] {
  return [...byId.keys()].sort((a, b) => {
    const [nameA, versionA] = parseModelId(a);
    const [nameB, versionB] = parseModelId(b);
    return nameA === nameB ? versionB - versionA : nameA < nameB ? -1 : 1;
  });
}

/** One call per key, for the `most` keys that were used last; a failure is forgotten, so that the next call tries again. */
function remember<T>(load: (id: string) => Promise<T>, most = Infinity): (id: string) => Promise<T> {
  const pending = new Map<string, Promise<T>>();
  return (id) => {
    const known = pending.get(id);
    if (known !== undefined) {
      pending.delete(id);
      pending.set(id, known);
      return known;
    }
    for (const oldest of pending.keys()) {
      if (pending.size < most) break;
      pending.delete(oldest);
    }
    const promise = load(id).catch((error: unknown) => {
      if (pending.get(id) === promise) pending.delete(id);
      throw error;
    });
    pending.set(id, promise);
    return promise;
  };
}
