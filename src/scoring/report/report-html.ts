/** `report.html`: the report as one page to hand over. No script, no network, everything from outside escaped. */

import { html, type SafeHtml, trustHtml } from "./html-text.ts";
import type { Report } from "./report.ts";
import { renderAccuracy } from "./report-accuracy.ts";
import { renderDrift, renderModel, renderProvenance, renderQuality } from "./report-background.ts";
import { type LabelPictures, renderExamples } from "./report-examples.ts";
import { formatTime } from "./report-format.ts";
import { renderGroups } from "./report-groups.ts";
import { NO_LINKS, type ReportLinks } from "./report-links.ts";
import {
  renderConfidence,
  renderFindings,
  renderInputs,
  renderLabels,
  renderTruth,
  namesIn,
} from "./report-sections.ts";
import { REPORT_STYLE } from "./report-style.ts";

/** Keeps the page from loading or sending anything even if an escape were missing. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** The frame of every page this project writes as a file. */
export function renderPage(title: string, style: string, body: SafeHtml): string {
  return `<!doctype html>\n${html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="robots" content="noindex" />
      <meta name="referrer" content="no-referrer" />
      <title>${title}</title>
      <style>
        ${trustHtml(style)}
      </style>
    </head>
    <body>
      ${body}
    </body>
  </html>`.toString()}\n`;
}

/**
 * Everything that a report shows, in the order in which it is read: what to look into first, shares, how far they can be
 * trusted, where they come from. The console shows the same markup.
 */
export function renderReportBody(
  report: Report,
  links: ReportLinks,
  examples: readonly LabelPictures[] = [],
): SafeHtml {
  return html`${renderFindings(report)} ${renderExamples(examples)} ${renderLabels(report, links)}
  ${renderAccuracy(report, links)} ${renderDrift(report.drift, namesIn(report), links)}
  ${renderDrift(report.baseline, namesIn(report), links)} ${renderGroups(report, links)} ${renderTruth(report)}
  ${renderModel(report)} ${renderConfidence(report, links)} ${renderInputs(report, links)} ${renderQuality(report)}
  ${renderProvenance(report)}`;
}

/**
 * The whole page as text. The same report gives the same bytes.
 * @param examples faces of each label, where the job asked for them; the console shows none
 */
export function renderReportHtml(report: Report, examples: readonly LabelPictures[] = []): string {
  const { job, notice } = report;
  const name = job.name ?? job.id;
  return renderPage(
    `${name}: apparent facial expression`,
    REPORT_STYLE,
    html`<main>
      <header class="head">
        <h1><bdi>${name}</bdi> <span class="pill">${job.status.replaceAll("_", " ")}</span></h1>
        <p class="quiet">Apparent facial expression, ${formatTime(job.finishedAt)}, model ${report.provenance.model}</p>
      </header>
      <div class="notice">
        <p>${notice.wording} ${notice.error}</p>
      </div>
      ${renderReportBody(report, NO_LINKS, examples)}
      <div class="notice">${notice.law.map((sentence) => html`<p>${sentence}</p>`)}</div>
      <footer>
        Created ${formatTime(job.createdAt)}, finished ${formatTime(job.finishedAt)}. The same figures for machines:
        report.json.
      </footer>
    </main>`,
  );
}
