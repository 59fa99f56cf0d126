import { ABSTENTION_PRECISIONS } from "../../src/model/abstention.ts";
import { LABEL_FORMATS } from "../../src/scoring/keys.ts";
import { defineCommand } from "citty";
import type { JobAction } from "../../src/client/api.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { readInteger } from "../integers.ts";
import { showText } from "../terminal-text.ts";
import { connect, CONNECTION_ARGS, print, printJson } from "./connection.ts";
import { describeJob, followJob } from "./follow-job.ts";
import { readJobs } from "./job-pages.ts";
import { OUTPUT_WORDS, saveOutput, verifyOutputs } from "./outputs.ts";
import { readManifest } from "./read-manifest.ts";

const JOB_ARG = { type: "positional", description: "The job's id", required: true } as const;

const submit = defineCommand({
  meta: { name: "submit", description: "Submit a job: a manifest file (- reads standard input), options, or both" },
  args: {
    manifest: { type: "positional", description: "Manifest file, JSON", required: false },
    store: { type: "string", description: "Store of the inputs" },
    prefix: { type: "string", description: "Score every object under this prefix" },
    list: { type: "string", description: "Key of a manifest object: JSONL or CSV, optionally gzip" },
    "list-store": { type: "string", description: "The store of --list, if it is not that of the inputs" },
    "output-store": { type: "string", description: "Store of the outputs; default --store" },
    "output-prefix": { type: "string", description: "Prefix of the outputs; default out/" },
    formats: { type: "string", description: LABEL_FORMATS.join(",") },
    format: { type: "string", description: "image, tar or fer2013-csv" },
    faces: { type: "string", description: "auto (default), aligned, largest or all" },
    model: { type: "string", description: "name@version, or a name for its newest" },
    tta: { type: "string", description: "none or flip" },
    abstain: {
      type: "string",
      description: `Give no label below this precision: ${ABSTENTION_PRECISIONS.join(", ")}`,
    },
    pipeline: { type: "string", description: "Preprocessing 1, 2 or 3; default the model's" },
    name: { type: "string", description: "A name for the job" },
    priority: { type: "string", description: "-100 to 100; jobs of a higher one go first. Default 0" },
    purpose: { type: "string", description: "What the labels are for; some keys demand it" },
    "idempotency-key": { type: "string", description: "Submitting again with the same one gives the same job" },
    watch: { type: "boolean", description: "Follow the job to its end", default: false },
    "dry-run": { type: "boolean", description: "Only say what it would read, take and cost", default: false },
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const api = connect(args);
    const manifest = await readManifest(args);
    if (args["dry-run"]) {
      const plan = await api.planJob(manifest);
      if (args.json) return printJson(plan);
      print(`${plan.objects} objects, ${plan.bytes} bytes, ${plan.chunks} chunks${plan.complete ? "" : " (so far)"}`);
      print(JSON.stringify(plan.estimate, null, 2));
      for (const warning of plan.warnings) process.stderr.write(`warning: ${showText(warning)}\n`);
      return;
    }
    const job = await api.submitJob(manifest, args["idempotency-key"]);
    if (args.watch) {
      process.stderr.write(`job ${job.id}\n`);
      return followJob(api, job.id, args.json);
    }
    if (args.json) printJson(job);
    else print(job.id);
  },
});

const watch = defineCommand({
  meta: { name: "watch", description: "Follow a job to its end, then show its labels" },
  args: { job: JOB_ARG, ...CONNECTION_ARGS },
  run: ({ args }) => followJob(connect(args), args.job, args.json),
});

const get = defineCommand({
  meta: { name: "get", description: "Show a job, or copy one of its outputs to a file or standard output" },
  args: {
    job: JOB_ARG,
    output: {
      type: "positional",
      description: "labels, report, outputs (a list), or an output's name",
      required: false,
    },
    out: { type: "string", description: "File to write" },
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const api = connect(args);
    if (args.output === undefined) {
      const job = await api.readJob(args.job);
      return args.json ? printJson(job) : print(describeJob(job));
    }
    if (args.output !== "outputs") {
      return saveOutput(api, args.job, OUTPUT_WORDS[args.output] ?? args.output, args.out);
    }
    const outputs = await api.listOutputs(args.job);
    if (args.json) return printJson(outputs);
    for (const { name, size } of outputs) print(`${name.padEnd(16)} ${size}`);
  },
});

const list = defineCommand({
  meta: { name: "list", description: "The newest jobs of this key" },
  args: { limit: { type: "string", description: "At most this many", default: "20" }, ...CONNECTION_ARGS },
  async run({ args }) {
    const jobs = [];
    for await (const job of readJobs(connect(args), readInteger("limit", args.limit))) {
      if (args.json) jobs.push(job);
      else print(describeJob(job));
    }
    if (args.json) printJson(jobs);
  },
});

const verify = defineCommand({
  meta: { name: "verify", description: "Read a job's outputs again and compare them with the hashes of _SUCCESS" },
  args: { job: JOB_ARG, ...CONNECTION_ARGS },
  async run({ args }) {
    const verdicts = await verifyOutputs(connect(args), args.job);
    if (args.json) printJson(verdicts);
    else for (const { name, bytes, state } of verdicts) print(`${state.padEnd(8)} ${name} (${bytes} bytes)`);
    if (verdicts.some(({ state }) => state !== "ok")) process.exitCode = EXIT_CODES.failed;
  },
});

const remove = defineCommand({
  meta: { name: "delete", description: "Forget an ended job and delete its outputs" },
  args: { job: JOB_ARG, ...CONNECTION_ARGS },
  run: ({ args }) => connect(args).deleteJob(args.job),
});

const models = defineCommand({
  meta: { name: "models", description: "The models of the server" },
  args: CONNECTION_ARGS,
  async run({ args }) {
    const { models: cards, unavailable } = await connect(args).listModels();
    for (const { id, detail } of unavailable)
      process.stderr.write(`warning: ${showText(`${id} cannot be used: ${detail}`)}\n`);
    if (args.json) return printJson(cards);
    for (const { id, family } of cards) print(`${id.padEnd(20)} ${family}`);
  },
});

function commandJob(action: JobAction, description: string) {
  return defineCommand({
    meta: { name: action, description },
    args: { job: JOB_ARG, ...CONNECTION_ARGS },
    async run({ args }) {
      const job = await connect(args).commandJob(args.job, action);
      if (args.json) printJson(job);
      else print(describeJob(job));
    },
  });
}

/** The commands to a server, in the order of the help. */
export const remoteCommands = {
  submit,
  watch,
  get,
  list,
  cancel: commandJob("cancel", "Cancel a job; what is scored is kept and written out"),
  pause: commandJob("pause", "Pause a job"),
  resume: commandJob("resume", "Continue a paused job"),
  "retry-failed": commandJob(
    "retry-failed",
    "Make a new job of the inputs of an ended job that failed, were skipped or left behind",
  ),
  verify,
  delete: remove,
  models,
};
