import { defineCommand } from "citty";
import Table from "cli-table3";
import type { ReviewPlan, ReviewView } from "../../src/scoring/review/review-desk.ts";
import { describeLead } from "../../src/scoring/review/review-lead.ts";
import { formatInterval, formatPercent } from "../../src/scoring/report/report-format.ts";
import { describeGaps } from "../../src/scoring/statistics/fairness.ts";
import type { ShareInterval } from "../../src/scoring/statistics/intervals.ts";
import { ScoringError } from "../../src/errors.ts";
import { createReviewApi } from "../../src/client/review-api.ts";
import { readInteger } from "../integers.ts";
import { showText } from "../terminal-text.ts";
import { openConsole, WEB_ARG } from "./console-page.ts";
import { findJob } from "./find-job.ts";
import { connect, CONNECTION_ARGS, print, printJson } from "./connection.ts";

/** `countenance review`: drawing a sample for people to label, and what their answers say of the whole job. */
export const reviewCommand = defineCommand({
  meta: {
    name: "review",
    description: "The figures of a job's review; with --draw, draw the sample that people label",
  },
  args: {
    job: { type: "positional", description: "The job's id, or how it ends", required: true },
    draw: { type: "boolean", description: "Draw a sample", default: false },
    size: { type: "string", description: "Faces to draw; or" },
    "half-width": { type: "string", description: "the points, plus or minus, that shares may be off by: 4 is 4 %" },
    by: { type: "string", description: "A groupBy name of the job: figures for each of its groups too" },
    seed: { type: "string", description: "The same one draws the same faces; default 1" },
    readers: { type: "string", description: "Ids of API keys that may answer beside the job's own, with commas" },
    "new-only": { type: "boolean", description: "Only pictures that the run before did not have", default: false },
    lines: { type: "boolean", description: "Print all answers as they were given, reviews.jsonl", default: false },
    "dry-run": { type: "boolean", description: "Only say how many faces it takes", default: false },
    delete: { type: "boolean", description: "Delete the review with all its answers", default: false },
    ...WEB_ARG,
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const api = connect(args);
    const reviews = createReviewApi(api);
    const job = await findJob(api, args.job);
    if (args.delete) return reviews.remove(job);
    if (args.lines) {
      process.stdout.write(await reviews.readLines(job));
      return undefined;
    }
    if (args.draw || args["dry-run"]) {
      const halfWidth = args["half-width"] === undefined ? null : Number(args["half-width"]) / 100;
      if (halfWidth !== null && !(halfWidth > 0)) {
        throw new ScoringError(
          "validation_failed",
          `--half-width: must be points, for instance 4, not ${args["half-width"]}`,
        );
      }
      const plan = await reviews.draw(job, {
        size: readInteger("size", args.size) ?? null,
        halfWidth,
        by: args.by ?? null,
        seed: readInteger("seed", args.seed) ?? 1,
        readers: args.readers === undefined ? [] : args.readers.split(",").map((id) => id.trim()),
        newOnly: args["new-only"],
        dryRun: args["dry-run"],
      });
      if (args.json) printJson(plan);
      else print(describePlan(plan, args["dry-run"]));
      return undefined;
    }
    const view = await reviews.read(job);
    if (args.web) return openConsole(args, `jobs/${job}?tab=review`);
    if (args.json) printJson(view);
    else printReview(view);
    return undefined;
  },
});

function describePlan({ size, halfWidth, population, strata }: ReviewPlan, isDry: boolean): string {
  const what = `${size} of ${population} faces, from ${strata} strata`;
  return `${isDry ? "would draw" : "drawn:"} ${what}; shares within ${(100 * halfWidth).toFixed(1)} points, plus or minus`;
}

const formatShare = (share: ShareInterval | null): string =>
  share === null ? "–" : `${formatPercent(share.value)} (${formatInterval(share)})`;

function printReview(view: ReviewView): void {
  const { total, groups, agreement, cannotSay, fit, fairness } = view.figures;
  print(describeLead(view));
  for (const { name, figures } of [
    ...(total === null ? [] : [{ name: null, figures: total }]),
    ...groups.map(({ value, figures: group }) => ({ name: value ?? "all others", figures: group })),
  ]) {
    if (name !== null) print(`\n${showText(name)}: ${figures.faces} faces, accuracy ${formatShare(figures.accuracy)}`);
    const table = new Table({
      head: ["label", "model", "corrected", "review alone", "review and model", "precision", "recall"],
      style: { head: [], border: [], compact: true },
    });
    for (const { label, model, corrected, review, powered, precision, recall } of figures.labels) {
      table.push([label, formatPercent(model), ...[corrected, review, powered, precision, recall].map(formatShare)]);
    }
    print(table.toString());
  }
  if (cannotSay !== null && cannotSay.value > 0)
    print(`no label can be given to ${formatShare(cannotSay)} of the faces; the figures are about the rest`);
  if (agreement?.alpha) print(`Krippendorff's alpha of the readers: ${agreement.alpha.value.toFixed(2)}`);
  if (agreement?.kappa) print(`Cohen's kappa of the two: ${agreement.kappa.value.toFixed(2)}`);
  if (fairness !== null) for (const sentence of describeGaps(fairness)) print(showText(sentence));
  if (fit === null) return;
  const { temperature, calibrationError, precisionAim, thresholds } = fit;
  const [before, after] = [calibrationError.before, calibrationError.after].map((error) => formatPercent(error));
  print(
    `\nfor the next run: ${temperature.toFixed(2)} times the temperature (calibration error ${before}, then ${after})`,
  );
  const list = thresholds.map(
    ({ label, threshold }) => `${label} ${threshold === null ? "none" : formatPercent(threshold, 0)}`,
  );
  print(`right for ${formatPercent(precisionAim, 0)} from these probabilities on: ${list.join(", ")}`);
}
