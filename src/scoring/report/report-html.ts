/** `report.html`: the report as one page to hand over. No script, no network, everything from outside escaped. */

import { html, type SafeHtml, trustHtml } from "./html-text.ts";
import type { Report } from "./report.ts";
import { renderDrift, renderModel, renderProvenance, renderQuality } from "./report-background.ts";
import { listReportFindings } from "./findings.ts";
import { formatTime } from "./report-format.ts";
import {
  renderConfidence,
  renderGroups,
  renderInputs,
  renderLabels,
  renderOverview,
  renderTruth,
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

/** What to look into first; nothing where there is nothing. */
function renderFindings(report: Report): SafeHtml | null {
  const findings = listReportFindings(report);
  if (findings.length === 0) return null;
  return html`<section class="alert">
    <h2>Look at this first</h2>
    <ul>
      ${findings.map((finding) => html`<li>${finding}</li>`)}
    </ul>
  </section>`;
}

/** The whole page as text. The same report gives the same bytes. */
export function renderReportHtml(report: Report): string {
  const { job, notice } = report;
  const name = job.name ?? job.id;
  return renderPage(
    `${name}: apparent facial expression`,
    REPORT_STYLE,
    html`<main>
      <header>
        <h1><bdi>${name}</bdi> <span class="pill">${job.status.replaceAll("_", " ")}</span></h1>
        <p class="quiet">Apparent facial expression, ${formatTime(job.finishedAt)}, model ${report.provenance.model}</p>
      </header>
      <div class="notice">
        <p><b>${notice.wording}</b></p>
        <p>${notice.error}</p>
      </div>
      ${renderFindings(report)} ${renderOverview(report)} ${renderLabels(report)} ${renderDrift(report.drift)}
      ${renderDrift(report.baseline)} ${renderGroups(report)} ${renderTruth(report)} ${renderConfidence(report)}
      ${renderInputs(report)} ${renderQuality(report)} ${renderModel(report)} ${renderProvenance(report)}
      <div class="notice">
        <p><b>Law</b></p>
        ${notice.law.map((sentence) => html`<p>${sentence}</p>`)}
      </div>
      <footer>
        Created ${formatTime(job.createdAt)}, finished ${formatTime(job.finishedAt)}. The same figures for machines:
        report.json.
      </footer>
    </main>`,
  );
}
