/** A network from the bytes of a file, whatever library wrote it. */

import { ScoringError } from "../../errors.ts";
import type { ImportLimits } from "./import-limits.ts";
import { nameOutputs } from "./import-model.ts";
import { importLayersModel } from "./layers/import-layers-model.ts";
import { importOnnx, listExternalFiles, type ImportedNetwork } from "./onnx/import-onnx.ts";
import { describeTfjsModel } from "./tfjs-describe.ts";
import { cutSoftmax, countOperators } from "./softmax-end.ts";
import { parseManifest, readTfjsWeights, type TfjsManifest } from "./tfjs-weights.ts";
import { parseSafetensors } from "../safetensors.ts";
import { countElements, type Tensor } from "../tensor.ts";
import { importDescribedGraph } from "./described-graph.ts";
import { importTfjsGraphModel } from "./tfjs-graph-model.ts";

/** What a file may leave open. */
export interface ReadNetworkOptions {
  /** Rows and columns. */
  readonly size?: number | undefined;
  readonly channels?: number | undefined;
  /** Name of the value that holds one number a label; by default the only output. */
  readonly output?: string | undefined;
  /** Name of the value that describes a face, besides. */
  readonly embedding?: string | undefined;
  /** A description of the network, JSON in the form of `graph.ts`, where the file has weights alone. */
  readonly graph?: Uint8Array | undefined;
}

/** First letters of JSON. */
const BRACE = 0x7b;
const BRACKET = 0x5b;

/** Reads a file that stands beside the model's; `null` where there is none. */
export type ReadBeside = (path: string) => Promise<Uint8Array | null>;

/**
 * Reads an ONNX file, or a model.json of tfjs with the files of its manifest; with a described graph, a weights manifest of
 * tfjs or safetensors.
 * @throws ScoringError `model_invalid`
 */
export async function readNetwork(
  bytes: Uint8Array,
  readBeside: ReadBeside,
  options: ReadNetworkOptions,
  limits: ImportLimits,
): Promise<ImportedNetwork> {
  const first = bytes.find((byte) => byte > 0x20);
  if (options.graph !== undefined) {
    const description = parseJson(options.graph, "the graph");
    if (isSafetensors(bytes)) {
      return importDescribedGraph(description, parseSafetensors(bytes).tensors, "pytorch", limits);
    }
    const manifest = parseManifest(parseJson(bytes, "the weights manifest"));
    const weights = await readWeights(manifest, readBeside, limits);
    return importDescribedGraph(description, weights, "tensorflow", limits);
  }
  if (first === BRACKET) {
    throw new ScoringError("model_invalid", "the file has weights and no network: describe it, see docs/models.md");
  }
  // A JSON object begins with a brace, which as a protobuf key would be a group that nobody writes.
  if (first === BRACE) return readTfjs(parseJson(bytes, "the file"), readBeside, options, limits);
  const { size, channels, output, embedding } = options;
  if (output === undefined && embedding !== undefined) {
    throw new ScoringError("model_invalid", "the file has more than one output: name both");
  }
  const outputs = output === undefined ? undefined : nameOutputs(output, embedding);
  const paths = bytes.length > limits.maxFileBytes ? [] : listExternalFiles(bytes, limits);
  const parts = await readBesides(paths, "ONNX model", readBeside, limits);
  const files = new Map(paths.map((path, at) => [path, parts[at]!]));
  return importOnnx(bytes, { size, channels, outputs, files }, limits);
}

/** Whether a file begins with the length of a header that it can hold: as text that would be larger than any file. */
function isSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < 8) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  return length <= BigInt(bytes.length - 8);
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new ScoringError("model_invalid", `${what} is not JSON`, { cause });
  }
}

/** The weights of a manifest, from the files beside it. */
async function readWeights(
  manifest: TfjsManifest,
  readBeside: ReadBeside,
  limits: ImportLimits,
): Promise<Map<string, Tensor>> {
  return readTfjsWeights(manifest, await readFiles(manifest, readBeside, limits));
}

/** The files that a model names beside it, in order. */
async function readBesides(
  paths: readonly string[],
  what: string,
  readBeside: ReadBeside,
  limits: ImportLimits,
): Promise<readonly Uint8Array[]> {
  const parts: Uint8Array[] = [];
  let total = 0;
  for (const path of paths) {
    // What a model names lies beside it; nothing else is opened.
    if (!/^[\w.-]+$/.test(path) || path.startsWith(".")) {
      throw new ScoringError("model_invalid", `${what}: ${JSON.stringify(path)} is no file beside it`);
    }
    const part = await readBeside(path);
    if (part === null) throw new ScoringError("model_invalid", `${what}: its file ${path} is missing`);
    total += part.length;
    if (total > limits.maxFileBytes) {
      throw new ScoringError("model_invalid", `${what}: its weights have more than ${limits.maxFileBytes} bytes`);
    }
    parts.push(part);
  }
  return parts;
}

async function readFiles(manifest: TfjsManifest, readBeside: ReadBeside, limits: ImportLimits): Promise<Uint8Array> {
  const shapes = manifest.flatMap(({ weights }) => weights.map(({ shape }) => countElements(shape)));
  if (shapes.reduce((sum, count) => sum + count, 0) > limits.maxWeights) {
    throw new ScoringError("model_invalid", `tfjs model: its weights have more than ${limits.maxWeights} numbers`);
  }
  const paths = manifest.flatMap(({ paths: names }) => names);
  const parts = await readBesides(paths, "tfjs model", readBeside, limits);
  const total = parts.reduce((sum, { length }) => sum + length, 0);
  const joined = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

async function readTfjs(
  json: unknown,
  readBeside: ReadBeside,
  options: ReadNetworkOptions,
  limits: ImportLimits,
): Promise<ImportedNetwork> {
  const description = describeTfjsModel(json);
  if (description.format === "layers-model") {
    const weights = await readWeights(description.manifest, readBeside, limits);
    return importLayersModel(description.topology, weights, options, limits);
  }
  const { size, channels, output, embedding } = options;
  const input = description.describeInput({ size, channels });
  const outputs = nameOutputs(output ?? description.findOutput(), embedding);
  const network = cutSoftmax(
    importTfjsGraphModel(json, await readFiles(description.manifest, readBeside, limits), { input, outputs }),
  );
  return { network, operators: countOperators(network.graph), producer: "tfjs", takesBytes: false };
}
