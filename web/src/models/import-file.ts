/** From dropped files to a model that the server can take: read, made and run once, all in this page. */

import type { Classifier } from "../../../src/model/classifier.ts";
import { formatModelId } from "../../../src/model/card.ts";
import { measureNetwork } from "../../../src/model/graph/check-graph.ts";
import { chooseStd, type ImportedModel, makeImportedModel } from "../../../src/model/import/import-model.ts";
import type { ImportedNetwork } from "../../../src/model/import/onnx/import-onnx.ts";
import { readNetwork } from "../../../src/model/import/read-network.ts";
import { countInputBytes } from "../../../src/model/input-form.ts";
import type { ModelPlace } from "../../../src/client/model-list.ts";
import { ScoringError } from "../../../src/errors.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { api } from "../api.ts";
import { createGraphBrowserClassifier } from "../../../src/backends/graph/graph-browser.ts";
import { GRAPH_URLS } from "../engine/graph-urls.ts";

/** What a reader says of a network, as typed. */
export interface ModelWords {
  readonly name: string;
  readonly version: string;
  /** With commas between. */
  readonly labels: string;
  readonly color: "gray" | "rgb" | "bgr";
  /** One number, or one a channel with commas between. */
  readonly mean: string;
  readonly std: string;
  readonly license: string;
}

/** A network as it was read, with what can be said of it already. */
export interface ReadFile {
  readonly file: string;
  readonly network: ImportedNetwork;
  readonly operators: string;
  readonly size: number | null;
  readonly channels: number;
  /** The standard deviation that its type of input suggests. */
  readonly std: number;
  readonly parameters: number;
  readonly multiplyAdds: number;
}

const readBytes = async (file: File): Promise<Uint8Array> => new Uint8Array(await file.arrayBuffer());

/** Reads an .onnx file, or a model.json with the files beside it. @throws ScoringError `model_invalid` */
export async function readDropped(files: readonly File[]): Promise<ReadFile> {
  const [main, ...others] = files.filter(({ name }) => /\.(onnx|json)$/i.test(name));
  if (main === undefined)
    throw new ScoringError("model_invalid", "there is no .onnx file and no model.json among them");
  if (others.length > 0)
    throw new ScoringError("model_invalid", `${main.name} and ${others[0]?.name}: one model at a time`);
  if (main.size > LIMITS.modelImport.maxFileBytes) {
    throw new ScoringError("model_invalid", `${main.name} has more than ${LIMITS.modelImport.maxFileBytes} bytes`);
  }
  const bytes = await readBytes(main);
  const beside = async (path: string): Promise<Uint8Array | null> => {
    const file = files.find(({ name }) => name === path);
    return file === undefined ? null : readBytes(file);
  };
  const network = await readNetwork(bytes, beside, {}, LIMITS.modelImport);
  const { height, width, channels } = network.network.graph.input;
  const size = height === width ? height : null;
  const { parameters, multiplyAdds } = measureNetwork(network.network, height ?? 1, width ?? 1);
  const operators = [...network.operators].map(([name, count]) => (count === 1 ? name : `${count} ${name}`)).join(", ");
  return { file: main.name, network, operators, size, channels, std: chooseStd(network), parameters, multiplyAdds };
}

/** A model that was made and that ran here. */
export interface MadeModel extends ImportedModel {
  readonly id: string;
  /** Milliseconds a face, in this page, on one thread. */
  readonly faceMs: number;
}

/**
 * Makes the model and scores a batch with it, so that what no engine computes is refused before it is stored.
 * @throws ScoringError `model_invalid`, `validation_failed`, `engine_unavailable`
 */
export async function makeModel({ file, network }: ReadFile, words: ModelWords): Promise<MadeModel> {
  const version = Number(words.version);
  if (!/^[1-9]\d{0,5}$/.test(words.version))
    throw new ScoringError("validation_failed", "the version is a number from 1");
  const made = await makeImportedModel(network.network, {
    name: words.name.trim(),
    version,
    labels: words.labels.split(",").map((label) => label.trim()),
    color: words.color,
    mean: readNumbers("mean", words.mean),
    std: readNumbers("std", words.std),
    license: words.license.trim() === "" ? "unknown" : words.license.trim(),
    origin: `imported from ${file}`,
  });
  const classifier = await createGraphBrowserClassifier(made.model, GRAPH_URLS);
  const faceMs = await timeFaces(classifier);
  classifier.dispose();
  return { ...made, id: formatModelId(made.model.card), faceMs };
}

function readNumbers(name: string, text: string): readonly number[] {
  const numbers = text.split(",").map(Number);
  if (text.trim() !== "" && numbers.every(Number.isFinite)) return numbers;
  throw new ScoringError(
    "validation_failed",
    `${name}: ${JSON.stringify(text)} is not a number, or several with commas`,
  );
}

async function timeFaces(classifier: Classifier): Promise<number> {
  const { batchSize, input } = classifier;
  const pixels = Uint8Array.from({ length: batchSize * countInputBytes(input) }, (_, at) => (at * 31) % 256);
  await classifier.classify(pixels, batchSize);
  const started = performance.now();
  await classifier.classify(pixels, batchSize);
  return (performance.now() - started) / batchSize;
}

/**
 * Stores it where the server looks for models: weights first, the card last, so that nobody sees half of it. A version keeps its weights
 * forever, so what is there stays.
 * @throws ScoringError `conflict` where the id is taken; as the API does
 */
export async function storeModel(
  place: ModelPlace,
  { id, model, weights }: MadeModel,
  signal: AbortSignal,
): Promise<void> {
  const { models, unavailable } = await api.listModels(signal);
  if ([...models, ...unavailable].some((known) => known.id === id)) {
    throw new ScoringError("conflict", `there is a model ${id} already: take the next version`);
  }
  const folder = `${place.prefix}${id}/`;
  const put = (name: string, body: Uint8Array<ArrayBuffer>) =>
    api.upload(place.store, `${folder}${name}`, body, signal, "*").catch((error: unknown) => {
      if (!(error instanceof ScoringError) || error.code !== "conflict") throw error;
      const detail = `${place.store} holds ${folder}${name} already, of an import that did not end: take the next version`;
      throw new ScoringError("conflict", detail, { cause: error });
    });
  await put("weights.safetensors", new Uint8Array(weights));
  await put("card.json", new TextEncoder().encode(`${JSON.stringify(model.card, null, 2)}\n`));
}
