/** Scores pictures beside the page, with the code that scores on the server: the same chunk, over a store in memory. */

import jpegUrl from "@cwasm/jpeg-turbo/jpeg-turbo.wasm?url";
import webpUrl from "@jsquash/webp/codec/dec/webp_dec.wasm?url";
import card from "../../../models/deep-emotion@2/card.json";
import weightsUrl from "../../../models/deep-emotion@2/weights.safetensors?url";
import faceCard from "../../../models/faces/tiny-face@1/card.json";
import faceWeightsUrl from "../../../models/faces/tiny-face@1/weights.safetensors?url";
import { ScoringError, toScoringError } from "../../../src/errors.ts";
import { loadCodecs } from "../../../src/image/codecs-browser.ts";
import { createImageDecoder } from "../../../src/image/decode.ts";
import type { Classifier } from "../../../src/model/classifier.ts";
import type { FaceFinder } from "../../../src/model/face-finder.ts";
import { loadModel } from "../../../src/model/model.ts";
import { createBundledSource } from "../../../src/model/registry.ts";
import { scoreChunk } from "../../../src/scoring/chunk.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { createMemoryStore } from "../../../src/storage/memory-store.ts";
import { openEngine, TFJS_WASM_URLS } from "./engine-ladder.ts";
import type { FaceChoice, Reply, Request } from "./messages.ts";

const MODEL = "deep-emotion@2";

async function fetchBytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new ScoringError("engine_unavailable", `${url} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function say(reply: Reply): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker speaks to its page only
  globalThis.postMessage(reply);
}

/** Everything that is loaded at most once. */
function createScorer() {
  const decoder = remember(async () =>
    createImageDecoder(await loadCodecs({ jpeg: jpegUrl, webp: webpUrl }), LIMITS.image),
  );
  const model = remember(async () => loadModel(createBundledSource(MODEL, card, await fetchBytes(weightsUrl))));
  let classifier: Classifier | null = null;
  let networkMs = 0;
  /** On wasm whatever scores: the detector needs TensorFlow.js, which loads only where faces are looked for. */
  const finder = remember(async (): Promise<FaceFinder> => {
    const { createTfjsWasmBrowserClassifier } = await import("../../../src/backends/tfjs-wasm-browser.ts");
    const { createFaceFinderBrowser } = await import("../../../src/backends/faces-browser.ts");
    (await createTfjsWasmBrowserClassifier(await model(), { urls: TFJS_WASM_URLS })).dispose();
    return createFaceFinderBrowser({ card: faceCard, weights: await fetchBytes(faceWeightsUrl) }, { backend: "wasm" });
  });

  /** Adds up the time inside of the network. */
  const timed = (inner: Classifier): Classifier => ({
    ...inner,
    async classify(pixels, count) {
      const start = performance.now();
      const scores = await inner.classify(pixels, count);
      networkMs += performance.now() - start;
      return scores;
    },
  });

  return {
    async open(request: Extract<Request, { kind: "open" }>): Promise<Reply> {
      classifier?.dispose();
      const opened = await openEngine(await model(), request.engine);
      classifier = opened.classifier === null ? null : timed(opened.classifier);
      if (classifier === null) return { kind: "unavailable", steps: opened.steps };
      return { kind: "ready", engine: classifier.engine, model: MODEL, steps: opened.steps };
    },
    async score({ id, name, bytes, faces }: Extract<Request, { kind: "score" }>): Promise<Reply> {
      if (classifier === null) throw new ScoringError("engine_unavailable", "no engine was started");
      const store = createMemoryStore();
      const content = new Uint8Array(bytes);
      const put = await store.put("picture", content);
      const etag = put.kind === "stored" ? put.etag : null;
      const deps = { store, decoder: await decoder(), finder: await findsFaces(faces), classifier };
      networkMs = 0;
      const start = performance.now();
      const { records } = await scoreChunk(deps, [{ index: 0, id: name, key: "picture", size: content.length, etag }], {
        format: "image",
        faces: { mode: faces, minFacePixels: 24, minFaceScore: 0.4 },
        stamp: { model: MODEL, pipeline: (await model()).card.pipeline },
        maxImageBytes: LIMITS.maxImageBytes,
        maxConnections: 1,
        maxRunBytes: 0,
        maxGapBytes: 0,
        tolerant: true,
      });
      return { kind: "scored", id, records, totalMs: performance.now() - start, networkMs };
    },
  };

  async function findsFaces(faces: FaceChoice): Promise<FaceFinder | null> {
    return faces === "aligned" ? null : finder();
  }
}

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

const scorer = createScorer();
/** One request after the other: an engine is not safe for overlapping calls. */
let previous: Promise<unknown> = Promise.resolve();

async function answer(request: Request, before: Promise<unknown>): Promise<void> {
  await before;
  try {
    say(request.kind === "open" ? await scorer.open(request) : await scorer.score(request));
  } catch (thrown) {
    const { detail } = toScoringError(thrown);
    if (request.kind === "score") say({ kind: "failed", id: request.id, message: detail });
    else say({ kind: "unavailable", steps: [{ engine: request.engine, taken: false, reason: detail }] });
  }
}

addEventListener("message", (event: MessageEvent<Request>) => {
  const request = event.data;
  previous = answer(request, previous);
});
