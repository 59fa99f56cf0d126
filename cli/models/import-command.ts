import { readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { defineCommand } from "citty";
import { ScoringError } from "../../src/errors.ts";
import { checkModelMemory } from "../../src/backends/graph/model-memory.ts";
import { createNodeClassifier } from "../../src/backends/engines-node.ts";
import { formatModelId, parseModelCard } from "../../src/model/card.ts";
import { measureNetwork } from "../../src/model/graph/check-graph.ts";
import { chooseStd, makeImportedModel } from "../../src/model/import/import-model.ts";
import type { ImportedNetwork } from "../../src/model/import/onnx/import-onnx.ts";
import type { Model } from "../../src/model/model.ts";
import { readNetwork } from "../../src/model/import/read-network.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { makeFolder } from "../files.ts";
import { readInteger } from "../integers.ts";
import { print } from "../remote/connection.ts";
import { evaluateImport } from "./evaluate-import.ts";
import { describeCost, timeFaces } from "./face-cost.ts";

const COLORS = ["gray", "rgb", "bgr"] as const;

/** `countenance models import`: a network of another library as a model that jobs can name. */
export const importCommand = defineCommand({
  meta: { name: "import", description: "Make a model of an ONNX file, or of a model.json of tfjs" },
  args: {
    file: { type: "positional", description: ".onnx, or model.json with its files beside it", required: true },
    name: { type: "string", description: "Lower-case letters, digits and dashes", required: true },
    labels: {
      type: "string",
      description: "In the order of the network's outputs, with commas between",
      required: true,
    },
    version: { type: "string", description: "From 1", default: "1" },
    size: { type: "string", description: "Rows and columns of the input, where the file leaves them open" },
    channels: { type: "string", description: "1 or 3, where the file leaves them open" },
    color: { type: "enum", options: [...COLORS], description: "Default gray for one channel, rgb for three" },
    mean: { type: "string", description: "Subtracted from bytes as 0…1, one number or one per channel", default: "0" },
    std: {
      type: "string",
      description:
        "What is left is divided by it; 0.00392156863 gives bytes as 0…255, the default where FILE takes bytes, else 1",
    },
    output: { type: "string", description: "Name of the value with one number a label, where there are several" },
    graph: {
      type: "string",
      description:
        "A description of the network, JSON, where FILE has weights alone: a tfjs weights manifest or safetensors",
    },
    embedding: { type: "string", description: "Name of a value that describes a face, to be kept too" },
    license: { type: "string", description: "Of the weights", default: "unknown" },
    evaluate: {
      type: "string",
      description: "Labeled faces to measure it on: a folder with one folder a label, or fer2013.csv",
    },
    usage: {
      type: "string",
      description: "Of FER2013: Training, PublicTest, PrivateTest or all",
      default: "PublicTest",
    },
    out: { type: "string", description: "Folder of models", default: "models" },
  },
  async run({ args }) {
    const version = readInteger("version", args.version) ?? 1;
    const mean = readNumbers("mean", args.mean);
    const bytes = await readBytes(args.file);
    const folder = dirname(resolve(args.file));
    const imported = await readNetwork(
      bytes,
      (path) => readFile(join(folder, path)).catch(() => null),
      {
        size: readInteger("size", args.size),
        channels: readInteger("channels", args.channels),
        output: args.output,
        embedding: args.embedding,
        graph: args.graph === undefined ? undefined : await readBytes(args.graph),
      },
      LIMITS.modelImport,
    );
    const { channels } = imported.network.graph.input;
    const { model, weights } = await makeImportedModel(imported.network, {
      name: args.name,
      version,
      labels: args.labels.split(",").map((label) => label.trim()),
      color: args.color ?? (channels === 1 ? "gray" : "rgb"),
      mean,
      std: args.std === undefined ? [chooseStd(imported)] : readNumbers("std", args.std),
      license: args.license,
      origin: `imported from ${basename(args.file)}`,
    });
    checkModelMemory(model.card);
    // An engine that has no kernel for a node, or no room for the network, says so before anything is written.
    const classifier = await createNodeClassifier(model, "fused");
    const cost = await timeFaces(classifier);
    const measured =
      args.evaluate === undefined
        ? null
        : await evaluateImport(classifier, model.card, {
            path: args.evaluate,
            usage: args.usage,
            command: `countenance models import ${basename(args.file)} --evaluate DATA --usage ${args.usage}`,
          });
    classifier.dispose();
    const card = parseModelCard({ ...model.card, evaluations: measured === null ? [] : [measured.evaluation] });
    const target = join(args.out, formatModelId(model.card));
    await checkFree(target, model.card.sha256);
    await makeFolder(target);
    await writeFile(join(target, "weights.safetensors"), weights);
    await writeFile(join(target, "card.json"), `${JSON.stringify(card, null, 2)}\n`);
    describe(imported, model);
    print(describeCost(cost));
    for (const line of measured?.lines ?? []) print(line);
    print(
      `${relative(process.cwd(), resolve(target)) || target}: card.json and weights.safetensors, ${weights.length.toLocaleString("en")} bytes`,
    );
    const models = args.out === "models" ? "" : ` --models ${args.out}`;
    print(`countenance score FOLDER --model ${formatModelId(model.card)}${models} scores a folder with it`);
  },
});

/** Prints what a network is. */
function describe({ operators }: ImportedNetwork, { card, tensors }: Model): void {
  const { size, color, mean, std } = card.input;
  const { parameters, multiplyAdds } = measureNetwork({ graph: card.graph!, weights: tensors }, size, size);
  const counts = [...operators].map(([name, count]) => (count === 1 ? name : `${count} ${name}`));
  print(`operators       ${counts.join(", ")}`);
  print(`input           ${size} × ${size} ${color}, (byte ÷ 255 − ${mean.join(" ")}) ÷ ${std.join(" ")}`);
  print(`parameters      ${parameters.toLocaleString("en")}`);
  print(`multiply-adds   ${multiplyAdds.toLocaleString("en")} a face`);
}

function readNumbers(option: string, text: string): number[] {
  const numbers = text.split(",").map(Number);
  if (numbers.every(Number.isFinite) && text.trim() !== "") return numbers;
  throw new ScoringError(
    "validation_failed",
    `--${option}: ${JSON.stringify(text)} is not a number, or several with commas`,
  );
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new ScoringError("validation_failed", `${path}: no such file`, { cause });
  }
}

/** A version keeps its weights forever, since records and run locks name it. */
async function checkFree(folder: string, sha256: string): Promise<void> {
  const known = await readFile(join(folder, "card.json"), "utf8").catch(() => null);
  if (known === null || parseModelCard(known).sha256 === sha256) return;
  throw new ScoringError("validation_failed", `${folder} holds other weights: take the next --version`);
}
