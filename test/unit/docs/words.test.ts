import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openRegistry } from "../../../cli/score/node-work.ts";
import { LABELS } from "../../../src/model/labels.ts";
import { DEFAULT_MODEL } from "../../../src/scoring/manifest/manifest.ts";
import { buildReport } from "../../../src/scoring/report/report.ts";
import { renderReportHtml } from "../../../src/scoring/report/report-html.ts";
import { emptySummary } from "../../../src/scoring/fold/summary.ts";

/** What has to be said wherever labels are shown: README and report. */

const root = new URL("../../../", import.meta.url);
const readme = readFileSync(new URL("README.md", root), "utf8").replaceAll(/\s+/g, " ");
const card = await (await openRegistry()).card(DEFAULT_MODEL);
const page = renderReportHtml(
  buildReport(emptySummary({ groupBy: [], faces: "largest" }), {
    job: { id: "job", name: null, purpose: "research", status: "completed", createdAt: "", finishedAt: "" },
    listed: 0,
    missingChunks: 0,
    card,
    engine: "",
    pipeline: 1,
    faces: "largest",
    faceFinder: "blazeface@1/3",
    tta: "none",
    minGroupSize: 10,
  }),
).replaceAll(/\s+/g, " ");

const evaluation = card.evaluations.find(({ tta }) => tta === "none")!;

/** One row of the README's table: whole percents, or counts. */
function readRow(name: string): string[] {
  const cells = /^[^|]*\|((?: [\d %]+ \|){7})/.exec(readme.slice(readme.indexOf(`| ${name}`) + 2))?.[1];
  return (cells ?? "")
    .split("|")
    .map((cell) => cell.trim())
    .filter((cell) => cell !== "");
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

describe("README and report", () => {
  it.each([
    ["README", readme],
    ["report", page],
  ])("%s: what a label is not, the law, and what is wrong with FER2013", (_name, text) => {
    for (const words of [
      "apparent facial expression",
      "what a person feels",
      "no decision about a person",
      "Art. 5(1)(f)",
      "Annex III",
      "Art. 50(3)",
    ]) {
      expect(text).toContain(words);
    }
    expect(text).toMatch(
      /FER2013 was gathered by web search.*Disgust.* rare.*posed|FER2013 was gathered by web search.*posed.*Disgust.* rare/,
    );
    expect(text).toMatch(/at work or in education is prohibited,? except for medical or safety reasons/);
  });

  it("README: the shipped model's figures for each class are its card's", () => {
    expect(evaluation.perClass.map(({ label }) => label)).toEqual(LABELS);
    expect(readme).toContain(`| ${LABELS.join(" | ")} |`);
    expect(readRow("faces |").length + readRow("of these").length).toBe(14);
    expect(readRow("faces |")).toEqual(evaluation.perClass.map(({ support }) => String(support)));
    expect(readRow("of these")).toEqual(evaluation.perClass.map(({ recall }) => percent(recall)));
    expect(readRow("of those")).toEqual(evaluation.perClass.map(({ precision }) => percent(precision)));
    expect(readme).toContain(`${(evaluation.accuracy * 100).toFixed(1)} %`);
  });

  it("report: the model's accuracy and each class's", () => {
    expect(page).toContain((evaluation.accuracy * 100).toFixed(1));
    expect(page).toContain("Classes of the evaluation set");
    for (const label of LABELS) expect(page.split(label).length).toBeGreaterThan(2);
  });

  it("README: the plan that is needed and what it costs", () => {
    expect(readme).toMatch(/Workers Paid plan \(from 5 dollars a month/);
  });
});
