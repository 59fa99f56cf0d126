import { FACE_MODES } from "../../src/scoring/records/face-mode.ts";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { defineCommand } from "citty";
import { ScoringError } from "../../src/errors.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import type { Report } from "../../src/scoring/report/report.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { makeFolder } from "../files.ts";
import { describeInputs, formatDuration, renderLabelTable } from "../label-table.ts";
import { createProgressBar } from "../progress-bar.ts";
import { describeIssue, showText } from "../terminal-text.ts";
import { runLocalJob } from "./local-job.ts";
import { LOCAL_ENGINES } from "./node-work.ts";

/** Where the input lies, and how the manifest names it. */
interface LocalInput {
  readonly folder: string;
  readonly format: "image" | "tar" | "fer2013-csv";
  readonly input: { readonly prefix: string } | { readonly objects: readonly { readonly key: string }[] };
}

/** A folder is a prefix; a `.tar` or `.csv` is one object. @throws ScoringError `validation_failed` */
async function describeInput(path: string): Promise<LocalInput> {
  const entry = await stat(path).catch(() => null);
  if (entry === null) throw new ScoringError("validation_failed", `${path}: no such file or folder`);
  if (entry.isDirectory()) return { folder: path, format: "image", input: { prefix: "" } };
  const input = { objects: [{ key: basename(path) }] };
  if (path.endsWith(".tar")) return { folder: dirname(path), format: "tar", input };
  if (path.endsWith(".csv")) return { folder: dirname(path), format: "fer2013-csv", input };
  return { folder: dirname(path), format: "image", input };
}

/** The option --threads. @throws ScoringError `validation_failed` */
export function readThreads(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const threads = Number(value);
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
    throw new ScoringError("validation_failed", `--threads: ${JSON.stringify(value)} is not a number from 1 to 1024`);
  }
  return threads;
}

function chooseExitCode(view: JobView): number {
  if (view.status === "completed") return EXIT_CODES.ok;
  return view.status === "completed_with_errors" ? EXIT_CODES.withErrors : EXIT_CODES.failed;
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
    tta: { type: "enum", options: ["none", "flip"], description: "Average with the mirrored face", default: "none" },
    pipeline: {
      type: "enum",
      options: ["1", "2", "3"],
      description: "Preprocessing; default the model's. 2: JPEGs faster",
    },
    formats: { type: "string", description: "jsonl,csv,parquet", default: "jsonl,csv" },
    engine: { type: "enum", options: [...LOCAL_ENGINES], description: "What computes the network", default: "fused" },
    threads: { type: "string", description: "Threads; default one a core" },
    json: { type: "boolean", description: "Print the report as JSON on standard output", default: false },
  },
  async run({ args }) {
    const started = Date.now();
    const source = await describeInput(resolve(args.input));
    const outputFolder = resolve(args.out);
    const threads = readThreads(args.threads);
    await makeFolder(outputFolder);
    const bar = createProgressBar(process.stderr);
    const view = await runLocalJob({
      inputFolder: source.folder,
      outputFolder,
      engine: args.engine,
      ...(threads === undefined ? {} : { threads }),
      manifest: {
        name: basename(source.folder),
        input: { store: "input", ...source.input },
        format: source.format,
        faces: args.faces,
        model: args.model,
        tta: args.tta,
        ...(args.pipeline === undefined ? {} : { pipeline: Number(args.pipeline) }),
        output: { store: "output", prefix: "", formats: args.formats.split(",") },
      },
      progressed: ({ counts, status, rate }) =>
        bar.update({
          finished: counts.finished,
          total: counts.planned ? counts.listed : 0,
          label: status,
          perSecond: rate,
        }),
    });
    bar.stop();
    if (view.failure !== null) process.stderr.write(`${view.status}: ${showText(view.failure.message)}\n`);
    for (const warning of view.warnings) process.stderr.write(`warning: ${showText(warning)}\n`);
    for (const issue of view.issues) process.stderr.write(`${describeIssue(issue)}\n`);
    const folder = join(outputFolder, view.output.prefix);
    const text = await readFile(join(folder, "report.json"), "utf8").catch(() => null);
    if (text !== null) {
      const report = JSON.parse(text) as Report;
      process.stdout.write(args.json ? `${text.trimEnd()}\n` : `${renderLabelTable(report)}\n`);
      if (args.json) process.stderr.write(`${describeInputs(report)}\n`);
      process.stderr.write(
        `${formatDuration(Date.now() - started)}; outputs in ${relative(process.cwd(), folder) || "."}/\n`,
      );
    }
    process.exitCode = chooseExitCode(view);
  },
});
