import { readFile } from "node:fs/promises";
import { join } from "node:path";
import Table from "cli-table3";
import { createApi } from "../src/client/api.ts";
import { createReviewApi } from "../src/client/review-api.ts";
import { digestHex } from "../src/scoring/sha256.ts";
import { formatInterval, formatPercent } from "../src/scoring/report/report-format.ts";
import { describeLead } from "../src/scoring/review/review-lead.ts";
import { type Answer, listAnswers } from "../src/scoring/review/answers.ts";
import type { GivenAnswer } from "../src/scoring/review/review-desk.ts";
import type { ReviewedFaces } from "../src/scoring/review/review-figures.ts";

/**
 * `npm run demo -- --review`: a reader who is simulated from `demo-truth.json` labels a sample of the portraits, and the
 * figures are told as they come. The truth was written down by hand, by looking at each portrait.
 */

/** Faces that are drawn of the some seventy portraits. */
const SIZE = 56;
const READER = "simulated";
/** Shares of the sample after which the figures are told. */
const STOPS = [0.5, 0.75, 1];

const truthFile = join(import.meta.dirname, "demo-truth.json");

/** What the reader says of each picture, by its SHA-256: of a picture, a reader knows nothing but what it looks like. */
async function readTruth(
  pictures: ReadonlyMap<string, Uint8Array>,
  prefix: string,
): Promise<ReadonlyMap<string, Answer>> {
  const written = JSON.parse(await readFile(truthFile, "utf8")) as Readonly<Record<string, string>>;
  const truth = new Map<string, Answer>();
  for (const [key, bytes] of pictures) {
    const name = key.slice(prefix.length);
    const answer = listAnswers().find((known) => known === written[name]);
    if (answer === undefined) throw new Error(`${truthFile}: ${name}: ${String(written[name])} is no answer`);
    truth.set(await digestHex(bytes), answer);
  }
  return truth;
}

function renderFigures({ labels }: ReviewedFaces): string {
  const table = new Table({
    head: ["Apparent expression", "Model alone", "Review alone", "Review and model"],
    style: { head: [], border: [], compact: true },
  });
  for (const { label, model, review, powered } of labels) {
    const describe = ({ value, low, high }: typeof review): string =>
      `${formatPercent(value)} (${formatInterval({ low, high })})`;
    table.push([label, formatPercent(model), describe(review), describe(powered)]);
  }
  return table.toString();
}

/** Draws a review of the job, answers it and tells what follows. @param pictures by key, as they were stored under `prefix` */
export async function runReview(
  server: { readonly origin: string; readonly key: string },
  jobId: string,
  pictures: ReadonlyMap<string, Uint8Array>,
  prefix: string,
  say: (line?: string) => void,
): Promise<void> {
  const reviews = createReviewApi(createApi({ baseUrl: server.origin, key: server.key }));
  const truth = await readTruth(pictures, prefix);
  const plan = await reviews.draw(jobId, { size: SIZE, halfWidth: null, by: null, seed: 1, dryRun: false });
  say(
    `Review: ${plan.size} of ${plan.population} faces drawn from ${plan.strata} strata; a simulated reader labels them.`,
  );
  const { faces } = await reviews.listFaces(jobId, READER);
  let answered = 0;
  for (const stop of STOPS) {
    const answers: GivenAnswer[] = [];
    for (const { at } of faces.slice(answered, Math.ceil(stop * faces.length))) {
      const picture = await reviews.readPicture(jobId, at);
      const label = truth.get(await digestHex(new Uint8Array(await picture.arrayBuffer())));
      answers.push({ at, label: label ?? "cannot say", seconds: 3 });
    }
    answered += answers.length;
    await reviews.answer(jobId, READER, answers);
    const view = await reviews.read(jobId);
    say();
    say(describeLead(view));
    if (view.figures.total !== null) say(renderFigures(view.figures.total));
  }
}
