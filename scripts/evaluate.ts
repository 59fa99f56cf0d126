import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatModelId, parseModelCard } from "../src/model/card.ts";
import { openDataset } from "../src/evaluation/open-dataset.ts";
import { ENGINES, openEngine } from "./evaluation/engines.ts";
import { evaluateModel, type Tta } from "../src/evaluation/evaluate-model.ts";
import { loadModelFrom } from "./evaluation/load-model.ts";
import { measureConditions } from "./evaluation/measure-conditions.ts";
import { renderConditions, renderFigures } from "./evaluation/render.ts";
import { toCardEvaluation } from "../src/evaluation/card-evaluation.ts";

/** `npm run evaluate`: how good a model is on labeled faces, through the code that scores jobs. */

const USAGE = `usage: npm run evaluate -- [--data <fer2013.csv | folder of sheets | folder of class folders>] [--model <name@version | folder | checkpoint>]

  --data PATH          labeled faces; or the environment variable COUNTENANCE_DATA
  --model REFERENCE    deep-emotion by default, its newest version
  --usage NAME         PublicTest (default), Training, PrivateTest or all
  --engine NAME        ${ENGINES.join(", ")}
  --tta MODE           none, flip or both (default)
  --align-corners BOOL true or false instead of the card's
  --limit N            only the first N faces
  --conditions         also when faces are small, compressed, blurred, noisy, dark or turned (single pass)
  --json               one JSON object on standard output instead of tables
  --write-card         put figures, command and fitted temperature into the model's card`;

const MODES: Readonly<Record<string, readonly Tta[]>> = { none: ["none"], flip: ["flip"], both: ["none", "flip"] };

const { values: options } = parseArgs({
  options: {
    data: { type: "string" },
    model: { type: "string", default: "deep-emotion" },
    usage: { type: "string", default: "PublicTest" },
    engine: { type: "string", default: "tfjs-wasm" },
    tta: { type: "string", default: "both" },
    "align-corners": { type: "string" },
    limit: { type: "string" },
    conditions: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    "write-card": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

async function main(): Promise<void> {
  const data = options.data ?? process.env["COUNTENANCE_DATA"];
  if (options.help || data === undefined) {
    process.stderr.write(`${USAGE}\n`);
    process.exitCode = options.help ? 0 : 2;
    return;
  }
  const engineName = ENGINES.find((name) => name === options.engine);
  if (engineName === undefined) throw new Error(`--engine is one of ${ENGINES.join(", ")}`);
  const modes = MODES[options.tta];
  if (modes === undefined) throw new Error(`--tta is one of ${Object.keys(MODES).join(", ")}`);
  const corners = options["align-corners"];
  if (corners !== undefined && corners !== "true" && corners !== "false") {
    throw new Error("--align-corners must be true or false");
  }
  const limit = options.limit === undefined ? Infinity : Number(options.limit);
  if (!(limit > 0)) throw new Error("--limit must be a positive number");
  const { model, folder } = await loadModelFrom(options.model, corners === undefined ? null : corners === "true");
  if (options["write-card"] && folder === null)
    throw new Error("--write-card needs a model with a card; export it first");
  if (options["write-card"] && (corners !== undefined || limit !== Infinity)) {
    throw new Error("--write-card takes figures of the model as it is, on all faces");
  }
  const { labels, input } = model.card;
  const dataset = await openDataset(data, { usage: options.usage, limit, labels, input });
  const classifier = await openEngine(model, engineName);
  const interactive = process.stderr.isTTY;
  const refit = options["write-card"] && model.card.family === "deep-emotion";
  const figures = await evaluateModel(
    classifier,
    dataset,
    modes,
    refit ? null : (model.card.temperature ?? 1),
    (done, of) => {
      if (interactive) process.stderr.write(`\r${done} of ${of} passes${done === of ? "\n" : ""}`);
    },
  );
  const id = formatModelId(model.card);
  const command = `npm run evaluate -- --data DATA --usage ${options.usage} --model ${id}`;
  const conditions = options.conditions
    ? await measureConditions(
        classifier,
        dataset,
        model.card.temperature ?? 1,
        `${command} --conditions`,
        (done, of) => {
          if (interactive) process.stderr.write(`\r${done} of ${of} conditions${done === of ? "\n" : ""}`);
        },
      )
    : null;
  if (options.json) {
    const { modes: evaluations, cpuMs, ...rest } = figures;
    const report = {
      model: id,
      engine: classifier.engine,
      dataset: dataset.name,
      command,
      ...rest,
      cpuMs,
      evaluations,
      ...(conditions === null ? {} : { conditions }),
      failed: dataset.failed,
    };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  } else {
    process.stdout.write(`${renderFigures(id, classifier.engine, dataset, figures)}\n`);
    if (conditions !== null) process.stdout.write(`\n${renderConditions(conditions)}\n`);
  }
  if (options["write-card"] && folder !== null) {
    const kept = model.card.evaluations.filter((known) => known.dataset !== dataset.name || !modes.includes(known.tta));
    const card = parseModelCard({
      ...model.card,
      temperature: refit ? Number(figures.fittedTemperature.toFixed(4)) : model.card.temperature,
      evaluations: [...kept, ...figures.modes.map((mode) => toCardEvaluation(mode, dataset.name, command))],
      ...(conditions === null
        ? {}
        : {
            conditions: [...(model.card.conditions ?? []).filter((row) => row.dataset !== dataset.name), ...conditions],
          }),
    });
    await writeFile(join(folder, "card.json"), `${JSON.stringify(card, null, 2)}\n`);
    process.stderr.write(`${join(folder, "card.json")} written\n`);
  }
  classifier.dispose();
}

main().catch((error: unknown) => {
  process.stderr.write(`evaluate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
