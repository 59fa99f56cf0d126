/** What scoring needs beside an engine: models, decoder, face finder. Each is loaded at its first use and kept. */

import faceCard from "../../../models/faces/blazeface@1/card.json";
import faceWeightsUrl from "../../../models/faces/blazeface@1/weights.safetensors?url";
import { loadCodecs } from "../../../src/image/codecs-browser.ts";
import { createImageDecoder } from "../../../src/image/decode.ts";
import type { ImageDecoder } from "../../../src/image/image-types.ts";
import type { FaceFinder } from "../../../src/model/face-finder.ts";
import { createRegistry, type Registry } from "../../../src/model/registry.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { CODEC_URLS, fetchBytes, GRAPH_URLS } from "./assets.ts";

/** The parts of one page or worker. */
export interface ScoringParts {
  /** The models that come with the console. */
  readonly registry: Registry;
  readonly loadDecoder: () => Promise<ImageDecoder>;
  /** On the server's engine whatever scores: its boxes are then the server's to the last digits. */
  readonly loadFinder: () => Promise<FaceFinder>;
}

/** Nothing is fetched yet. */
export function createScoringParts(): ScoringParts {
  return {
    registry: createRegistry(listModels()),
    loadDecoder: remember(async () => createImageDecoder(await loadCodecs(CODEC_URLS), LIMITS.image)),
    loadFinder: remember(async () => {
      const { createFaceFinderBrowser } = await import("../../../src/backends/faces-browser.ts");
      return createFaceFinderBrowser({ card: faceCard, weights: await fetchBytes(faceWeightsUrl) }, GRAPH_URLS);
    }),
  };
}

function listModels() {
  const cards = import.meta.glob<unknown>("../../../models/*/card.json", { import: "default" });
  const weights = import.meta.glob<string>("../../../models/*/weights.safetensors", {
    query: "?url",
    import: "default",
    eager: true,
  });
  return Object.entries(weights).map(([path, url]) => {
    const folder = path.slice(0, path.lastIndexOf("/"));
    const id = folder.slice(folder.lastIndexOf("/") + 1);
    return { id, readCard: async () => cards[`${folder}/card.json`]?.(), readWeights: () => fetchBytes(url) };
  });
}

/** One call; a failure is forgotten, so that the next call tries again. */
function remember<T>(load: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | null = null;
  return () => {
    pending ??= load().catch((error: unknown) => {
      pending = null;
      throw error;
    });
    return pending;
  };
}
