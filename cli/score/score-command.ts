import { ABSTENTION_PRECISIONS } from "../../src/model/abstention.ts";
import { LABEL_FORMATS } from "../../src/scoring/keys.ts";
import { readdir, readFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { FACE_MODES } from "../../src/scoring/records/face-mode.ts";
import { defineCommand } from "citty";
import { ScoringError } from "../../src/errors.ts";
import { FORMATS_IN_WORDS } from "../../src/image/image-formats.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import type { Report } from "../../src/scoring/report/report.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { makeFolder } from "../files.ts";
import { describeInputs, formatDuration, renderLabelTable } from "../label-table.ts";
import { describeIssue, showText } from "../terminal-text.ts";
import { readInteger } from "../integers.ts";
import { describeInput, type LocalInput } from "./local-input.ts";
import { runLocalJob } from "./local-job.ts";
import { findModelsFolder } from "./node-work.ts";
import { openPage } from "../open-page.ts";
import { writeContactSheet } from "./score-pages.ts";
import { showProgress } from "./score-progress.ts";
import { ENGINES } from "../../src/backends/engine-table.ts";

/** The option --threads. @throws ScoringError `validation_failed` */
export function readThreads(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const threads = Number(value);
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
    throw new ScoringError("validation_failed", `--threads: ${JSON.stringify(value)} is not a number from 1 to 1024`);
  }
  return threads;
}

/** Outcomes after which a threshold of one's own is looked at: of fewer, one bad picture would be a large share. */
const MIN_SAMPLE = 100;

/** The option --error-threshold. @throws ScoringError `validation_failed` */
export function readShare(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const share = Number(value);
  if (/^\d*\.?\d+$/.test(value) && share <= 1) return share;
  throw new ScoringError("validation_failed", `--error-threshold: ${JSON.stringify(value)} is not a share from 0 to 1`);
}

function chooseExitCode(view: JobView): number {
  if (view.status === "completed") return EXIT_CODES.ok;
  return view.status === "completed_with_errors" ? EXIT_CODES.withErrors : EXIT_CODES.failed;
}

/** Symbolic links below a folder: they are left out, since what they lead to may lie anywhere. */
async function countLinks(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isSymbolicLink()).length;
}

/** Why a run had nothing to score; `null` where it had something. */
function describeNothing(path: string, { denominators }: Report): string | null {
  const { listed, failedByReason } = denominators;
  const unreadable = failedByReason.find(({ code }) => code === "image_unsupported")?.count ?? 0;
  if (unreadable < listed) return null;
  const files = listed === 0 ? "" : ` among its ${listed} ${listed === 1 ? "file" : "files"}`;
  return `${path}: there is no ${FORMATS_IN_WORDS} picture${files}; GIF, TIFF and AVIF need sharp (\`npm install sharp\`), HEIC libheif-js (\`npm install libheif-js\`)`;
}

/** A path as somebody in this folder would type it. */
function place(path: string): string {
  return relative(process.cwd(), path) || ".";
}

/** Tells where a run's pages and files are, and opens the report. */
async function tellOutputs(source: LocalInput, folder: string, opens: boolean): Promise<void> {
  const report = join(folder, "report.html");
  const sheet = source.format === "image" ? await writeContactSheet(source.folder, folder) : null;
  const lines = [`labels and all else in ${place(folder)}/`, `report         ${place(report)}`];
  if (sheet !== null) {
    const some = sheet.shown < sheet.total ? ` (the first ${sheet.shown} of ${sheet.total} pictures)` : "";
    lines.push(`contact sheet  ${place(sheet.path)}${some}`);
  }
  process.stderr.write(lines.map((line) => `  ${showText(line)}\n`).join(""));
  if (opens && !(await openPage(report))) process.stderr.write("  --open: this system has no program that opens it\n");
}

/** `countenance score`: a job over a folder, a tar or a FER2013 file, on this machine, over all its cores. */
export const scoreCommand = defineCommand({
  meta: { name: "score", description: "Score a folder of images, a .tar of them or a fer2013 .csv on this machine" },
  args: {
    input: { type: "positional", description: "Folder, .tar or .csv", required: true },
    out: { type: "string", description: "Folder for the outputs", default: "countenance-out" },
    faces: {
      type: "enum",
      options: [...FACE_MODES],
      description: "Which faces to score; auto: crops of up to 96 pixels as they are, else the largest found",
      default: "auto",
    },
    model: { type: "string", description: "name@version, or a name for its newest", default: "deep-emotion" },
    models: { type: "string", description: "Folder of models of your own; default ./models, where it is" },
    tta: { type: "enum", options: ["none", "flip"], description: "Average with the mirrored face", default: "none" },
    abstain: {
      type: "string",
      description: `Give no label below this precision: ${ABSTENTION_PRECISIONS.join(", ")}`,
    },
    pipeline: {
      type: "enum",
      options: ["1", "2", "3"],
      description: "Preprocessing; default the model's. 2: JPEGs faster",
    },
    formats: { type: "string", description: LABEL_FORMATS.join(","), default: "jsonl,csv" },
    engine: { type: "enum", options: [...ENGINES], description: "What computes the network", default: "fused" },
    threads: { type: "string", description: "Threads; default one a core" },
    "error-threshold": {
      type: "string",
      description: "Share of failed images, 0 to 1, above which the job fails once it has 100; default 0.05 of 1,000",
    },
    list: { type: "string", description: "CSV or JSONL that names images of the folder, with groups and true labels" },
    "group-by": { type: "string", description: "Groups of --list to aggregate by, with commas between" },
    sample: { type: "string", description: "Score so many images of the folder, always the same ones" },
    resume: {
      type: "boolean",
      description: "Go on with the newest run of this that did not end; else begin anew",
      default: false,
    },
    open: { type: "boolean", description: "Open the report when it is done", default: false },
    quiet: { type: "boolean", description: "Say nothing but what went wrong", default: false },
    json: { type: "boolean", description: "Print the report as JSON on standard output", default: false },
  },
  async run({ args }) {
    const started = Date.now();
    const sample = readInteger("sample", args.sample);
    const source = await describeInput(resolve(args.input), { list: args.list, sample });
    const outputFolder = resolve(args.out);
    const threads = readThreads(args.threads);
    const errorThreshold = readShare(args["error-threshold"]);
    await makeFolder(outputFolder);
    const progress = showProgress(args.quiet);
    const view = await runLocalJob({
      inputFolder: source.folder,
      listFolder: source.listFolder,
      outputFolder,
      engine: args.engine,
      modelsFolder: await findModelsFolder(args.models),
      ...(threads === undefined ? {} : { threads }),
      manifest: {
        name: basename(source.folder),
        input: { store: "input", ...source.input },
        format: source.format,
        faces: args.faces,
        model: args.model,
        tta: args.tta,
        ...(args.abstain === undefined ? {} : { abstain: { precision: Number(args.abstain) } }),
        ...(args["group-by"] === undefined ? {} : { groupBy: args["group-by"].split(",") }),
        ...(args.pipeline === undefined ? {} : { pipeline: Number(args.pipeline) }),
        ...(errorThreshold === undefined ? {} : { limits: { errorThreshold, errorMinimumSample: MIN_SAMPLE } }),
        output: { store: "output", prefix: "", formats: args.formats.split(",") },
      },
      resume: args.resume,
      begun: progress.begun,
      watcher: progress.watcher,
    }).finally(() => progress.stop());
    if (view.failure !== null) process.stderr.write(`${view.status}: ${showText(view.failure.message)}\n`);
    for (const warning of view.warnings) process.stderr.write(`warning: ${showText(warning)}\n`);
    for (const issue of view.issues) process.stderr.write(`${describeIssue(issue)}\n`);
    const folder = join(outputFolder, view.output.prefix);
    const text = await readFile(join(folder, "report.json"), "utf8").catch(() => null);
    if (text === null) {
      process.exitCode = chooseExitCode(view);
      return;
    }
    const report = JSON.parse(text) as Report;
    const nothing = describeNothing(args.input, report);
    if (args.json) process.stdout.write(`${text.trimEnd()}\n`);
    else if (!args.quiet && nothing === null) process.stdout.write(`${renderLabelTable(report)}\n`);
    if (!args.quiet) {
      if (args.json) process.stderr.write(`${describeInputs(report)}\n`);
      const links = source.format === "image" && "prefix" in source.input ? await countLinks(source.folder) : 0;
      if (links > 0)
        process.stderr.write(`${links} symbolic ${links === 1 ? "link was" : "links were"} not followed\n`);
      process.stderr.write(`${formatDuration(Date.now() - started)}\n`);
      await tellOutputs(source, folder, args.open);
    }
    if (nothing !== null) throw new ScoringError("validation_failed", nothing);
    process.exitCode = chooseExitCode(view);
  },
});
