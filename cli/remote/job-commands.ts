import { defineCommand } from "citty";
import type { JobAction } from "../../src/client/api.ts";
import { ScoringError } from "../../src/errors.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { readBudget, readInteger } from "../integers.ts";
import { showText } from "../terminal-text.ts";
import { connect, CONNECTION_ARGS, print, printJson } from "./connection.ts";
import { openConsole, WEB_ARG } from "./console-page.ts";
import { findJob, JOB_ARG } from "./find-job.ts";
import { describeJob, followJob } from "./follow-job.ts";
import { formatFilter } from "../../src/scoring/job/job-filter.ts";
import { readFilter } from "./job-filters.ts";
import { readJobs } from "./job-pages.ts";
import { OUTPUT_WORDS, saveDataset, saveOutput, verifyOutputs } from "./outputs.ts";
import { formatJobs } from "./job-list.ts";
import { add, seal } from "./open-job-commands.ts";
import { submit } from "./submit-command.ts";
import type { JobPage } from "../../src/scoring/job/job-directory.ts";

const watch = defineCommand({
  meta: { name: "watch", description: "Follow a job to its end, then show its labels" },
  args: { job: JOB_ARG, ...CONNECTION_ARGS },
  async run({ args }) {
    const api = connect(args);
    await followJob(api, await findJob(api, args.job), args.json);
  },
});

const get = defineCommand({
  meta: { name: "get", description: "Show a job, or copy one of its outputs to a file or standard output" },
  args: {
    job: JOB_ARG,
    output: {
      type: "positional",
      description: "labels, report, outputs (a list), dataset (all its parts), or an output's name",
      required: false,
    },
    out: { type: "string", description: "File to write; of a data set, a folder" },
    ...WEB_ARG,
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const api = connect(args);
    const id = await findJob(api, args.job);
    if (args.web && args.output !== undefined) {
      throw new ScoringError("validation_failed", `get: --web opens the job's page: leave ${args.output} out`);
    }
    if (args.output === undefined) {
      const job = await api.readJob(id);
      if (args.web) return openConsole(args, `jobs/${id}`);
      return args.json ? printJson(job) : print(describeJob(job));
    }
    if (args.output === "dataset") {
      if (args.out === undefined) throw new ScoringError("validation_failed", "get dataset: --out FOLDER is missing");
      for (const path of await saveDataset(api, id, args.out)) print(path);
      return undefined;
    }
    if (args.output !== "outputs") {
      return saveOutput(api, id, OUTPUT_WORDS[args.output] ?? args.output, args.out);
    }
    const outputs = await api.listOutputs(id);
    if (args.json) return printJson(outputs);
    for (const { name, size } of outputs) print(`${name.padEnd(16)} ${size}`);
  },
});

const list = defineCommand({
  meta: { name: "list", description: "The newest jobs of this key" },
  args: {
    limit: { type: "string", description: "At most this many", default: "20" },
    status: { type: "string", description: "Only jobs of these statuses, separated by commas" },
    tag: { type: "string", description: "Only jobs with all of these tags, separated by commas" },
    search: { type: "string", description: "Only jobs with this in their name, id or model" },
    ...WEB_ARG,
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const jobs: JobPage["jobs"][number][] = [];
    const filter = readFilter(args);
    const query = formatFilter(filter);
    if (args.web) return openConsole(args, `jobs${query.size === 0 ? "" : `?${query.toString()}`}`);
    for await (const job of readJobs(connect(args), readInteger("limit", args.limit), filter)) jobs.push(job);
    if (args.json) printJson(jobs);
    else if (jobs.length === 0) {
      process.stderr.write(query.size > 0 ? "no job of this key passes the filters\n" : "this key has no jobs\n");
    } else for (const line of formatJobs(jobs, Date.now())) print(line);
  },
});

const verify = defineCommand({
  meta: {
    name: "verify",
    description: "Read a job's outputs again and compare them with the hashes of _SUCCESS or _FAILED",
  },
  args: { job: JOB_ARG, ...CONNECTION_ARGS },
  async run({ args }) {
    const api = connect(args);
    const verdicts = await verifyOutputs(api, await findJob(api, args.job));
    if (args.json) printJson(verdicts);
    else for (const { name, bytes, state } of verdicts) print(`${state.padEnd(8)} ${name} (${bytes} bytes)`);
    if (verdicts.some(({ state }) => state !== "ok")) process.exitCode = EXIT_CODES.failed;
  },
});

const remove = defineCommand({
  meta: { name: "delete", description: "Forget an ended job and delete its outputs" },
  args: { job: JOB_ARG, ...CONNECTION_ARGS },
  async run({ args }) {
    const api = connect(args);
    await api.deleteJob(await findJob(api, args.job));
  },
});

/** `countenance models`, `countenance models list`. */
export const listModelsCommand = defineCommand({
  meta: { name: "list", description: "The models of the server" },
  args: { ...WEB_ARG, ...CONNECTION_ARGS },
  async run({ args }) {
    if (args.web) return openConsole(args, "models");
    const { models: cards, unavailable } = await connect(args).listModels();
    for (const { id, detail } of unavailable)
      process.stderr.write(`warning: ${showText(`${id} cannot be used: ${detail}`)}\n`);
    if (args.json) return printJson(cards);
    for (const { id, family } of cards) print(`${id.padEnd(20)} ${family}`);
    return undefined;
  },
});

function commandJob(action: JobAction, description: string) {
  return defineCommand({
    meta: { name: action, description },
    args: { job: JOB_ARG, ...CONNECTION_ARGS },
    async run({ args }) {
      const api = connect(args);
      const job = await api.commandJob(await findJob(api, args.job), action);
      if (args.json) printJson(job);
      else print(describeJob(job));
    },
  });
}

const resume = defineCommand({
  meta: { name: "resume", description: "Continue a paused job; with --budget also one whose budget is used up" },
  args: {
    job: JOB_ARG,
    budget: { type: "string", description: "Dollars that the job may cost from now on, all that it cost included" },
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const api = connect(args);
    const budget = readBudget("budget", args.budget);
    const id = await findJob(api, args.job);
    const job = await api.commandJob(id, "resume", budget === undefined ? undefined : { budget });
    if (args.json) printJson(job);
    else print(describeJob(job));
  },
});

/** The commands to a server, in the order of the help. */
export const remoteCommands = {
  submit,
  add,
  seal,
  watch,
  get,
  list,
  cancel: commandJob("cancel", "Cancel a job; what is scored is kept and written out"),
  pause: commandJob("pause", "Pause a job"),
  resume,
  "retry-failed": commandJob(
    "retry-failed",
    "Make a new job of the inputs of an ended job that failed, were skipped or left behind",
  ),
  verify,
  delete: remove,
};
