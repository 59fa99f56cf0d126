import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { ScoringError } from "../src/errors.ts";
import { BUNDLED_MODELS_FOLDER } from "../src/backends/models-node.ts";
import { formatModelId, parseModelCard, type ModelEvaluation } from "../src/model/card.ts";
import { readCheckpoint } from "../src/model/checkpoint/read-checkpoint.ts";
import { computeSha256 } from "../src/model/model.ts";
import { parseSafetensors } from "../src/model/safetensors.ts";
import { formatShape, type Tensor } from "../src/model/tensor.ts";
import { LIMITS } from "../src/scoring/limits.ts";
import { openDataset } from "../src/evaluation/open-dataset.ts";
import { draftCard, fitFamily, roundToHalf, serializeWeights, type CardDraft } from "./evaluation/draft-card.ts";
import { openEngine } from "./evaluation/engines.ts";
import { evaluateModel } from "../src/evaluation/evaluate-model.ts";
import { renderFigures } from "./evaluation/render.ts";
import { toCardEvaluation } from "../src/evaluation/card-evaluation.ts";

/** `npm run export-weights`: a PyTorch checkpoint in, `weights.safetensors` and `card.json` out. No Python is needed. */

const USAGE = `usage: npm run export-weights -- CHECKPOINT --name NAME --version N [options]

CHECKPOINT is a torch.save file (zip or legacy; a state_dict, a wrapper around one, or a whole module) or safetensors.
Nothing in it is run.

  --family NAME          deep-emotion, hog-svm or graph (a plain 3×3 network, folded); by default what the tensors look like
  --out FOLDER           models/NAME@N by default
  --align-corners        the sampler's option; the checkpoint's own "align_corners" where it has one, else false
  --half                 float16 weights, half the size; figures are those of the rounded weights
  --evaluate PATH        measure on FER2013 PublicTest (csv or sheets) or a folder of class folders; or COUNTENANCE_DATA
  --temperature VALUE    a number, or none; by default fitted on the data of --evaluate
  --training-command C   how the weights were made, for the card
  --training-data D      what they were trained on
  --selection S          how the checkpoint was chosen
  --license L            of the weights
  --notice N             a sentence for the card; may be repeated`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: "string" },
    version: { type: "string" },
    family: { type: "string" },
    out: { type: "string" },
    "align-corners": { type: "boolean" },
    evaluate: { type: "string" },
    half: { type: "boolean", default: false },
    temperature: { type: "string" },
    "training-command": { type: "string", default: "unknown" },
    "training-data": { type: "string", default: "unknown" },
    selection: { type: "string", default: "unknown" },
    license: { type: "string", default: "unknown" },
    notice: { type: "string", multiple: true, default: [] },
    help: { type: "boolean", default: false },
  },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Name, shape and the start of the SHA-256 of each tensor's float32 bytes, to be compared with another reader's. */
async function renderParity(tensors: ReadonlyMap<string, Tensor>): Promise<string> {
  const table = new Table({
    head: ["tensor", "shape", "SHA-256 of the float32 values"],
    style: { head: [], border: [], compact: true },
  });
  for (const [name, { shape, data }] of tensors) {
    const hash = await computeSha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    table.push([name, formatShape(shape), hash.slice(0, 16)]);
  }
  return table.toString();
}

/** Reads the written bytes back and compares every bit: an export that cannot be read again is not an export. */
function checkRoundTrip(bytes: Uint8Array, tensors: ReadonlyMap<string, Tensor>): void {
  const { tensors: read } = parseSafetensors(bytes);
  for (const [name, { shape, data }] of tensors) {
    const again = read.get(name);
    const same = again !== undefined && formatShape(again.shape) === formatShape(shape);
    if (!same || !data.every((value, index) => Object.is(value, again.data[index]))) {
      throw new Error(`tensor ${name} is not the same when it is read back from weights.safetensors`);
    }
  }
}

function parseTemperature(text: string | undefined): number | null {
  if (text === undefined || text === "none") return null;
  const value = Number(text);
  if (!(value > 0)) throw new Error("--temperature must be a positive number or none");
  return value;
}

/** A version keeps its hash forever, since records and run locks name it. */
async function checkFree(folder: string, id: string, sha256: string): Promise<void> {
  const known = await readFile(join(folder, "card.json"), "utf8").catch(() => null);
  if (known === null || parseModelCard(known).sha256 === sha256) return;
  throw new Error(`${folder} holds other weights named ${id}: take the next version`);
}

async function main(): Promise<void> {
  const [path] = positionals;
  const { name, version } = options;
  if (options.help || path === undefined || name === undefined || version === undefined) {
    process.stderr.write(`${USAGE}\n`);
    process.exitCode = options.help ? 0 : 2;
    return;
  }
  const checkpoint = readCheckpoint(await readFile(path), LIMITS.checkpoint);
  const fitted = fitFamily(checkpoint, options.family ?? null);
  const weights = options.half ? roundToHalf(fitted) : fitted;
  const bytes = await serializeWeights(weights);
  checkRoundTrip(bytes, weights.tensors);
  const place = checkpoint.path.length > 0 ? `, in ${checkpoint.path.join(" → ")}` : "";
  say(`${basename(path)}: ${checkpoint.format}${place}, ${weights.family}, ${weights.parameters} parameters`);
  say(await renderParity(weights.tensors));
  if (weights.prefix !== "") say(`names began with ${weights.prefix}`);
  const left = [...checkpoint.skipped, ...weights.ignored];
  if (left.length > 0) say(`not needed: ${left.join(", ")}`);

  const draft: CardDraft = {
    name,
    version: Number(version),
    weights,
    alignCorners: weights.alignCorners === null ? null : (options["align-corners"] ?? weights.alignCorners),
    temperature: options.temperature === undefined ? weights.temperature : parseTemperature(options.temperature),
    evaluations: [],
    training: {
      command: options["training-command"],
      data: options["training-data"],
      selection: options.selection,
    },
    license: options.license,
    notices: options.notice,
  };
  let card = await draftCard(draft);
  const out = options.out ?? join(BUNDLED_MODELS_FOLDER, formatModelId(card));
  await checkFree(out, formatModelId(card), card.sha256);
  const data = options.evaluate ?? process.env["COUNTENANCE_DATA"];
  if (data !== undefined) {
    const dataset = await openDataset(data, { usage: "PublicTest", limit: Infinity });
    const classifier = await openEngine(
      { card: { ...card, temperature: null }, tensors: weights.tensors },
      "tfjs-wasm",
    );
    // A temperature that came with the weights was fitted on other faces, and stays.
    const fits = options.temperature === undefined && weights.temperature === null;
    const given = fits ? null : (draft.temperature ?? 1);
    const figures = await evaluateModel(classifier, dataset, ["none", "flip"], given);
    classifier.dispose();
    const command = `npm run evaluate -- --data DATA --usage PublicTest --model ${formatModelId(card)}`;
    const evaluations: ModelEvaluation[] = figures.modes.map((mode) => toCardEvaluation(mode, dataset.name, command));
    const temperature = fits ? Number(figures.fittedTemperature.toFixed(4)) : draft.temperature;
    card = await draftCard({ ...draft, evaluations, temperature });
    say(renderFigures(formatModelId(card), classifier.engine, dataset, figures));
  }
  await mkdir(out, { recursive: true });
  await writeFile(join(out, "weights.safetensors"), bytes);
  await writeFile(join(out, "card.json"), `${JSON.stringify(card, null, 2)}\n`);
  say(`${out}: weights.safetensors (${bytes.byteLength} bytes, SHA-256 ${card.sha256}) and card.json`);
}

main().catch((error: unknown) => {
  process.stderr.write(`export-weights: ${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof ScoringError) {
    for (const { path, message } of error.issues) process.stderr.write(`  ${path}: ${message}\n`);
  }
  process.exitCode = 1;
});
