/**
 * `countenance` in a browser: scores pictures, aggregates their records, renders the report. Weights and binaries lie
 * beside the package's files; a bundler that understands `new URL(…, import.meta.url)` includes them.
 * @packageDocumentation
 */

import { ScoringError } from "../errors.ts";
import type { EngineTables, OpenClassifier } from "../backends/engine-table.ts";
import { fitsFusedKernel } from "../backends/fused/fused-form.ts";
import { createFusedBrowserClassifier } from "../backends/fused/fused-browser.ts";
import { loadCodecs } from "../image/codecs-browser.ts";
import { createImageDecoder } from "../image/decode.ts";
import type { ModelSource } from "../model/model.ts";
import { createClassifier, createRegistry } from "../model/registry.ts";
import { createHogSvmClassifier } from "../model/hog-svm.ts";
import { LIMITS } from "../scoring/limits.ts";
import type { ScoreRecord } from "../scoring/records/records.ts";
import type { Report } from "../scoring/report/report.ts";
import { type AggregateOptions, aggregateRecords } from "./aggregate.ts";
import {
  createPictureScorer,
  isPictureBytes,
  type PictureBytes,
  type PictureScorer,
  type PictureScorerOptions,
  readPictureBytes,
} from "./picture-scorer.ts";

export * from "./public-types.ts";

/** A picture's bytes, or something that gives them: a `File`, a `Blob`, a `Response`. */
export type Picture = PictureBytes;

/** See {@link PictureScorerOptions}. */
export type ScorerOptions = PictureScorerOptions;

const FUSED_URLS = {
  "fused-wasm-simd": new URL("../backends/fused/deep-emotion.wasm", import.meta.url),
  "fused-wasm-relaxed": new URL("../backends/fused/deep-emotion-relaxed.wasm", import.meta.url),
};
const GRAPH_URLS = {
  "graph-wasm-simd": new URL("../backends/graph/graph.wasm", import.meta.url),
  "graph-wasm-relaxed": new URL("../backends/graph/graph-relaxed.wasm", import.meta.url),
};
const CODEC_URLS = {
  jpeg: new URL("@cwasm/jpeg-turbo/jpeg-turbo.wasm", import.meta.url),
  webp: new URL("@jsquash/webp/codec/dec/webp_dec.wasm", import.meta.url),
};
const TFJS_WASM_URL = new URL("@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm", import.meta.url);
const FACE_CARD_URL = new URL("../../models/faces/blazeface@1/card.json", import.meta.url);
const FACE_WEIGHTS_URL = new URL("../../models/faces/blazeface@1/weights.safetensors", import.meta.url);

// What a page does not use is never loaded.
const openTfjs: OpenClassifier = async (model) =>
  (await import("../backends/tfjs-wasm-simd-url.ts")).createTfjsWasmUrlClassifier(model, TFJS_WASM_URL);
const openHogSvm: OpenClassifier = async (model) => createHogSvmClassifier(model);
const openNetwork: OpenClassifier = async (model) => {
  if (fitsFusedKernel(model.card)) return createFusedBrowserClassifier(model, FUSED_URLS);
  return (await import("../backends/graph/graph-browser.ts")).createGraphBrowserClassifier(model, GRAPH_URLS);
};
const TABLES: EngineTables = {
  fused: { "deep-emotion": openNetwork, "hog-svm": openHogSvm, graph: openNetwork },
  tfjs: { "deep-emotion": openTfjs, "hog-svm": openHogSvm, graph: openTfjs },
};

/** The default model and the accuracy tier; the package's other models are for Node. */
const MODELS: readonly ModelSource[] = [
  createUrlSource(
    "deep-emotion@4",
    new URL("../../models/deep-emotion@4/card.json", import.meta.url),
    new URL("../../models/deep-emotion@4/weights.safetensors", import.meta.url),
  ),
  createUrlSource(
    "plain-net@2",
    new URL("../../models/plain-net@2/card.json", import.meta.url),
    new URL("../../models/plain-net@2/weights.safetensors", import.meta.url),
  ),
];

/**
 * Opens a scorer. The page's Content-Security-Policy must allow `wasm-unsafe-eval`.
 * @throws ScoringError `unknown_model`, `model_invalid`, `engine_unavailable`
 * @example
 * ```ts
 * const scorer = await createScorer();
 * input.onchange = async () => {
 *   for await (const { id, label } of scorer.scoreAll(input.files)) list.append(`${id}: ${label}`);
 * };
 * ```
 */
export async function createScorer(options: ScorerOptions = {}): Promise<PictureScorer> {
  return createPictureScorer(
    {
      registry: createRegistry(MODELS),
      loadDecoder: async () => createImageDecoder(await loadCodecs(CODEC_URLS), LIMITS.image),
      loadFinder,
      createClassifier: (model, engine) => createClassifier(model, TABLES[engine]),
      read: readPictureBytes,
      isPicture: isPictureBytes,
    },
    options,
  );
}

/**
 * The report of some records of one model: shares of labels with intervals, denominators, provenance.
 * @throws ScoringError `validation_failed` without a record, `internal` where models or pipelines are mixed, `unknown_model`
 */
export async function aggregate(
  records: AsyncIterable<ScoreRecord> | Iterable<ScoreRecord>,
  options: AggregateOptions = {},
): Promise<Report> {
  return aggregateRecords(createRegistry(MODELS), records, options);
}

async function loadFinder() {
  const { createFaceFinderBrowser } = await import("../backends/faces-browser.ts");
  const [card, weights] = await Promise.all([fetchFile(FACE_CARD_URL), fetchFile(FACE_WEIGHTS_URL)]);
  return createFaceFinderBrowser({ card: await card.json(), weights: await readBytes(weights) }, GRAPH_URLS);
}

function createUrlSource(id: string, card: URL, weights: URL): ModelSource {
  return {
    id,
    readCard: async (): Promise<unknown> => (await fetchFile(card)).json(),
    readWeights: async () => readBytes(await fetchFile(weights)),
  };
}

async function fetchFile(url: URL): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new ScoringError("engine_unavailable", `${url.href} answered ${response.status}`);
  return response;
}

async function readBytes(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}
