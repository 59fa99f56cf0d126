/** A network from the bytes of a file, whatever library wrote it. */

import { ScoringError } from "../../errors.ts";
import type { ImportLimits } from "./import-limits.ts";
import { nameOutputs } from "./import-model.ts";
import { importLayersModel } from "./layers/import-layers-model.ts";
import { importOnnx, type ImportedNetwork } from "./onnx/import-onnx.ts";
import { describeTfjsModel } from "./tfjs-describe.ts";
import { cutSoftmax, countOperators } from "./softmax-end.ts";
import { readTfjsWeights } from "./tfjs-weights.ts";
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
}

/** Reads a file that stands beside the model's; `null` where there is none. */
export type ReadBeside = (path: string) => Promise<Uint8Array | null>;

/**
 * Reads an ONNX file, or a model.json of tfjs with the files of its manifest.
 * @throws ScoringError `model_invalid`
 */
export async function readNetwork(
  bytes: Uint8Array,
  readBeside: ReadBeside,
  options: ReadNetworkOptions,
  limits: ImportLimits,
): Promise<ImportedNetwork> {
  // A JSON object begins with a brace, which as a protobuf key would be a group that nobody writes.
  if (bytes.find((byte) => byte > 0x20) === 0x7b) return readTfjs(bytes, readBeside, options, limits);
  const { size, channels, output, embedding } = options;
  if (output === undefined && embedding !== undefined) {
    throw new ScoringError("model_invalid", "the file has more than one output: name both");
  }
  const outputs = output === undefined ? undefined : nameOutputs(output, embedding);
  return importOnnx(bytes, { size, channels, outputs }, limits);
}

async function readTfjs(
  bytes: Uint8Array,
  readBeside: ReadBeside,
  options: ReadNetworkOptions,
  limits: ImportLimits,
): Promise<ImportedNetwork> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new ScoringError("model_invalid", "the file begins as JSON and is none", { cause });
  }
  const description = describeTfjsModel(json);
  if (description.numbers > limits.maxWeights) {
    throw new ScoringError("model_invalid", `tfjs model: its weights have more than ${limits.maxWeights} numbers`);
  }
  const parts: Uint8Array[] = [];
  let total = 0;
  for (const path of description.paths) {
    // What a manifest names lies beside it; nothing else is opened.
    if (!/^[\w.-]+$/.test(path) || path.startsWith(".")) {
      throw new ScoringError("model_invalid", `tfjs model: ${JSON.stringify(path)} is no file beside it`);
    }
    const part = await readBeside(path);
    if (part === null) throw new ScoringError("model_invalid", `tfjs model: its file ${path} is missing`);
    total += part.length;
    if (total > limits.maxFileBytes) {
      throw new ScoringError("model_invalid", `tfjs model: its weights have more than ${limits.maxFileBytes} bytes`);
    }
    parts.push(part);
  }
  const joined = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  if (description.format === "layers-model") {
    const weights = readTfjsWeights(description.manifest, joined);
    return importLayersModel(description.topology, weights, options, limits);
  }
  const { size, channels, output, embedding } = options;
  const input = description.describeInput({ size, channels });
  const outputs = nameOutputs(output ?? description.findOutput(), embedding);
  const network = cutSoftmax(importTfjsGraphModel(json, joined, { input, outputs }));
  return { network, operators: countOperators(network.graph), producer: "tfjs" };
}
