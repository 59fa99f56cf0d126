import { defineCommand } from "citty";
import Table from "cli-table3";
import type { ReviewPlan, ReviewView } from "../../src/scoring/review/review-desk.ts";
import { describeLead } from "../../src/scoring/review/review-lead.ts";
import { formatInterval, formatPercent } from "../../src/scoring/report/report-format.ts";
import type { ShareInterval } from "../../src/scoring/statistics/intervals.ts";
import { ScoringError } from "../../src/errors.ts";
import { createReviewApi } from "../../src/client/review-api.ts";
import { readInteger } from "../integers.ts";
import { showText } from "../terminal-text.ts";
import { openConsole, WEB_ARG } from "./console-page.ts";
import { connect, CONNECTION_ARGS, print, printJson } from "./connection.ts";

/** `countenance review`: drawing a sample for people to label, and what their answers say of the whole job. */
export const reviewCommand = defineCommand({
  meta: {
    name: "review",
    description: "The figures of a job's review; with --draw, draw the sample that people label",
  },
  args: {
    job: { type: "positional", description: "The job's id", required: true },
    draw: { type: "boolean", description: "Draw a sample", default: false },
    size: { type: "string", description: "Faces to draw; or" },
    "half-width": { type: "string", description: "the points, plus or minus, that shares may be off by: 4 is 4 %" },
    by: { type: "string", description: "A groupBy name of the job: figures for each of its groups too" },
    seed: { type: "string", description: "The same one draws the same faces; default 1" },
    readers: { type: "string", description: "Ids of API keys that may answer beside the job's own, with commas" },
    "dry-run": { type: "boolean", description: "Only say how many faces it takes", default: false },
    delete: { type: "boolean", description: "Delete the review with all its answers", default: false },
    ...WEB_ARG,
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const reviews = createReviewApi(connect(args));
    if (args.delete) return reviews.remove(args.job);
    if (args.draw || args["dry-run"]) {
      const halfWidth = args["half-width"] === undefined ? null : Number(args["half-width"]) / 100;
      if (halfWidth !== null && !(halfWidth > 0)) {
        throw new ScoringError(
          "validation_failed",
          `--half-width: must be points, for instance 4, not ${args["half-width"]}`,
        );
      }
      const plan = await reviews.draw(args.job, {
        size: readInteger("size", args.size) ?? null,
        halfWidth,
        by: args.by ?? null,
        seed: readInteger("seed", args.seed) ?? 1,
        readers: args.readers === undefined ? [] : args.readers.split(",").map((id) => id.trim()),
        dryRun: args["dry-run"],
      });
      if (args.json) printJson(plan);
      else print(describePlan(plan, args["dry-run"]));
      return undefined;
    }
    const view = await reviews.read(args.job);
    if (args.web) return openConsole(args, `jobs/${args.job}?tab=review`);
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
  const { total, groups, agreement } = view.figures;
  print(describeLead(view));
  for (const { name, figures } of [
    ...(total === null ? [] : [{ name: null, figures: total }]),
    ...groups.map(({ value, figures: group }) => ({ name: value ?? "all others", figures: group })),
  ]) {
    if (name !== null) print(`\n${showText(name)}: ${figures.faces} faces, accuracy ${formatShare(figures.accuracy)}`);
    const table = new Table({
      head: ["label", "model", "review alone", "review and model", "precision", "recall"],
      style: { head: [], border: [], compact: true },
    });
    for (const { label, model, review, powered, precision, recall } of figures.labels) {
      table.push([label, formatPercent(model), ...[review, powered, precision, recall].map(formatShare)]);
    }
    print(table.toString());
  }
  if (agreement?.alpha) print(`Krippendorff's alpha of the readers: ${agreement.alpha.value.toFixed(2)}`);
}
