import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseModelCard } from "../../../../src/model/card.ts";
import { listReportFindings } from "../../../../src/scoring/report/findings.ts";
import { renderContactSheet } from "../../../../src/scoring/report/contact-sheet.ts";
import { escapeHtml, html, trustHtml } from "../../../../src/scoring/report/html-text.ts";
import { buildReport, type ReportContext } from "../../../../src/scoring/report/report.ts";
import { FACE_FINDER, FACE_RECALL } from "../../../../src/model/face-levels.ts";
import { renderReportHtml } from "../../../../src/scoring/report/report-html.ts";
import {
  formatCount,
  formatInterval,
  formatPercent,
  formatPoints,
  formatTime,
} from "../../../../src/scoring/report/report-format.ts";
import { compareRuns } from "../../../../src/scoring/statistics/drift.ts";
import { describeGaps } from "../../../../src/scoring/statistics/fairness.ts";
import { summarizeFlips } from "../../../../src/scoring/statistics/flips.ts";
import { computeWilson } from "../../../../src/scoring/statistics/intervals.ts";
import { summarize } from "../../../../src/scoring/fold/summary.ts";
import type { ScoreRecord } from "../../../../src/scoring/records/records.ts";
import { HOSTILE_TEXTS, makeRecords } from "../fold/aggregate-fixtures.ts";

const card = parseModelCard(
  readFileSync(new URL("../../../../models/deep-emotion@1/card.json", import.meta.url), "utf8"),
);

function makeContext(overrides: Partial<ReportContext> = {}): ReportContext {
  return {
    job: {
      id: "job-1",
      name: "nightly",
      purpose: "research",
      status: "completed",
      createdAt: "2026-11-23T01:00:00.000Z",
      finishedAt: "2026-11-23T01:04:12.000Z",
    },
    listed: 1000,
    missingChunks: 0,
    card,
    engine: "fused-wasm-simd",
    pipeline: 1,
    faces: "largest",
    faceFinder: "blazeface@1/3",
    tta: "none",
    minGroupSize: 10,
    ...overrides,
  };
}

const records = makeRecords(1000);
const summary = summarize(records, { groupBy: ["site"] });

const renderFound = (faceFinder: string | null) => renderReportHtml(buildReport(summary, makeContext({ faceFinder })));

it("states how many faces its finder finds, by size, and nothing of a finder that it does not know", () => {
  const page = renderFound(FACE_FINDER).replaceAll(/\s+/g, " ");
  expect(page).toContain("84.9 % of 24 to 32 pixels, 95.6 % of 32 to 48 pixels");
  expect(page).toContain("99.6 % from 64 pixels on");
  for (const other of [null, "tiny-face@1/2"]) expect(renderFound(other)).not.toContain("the finder finds");
});

const said = (overrides: Partial<ReportContext>): string =>
  renderReportHtml(buildReport(summary, makeContext(overrides))).replaceAll(/\s+/g, " ");

it("says who answers for the data, how long it is kept and how it is erased", () => {
  const named = said({ controller: "Example <Research>, privacy@example.org", retentionDays: 30, store: "faces" });
  expect(named).toContain("<dd>Example &lt;Research&gt;, privacy@example.org</dd>");
  expect(named).toContain("are deleted 30 days after the end, on 2026-12-23");
  expect(named).toContain("DELETE /v1/records?store=faces&amp;key=…");
  expect(named).toContain("<code>DELETE /v1/jobs/job-1</code>");
  const plain = said({});
  expect(plain).toContain("not named by this deployment");
  expect(plain).toContain("kept until somebody deletes the job");
  expect(plain).not.toContain("DELETE /v1");
});

const noFace = (count: number, of: readonly ScoreRecord[]): ScoreRecord[] =>
  of.map((record, index) =>
    index < count ? { ...record, status: "no_face" as const, label: null, probabilities: null, face: null } : record,
  );
const tell = (list: ScoreRecord[]): string[] =>
  listReportFindings(buildReport(summarize(list, {}), makeContext({ listed: list.length }))).map(({ text }) => text);

/** The first of them as wide as photographs are. */
const flatten = (list: readonly ScoreRecord[], share: number): ScoreRecord[] =>
  list.map((record, at) => {
    const { face } = record;
    if (face === null || at >= share * list.length) return record;
    return { ...record, face: { ...face, box: { ...face.box, width: 1.3 * face.box.height } } };
  });

const tellAs = (faces: "aligned" | "largest", list: ScoreRecord[]): string[] =>
  listReportFindings(
    buildReport(summarize(list, {}), makeContext({ faces, faceFinder: null, listed: list.length })),
  ).map(({ subject }) => subject);

describe("findings", () => {
  const quiet = records.filter(({ status }) => status === "scored");

  it("are none where nothing stands out", () => {
    expect(listReportFindings(buildReport(summarize(quiet, {}), makeContext({ listed: quiet.length })))).toEqual([]);
  });

  it("tell many pictures without a face, but not one of five", () => {
    const [finding] = tell(noFace(Math.round(0.27 * quiet.length), quiet));
    expect(finding).toMatch(
      /^27\.0\s% \(95 % interval 24\.2–29\.9\s%\) of the pictures that were read have no found face/,
    );
    expect(tell(noFace(1, quiet.slice(0, 5)))).toEqual([]);
  });

  it("say that face crops are as large as photographs", () => {
    const large = quiet.map((record) => ({ ...record, quality: { brightness: 120, contrast: 50, side: 900 } }));
    expect(tellAs("aligned", large)).toEqual(["Crops"]);
    expect(tellAs("aligned", quiet)).toEqual([]);
    expect(tellAs("largest", large)).toEqual([]);
  });

  it("say that face crops are not about square", () => {
    expect(tellAs("aligned", flatten(quiet, 0.3))).toEqual(["Crops"]);
    expect(tellAs("aligned", flatten(quiet, 0.05))).toEqual([]);
    expect(tellAs("largest", flatten(quiet, 0.3))).toEqual([]);
  });

  it("lead the page, those of drift and of gaps between groups among them", () => {
    const report = buildReport(summary, makeContext({ listed: 1256, missingChunks: 1 }));
    const findings = listReportFindings({
      ...report,
      drift: {
        ...compareRuns(summary, summary, { against: { name: "the last run", jobId: "x" } }),
        findings: ["Input side moved."],
      },
    });
    expect(findings[0]?.text).toBe("This report is incomplete: 256 inputs are missing from it.");
    expect(findings).toContainEqual({ tone: "warn", subject: "Last run", text: "Input side moved." });
    const page = renderReportHtml(report);
    expect(page.indexOf("Look at this first")).toBeGreaterThan(0);
    expect(page.indexOf("Look at this first")).toBeLessThan(page.indexOf("Apparent expressions</h2>"));
  });
});

const recall = (faceFinder: string | null) => buildReport(summary, makeContext({ faceFinder })).provenance.faceRecall;

describe("report.json", () => {
  it("states recall by size of the finder that it knows", () => {
    expect(recall(FACE_FINDER)).toEqual(FACE_RECALL);
    expect(recall("blazeface@1/1")).toBeNull();
    expect(recall(null)).toBeNull();
  });

  it("accounts for every listed input, with reasons", () => {
    const { denominators: counts } = buildReport(summary, makeContext());
    const { scored, noFace, skipped, failed, cancelled, expired, unaccounted } = counts;
    expect(scored + noFace + skipped + failed + cancelled + expired + unaccounted).toBe(1000);
    expect(unaccounted).toBe(0);
    expect(counts.failedByReason.reduce((sum, { count }) => sum + count, 0)).toBe(failed);
    expect(counts.skippedByReason).toEqual([{ code: "object_changed", count: skipped }]);
    expect(buildReport(summary, makeContext({ listed: 1256, missingChunks: 1 })).denominators.unaccounted).toBe(256);
  });

  it("gives each share with its Wilson interval over the scored faces", () => {
    const { total } = buildReport(summary, makeContext());
    const happy = records.filter(({ label }) => label === "Happy").length;
    expect(total.labels[3]).toMatchObject({ label: "Happy", count: happy, share: computeWilson(happy, total.faces) });
    const probabilities = total.labels.reduce((sum, { meanProbability }) => sum + (meanProbability ?? 0), 0);
    expect(probabilities).toBeCloseTo(1, 5);
    expect(total.confidence.reduce((a, b) => a + b)).toBe(total.faces);
    expect(total.truth?.faces).toBe(total.faces);
  });

  it("corrects for the confusions of the evaluation that fits the job", () => {
    const plain = buildReport(summary, makeContext());
    const flipped = buildReport(summary, makeContext({ tta: "flip" }));
    expect(plain.modelEvaluation?.tta).toBe("none");
    expect(flipped.modelEvaluation?.tta).toBe("flip");
    expect(plain.prevalence?.assumption).toContain("Assumes");
    const shares = plain.total.labels.reduce((sum, { corrected }) => sum + (corrected?.value ?? 0), 0);
    expect(shares).toBeCloseTo(1, 9);
    expect(buildReport(summary, makeContext({ card: { ...card, evaluations: [] } })).prevalence).toBeNull();
  });

  it("compares the errors of the groups that it shows, and of no other", () => {
    // Every face of one site is called wrong.
    const unfair = records.map((record) =>
      record.groups["site"] === "Osaka" && record.label !== null
        ? { ...record, truth: record.label === "Sad" ? ("Neutral" as const) : ("Sad" as const) }
        : record,
    );
    const report = buildReport(summarize(unfair, { groupBy: ["site"] }), makeContext());
    const { fairness, groups } = report.groups[0]!;
    const gap = fairness!.gaps.find(({ kind }) => kind === "recall");
    expect(gap).toMatchObject({ lowest: "Osaka", settled: true });
    expect(fairness!.groups.toSorted()).toEqual(groups.flatMap(({ value }) => value ?? []).toSorted());
    const page = renderReportHtml(report);
    expect(describeGaps(fairness!)[0]).toContain("Osaka");
    expect(page).toContain(describeGaps(fairness!)[0]);
    expect(page).toContain("It does not say why");
    const blind = records.map((record) => ({ ...record, truth: null }));
    expect(buildReport(summarize(blind, { groupBy: ["site"] }), makeContext()).groups[0]!.fairness).toBeNull();
  });

  it("withholds small groups, and a large one for a single small one to hide behind", () => {
    const lonely = records.map((record, index) => (index < 5 ? { ...record, groups: { site: "Atoll" } } : record));
    const [groups] = buildReport(summarize(lonely, { groupBy: ["site"] }), makeContext()).groups;
    expect(groups?.hidden.groups).toBe(2);
    expect(groups?.hidden.faces).toBeGreaterThanOrEqual(10);
    expect(JSON.stringify(groups)).not.toContain("Atoll");
    expect(groups?.groups.length).toBe(3);
  });

  it("is the same for the same summary, and plain JSON", () => {
    const report = buildReport(summary, makeContext());
    expect(JSON.stringify(buildReport(summary, makeContext()))).toBe(JSON.stringify(report));
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it("holds for a job without a face, and without anything", () => {
    const faceless = records.filter(({ status }) => status !== "scored");
    for (const list of [faceless, []]) {
      const report = buildReport(summarize(list, { groupBy: ["site"] }), makeContext({ listed: list.length }));
      expect(report.total).toMatchObject({ faces: 0, meanEntropy: null, truth: null });
      expect(renderReportHtml(report)).toContain("There are no faces to describe");
    }
  });
});

/** Everything that starts a tag in a page, by name. */
function listTags(page: string): Set<string> {
  return new Set([...page.matchAll(/<\/?([a-zA-Z!][a-zA-Z0-9]*)/g)].map((match) => match[1]?.toLowerCase() ?? ""));
}

describe("report.html", () => {
  it("has every section that its report has", () => {
    const drift = compareRuns(summarize(makeRecords(1000, { seed: 4 }), { groupBy: ["site"] }), summary, {
      against: { name: "last run", jobId: "job-0" },
      flips: summarizeFlips(makeRecords(1000, { seed: 4 }).map((before, index) => [before, records[index] ?? null])),
    });
    const page = renderReportHtml(buildReport(summary, makeContext({ drift })));
    for (const heading of [
      "Apparent expressions",
      "Compared with last run",
      "Groups",
      "Against the given labels",
      "Confidence",
      "Where the inputs went",
      "Input quality",
      "How far the model can be trusted",
      "Provenance",
    ]) {
      expect(page).toContain(`<h2>${heading}</h2>`);
    }
    for (const words of [
      "apparent facial expression",
      "Art. 5(1)(f)",
      "Annex III",
      "Art. 50(3)",
      card.sha256,
      "The picture is damaged",
      "Cramér",
    ]) {
      expect(page).toContain(words);
    }
    expect(page).not.toMatch(/undefined|NaN|\[object/);
  });

  it("needs no network and runs no script", () => {
    const page = renderReportHtml(buildReport(summary, makeContext()));
    expect(page).not.toMatch(/<script|<link|<iframe|\bsrc=|@import|url\(|https?:/i);
    expect(page).toContain("default-src &#39;none&#39;");
  });

  it("lets no foreign text become markup", () => {
    const plain = listTags(renderReportHtml(buildReport(summary, makeContext())));
    for (const hostile of HOSTILE_TEXTS) {
      const list = records.map((record) => ({ ...record, id: hostile, groups: { [hostile]: hostile } }));
      const dirty = summarize(list, { groupBy: [hostile] });
      const drift = compareRuns(dirty, dirty, {
        against: { name: hostile, jobId: hostile },
        flips: summarizeFlips(list.map((record) => [{ ...record, label: "Sad" }, record])),
      });
      const context = makeContext({
        job: { ...makeContext().job, name: hostile, id: hostile, purpose: hostile },
        engine: hostile,
        drift,
        card: { ...card, notices: [hostile], license: hostile },
      });
      const page = renderReportHtml(buildReport(dirty, context));
      const foreign = [...listTags(page)].filter(
        (tag) => !plain.has(tag) && !["details", "summary", "code"].includes(tag),
      );
      expect(foreign).toEqual([]);
      expect(page).not.toMatch(/<img|onerror="/);
      expect(page.includes("\u202e") || page.includes("\0")).toBe(false);
    }
  });
});

describe("html", () => {
  it("escapes by default, and lets no parsed object pass for markup", () => {
    expect(html`<p title="${"\"<&>'"}">${["<b>", trustHtml("<i>"), null, false, 3]}</p>`.toString()).toBe(
      '<p title="&quot;&lt;&amp;&gt;&#39;">&lt;b&gt;<i>3</p>',
    );
    expect(escapeHtml("a\u202eb\u0000\ud800")).toBe("a\ufffdb\ufffd\ufffd");
  });

  it("formats numbers", () => {
    expect([1234567, 999, 1000].map(formatCount)).toEqual(["1,234,567", "999", "1,000"]);
    expect([formatPercent(0.1234), formatPercent(null), formatInterval({ low: 0.1, high: 0.25 })]).toEqual([
      "12.3\u00a0%",
      "–",
      "10.0–25.0\u00a0%",
    ]);
    expect([{ low: -0.031, high: 0.149 }, { low: 0, high: 0.0003 }, null].map(formatInterval)).toEqual([
      "−3.1 to 14.9\u00a0%",
      "below 0.1\u00a0%",
      "–",
    ]);
    expect([0.012, -0.0001, -0.05].map(formatPoints)).toEqual(["+1.2", "0.0", "−5.0"]);
    expect([formatTime("2026-11-23T01:00:00.000Z"), formatTime("soon")]).toEqual(["2026-11-23 01:00 UTC", "soon"]);
  });
});

describe("contact sheet", () => {
  const portrait = new Uint8Array(
    readFileSync(new URL("../../../../node_modules/tabler-ui/dist/demo/faces/female/1.jpg", import.meta.url)),
  );
  const [scored] = records.filter(({ status }) => status === "scored");

  it("embeds each picture with its box, and refuses what is no picture", () => {
    const list = [
      { ...scored!, id: "one", key: "a" },
      { ...scored!, id: "<two>", key: "b" },
    ];
    const page = renderContactSheet(
      list,
      new Map<string, Uint8Array | string>([
        ["a", portrait],
        ["b", "javascript:alert(1)"],
      ]),
    );
    expect(page).toContain("data:image/jpeg;base64,/9j/");
    expect(page).toContain('viewBox="0 0 128 128"');
    expect(page.match(/class="face-box"/g)?.length).toBe(1);
    expect(page).toContain("no picture");
    expect(page).toContain("&lt;two&gt;");
    expect(page).not.toMatch(/javascript:|https?:|<script/);
  });

  it("puts every face of a photograph onto one card, with its number", () => {
    const portrait = new Uint8Array(
      readFileSync(new URL("../../../../node_modules/tabler-ui/dist/demo/faces/male/1.jpg", import.meta.url)),
    );
    const scored = makeRecords(20).find((record) => record.status === "scored" && record.face?.box != null)!;
    const list = ["a#0", "a#1", "a#2", "b#0", "c", "a#1"].map((id) => ({ ...scored, id, key: id.slice(0, 1) }));
    const page = renderContactSheet(list, new Map([["a", portrait]]));
    expect(page).toContain("4 of 4 pictures scored, 6 faces");
    expect(page.match(/<li class="many"/g)?.length).toBe(1);
    expect(page.match(/class="face-box"/g)?.length).toBe(4);
    expect(page.match(/class="face-number"/g)?.length).toBe(3);
  });
});

describe("example faces", () => {
  const png = "data:image/png;base64,iVBORw0KGgo=";
  const report = buildReport(summary, makeContext());

  it("stand in no report that nobody asked them for", () => {
    expect(renderReportHtml(report)).not.toMatch(/<img|data:image|Some of the faces/);
    expect(renderReportHtml(report, [{ label: "Sad", pictures: [] }])).not.toContain("Some of the faces");
  });

  it("are embedded, before the shares, and nothing else is", () => {
    const page = renderReportHtml(report, [{ label: "Sad", pictures: [png, "https://elsewhere.example/x.png"] }]);
    expect(page.match(/<img /g)?.length).toBe(1);
    expect(page).toContain(`<img src="${png}" alt="Sad, example 1"`);
    expect(page).not.toContain("elsewhere");
    expect(page.indexOf("Some of the faces")).toBeLessThan(page.indexOf("<h2>Apparent expressions"));
    expect(page.indexOf("Some of the faces")).toBeGreaterThan(page.indexOf("Nothing stands out"));
  });
});
