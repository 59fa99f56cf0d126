import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { defineCommand } from "citty";
import { type AddedInputs, createOpenJobsApi, type OpenJobsApi } from "../../src/client/open-jobs-api.ts";
import { ScoringError } from "../../src/errors.ts";
import { refuseFile } from "../files.ts";
import { showText } from "../terminal-text.ts";
import { connect, CONNECTION_ARGS, print, printJson } from "./connection.ts";
import { findJob, JOB_ARG } from "./find-job.ts";
import { describeJob } from "./follow-job.ts";

/** Goes on for as long as it takes: what was sent twice counts once. */
function connectPatiently(args: Parameters<typeof connect>[0]): OpenJobsApi {
  return createOpenJobsApi(connect(args), {
    wait: async (ms, signal) => void (await sleep(ms, null, { signal }).catch(() => null)),
    pausing: (ms, error) => process.stderr.write(`${showText(error.detail)}: tried again in ${ms / 1000} s\n`),
    signal: new AbortController().signal,
  });
}

/** `countenance add`. */
export const add = defineCommand({
  meta: { name: "add", description: "Send inputs to an open job: files of JSON lines (- reads standard input)" },
  args: {
    job: JOB_ARG,
    files: {
      type: "positional",
      description: "JSON lines as in a list: a key, and an etag, id, label, groups where they are known",
      valueHint: "FILE…",
      required: true,
    },
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const id = await findJob(connect(args), args.job);
    const jobs = connectPatiently(args);
    let sum: AddedInputs = { added: 0, known: 0, received: 0 };
    for (const path of args._.slice(1)) {
      const { added, known, received } = await nameFile(path, jobs.addLines(id, readLines(path)));
      sum = { added: sum.added + added, known: sum.known + known, received };
    }
    if (args.json) printJson(sum);
    else print(`${sum.added} added, ${sum.known} known before, ${sum.received} in all`);
  },
});

/** `countenance seal`. */
export const seal = defineCommand({
  meta: { name: "seal", description: "Seal an open job: no more inputs follow, and it ends like any other" },
  args: { job: JOB_ARG, ...CONNECTION_ARGS },
  async run({ args }) {
    const job = await connectPatiently(args).seal(await findJob(connect(args), args.job));
    if (args.json) printJson(job);
    else print(describeJob(job));
  },
});

async function* readLines(path: string): AsyncGenerator<string> {
  const input = path === "-" ? process.stdin : createReadStream(path, "utf8");
  try {
    yield* createInterface({ input, crlfDelay: Infinity });
  } catch (error) {
    refuseFile(path, error);
  }
}

/** Findings are told with the file and the line in it. */
async function nameFile<T>(path: string, sent: Promise<T>): Promise<T> {
  try {
    return await sent;
  } catch (error) {
    if (!(error instanceof ScoringError) || error.issues.length === 0) throw error;
    const issues = error.issues.map((issue) => ({ ...issue, path }));
    throw new ScoringError(error.code, error.detail, { issues, cause: error });
  }
}
