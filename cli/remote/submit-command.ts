import { stat } from "node:fs/promises";
import { defineCommand } from "citty";
import type { Api } from "../../src/client/api.ts";
import { ScoringError } from "../../src/errors.ts";
import { ABSTENTION_PRECISIONS } from "../../src/model/abstention.ts";
import { LABEL_FORMATS } from "../../src/scoring/keys.ts";
import { INPUT_FORMATS } from "../../src/scoring/manifest/input-formats.ts";
import { showText } from "../terminal-text.ts";
import { connect, CONNECTION_ARGS, print, printJson } from "./connection.ts";
import { openConsole, WEB_ARG } from "./console-page.ts";
import { followJob } from "./follow-job.ts";
import { formatBytes, formatPlan } from "./format-plan.ts";
import { readManifest } from "./read-manifest.ts";
import { chooseTarget, listPictures, uploadPictures } from "./upload-folder.ts";

/** `countenance submit`: a job of a manifest, of options, or of a folder that is uploaded first. */
export const submit = defineCommand({
  meta: { name: "submit", description: "Submit a job: a manifest file (- reads standard input), options, or both" },
  args: {
    manifest: { type: "positional", description: "Manifest file, JSON; or a folder, to upload", required: false },
    store: { type: "string", description: "Store of the inputs" },
    prefix: { type: "string", description: "Score every object under this prefix" },
    open: { type: "boolean", description: "Inputs come in later: countenance add, countenance seal" },
    list: { type: "string", description: "Key of a manifest object: JSONL or CSV, optionally gzip" },
    "list-store": { type: "string", description: "The store of --list, if it is not that of the inputs" },
    "output-store": { type: "string", description: "Store of the outputs; default --store" },
    "output-prefix": { type: "string", description: "Prefix of the outputs; default out/" },
    formats: { type: "string", description: LABEL_FORMATS.join(",") },
    layout: { type: "string", description: "single (default), or dataset: parts for millions of faces" },
    "group-by": { type: "string", description: "Groups that the report compares, separated by commas" },
    "partition-by": { type: "string", description: "Groups that a data set has folders of; each in --group-by" },
    format: { type: "string", description: INPUT_FORMATS.join(", ") },
    faces: { type: "string", description: "auto (default), aligned, largest or all" },
    model: { type: "string", description: "name@version, or a name for its newest" },
    tta: { type: "string", description: "none or flip" },
    abstain: {
      type: "string",
      description: `Give no label below this precision: ${ABSTENTION_PRECISIONS.join(", ")}`,
    },
    pipeline: { type: "string", description: "Preprocessing 1, 2 or 3; default the model's" },
    name: { type: "string", description: "A name for the job" },
    tags: { type: "string", description: "Words to find the job by, separated by commas" },
    priority: { type: "string", description: "-100 to 100; jobs of a higher one go first. Default 0" },
    budget: { type: "string", description: "Dollars that the job may cost; it pauses before it costs more" },
    purpose: { type: "string", description: "What the labels are for; some keys demand it" },
    "idempotency-key": { type: "string", description: "Submitting again with the same one gives the same job" },
    watch: { type: "boolean", description: "Follow the job to its end", default: false },
    "dry-run": { type: "boolean", description: "Only say what it would read, take and cost", default: false },
    ...WEB_ARG,
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const api = connect(args);
    const folder = await findFolder(args.manifest);
    const pictures = folder === null ? null : await listPictures(folder);
    const target = folder === null ? null : await chooseTarget(api, folder, args, new Date());
    if (pictures !== null && target !== null) {
      const { paths, bytes, others } = pictures;
      const place = `${target.store}/${target.prefix}`;
      const rest = others === 0 ? "" : ` (${others} other files stay)`;
      process.stderr.write(showText(`${paths.length} pictures, ${formatBytes(bytes)}, to ${place}${rest}`) + "\n");
      // Nothing is uploaded to see what it would cost.
      if (args["dry-run"]) return;
      await uploadPictures(api, pictures, target);
    }
    const manifest = await readManifest(
      target === null ? args : { ...args, manifest: undefined, store: target.store, prefix: target.prefix },
    );
    if (args["dry-run"]) {
      const plan = await explainStores(api, api.planJob(manifest));
      if (args.json) return printJson(plan);
      for (const line of formatPlan(plan)) print(line);
      for (const warning of plan.warnings) process.stderr.write(`warning: ${showText(warning)}\n`);
      return;
    }
    const job = await explainStores(api, api.submitJob(manifest, args["idempotency-key"]));
    if (args.web) await openConsole(args, `jobs/${job.id}`);
    if (args.watch) {
      process.stderr.write(`job ${job.id}\n`);
      return followJob(api, job.id, args.json);
    }
    if (args.json) printJson(job);
    else print(job.id);
  },
});

/** The path where it is a folder's. */
async function findFolder(path: string | undefined): Promise<string | null> {
  if (path === undefined || path === "-") return null;
  const entry = await stat(path).catch(() => null);
  return entry?.isDirectory() === true ? path : null;
}

/** An unknown store is told with those that this key may use. */
async function explainStores<T>(api: Pick<Api, "listStores">, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof ScoringError) || !error.issues.some(({ code }) => code === "unknown_store")) throw error;
    const names = (await api.listStores()).map(({ name }) => name).join(", ");
    const issues = error.issues.map((issue) =>
      issue.code === "unknown_store" ? { ...issue, message: `${issue.message}: there is ${names}` } : issue,
    );
    throw new ScoringError(error.code, error.detail, { issues, cause: error });
  }
}
