/** The sections of the report page about what stands behind the figures: input quality, drift, model, provenance. */

import { html, type SafeHtml } from "./html-text.ts";
import type { Privacy, Report } from "./report.ts";
import { formatCount, formatInterval, formatNumber, formatP, formatPercent, formatPoints } from "./report-format.ts";
import type { ReportLinks } from "./report-links.ts";
import { renderClasses } from "./report-sections.ts";
import type { DriftReport } from "../statistics/drift.ts";
import { QUALITY_MEASURES } from "../fold/summary-quality.ts";

const MEASURE_NAMES = {
  brightness: "Brightness (0–255)",
  contrast: "Contrast (std. deviation)",
  side: "Face side (pixels)",
} as const;

/** Brightness, contrast and size of the inputs. */
export function renderQuality(report: Report): SafeHtml | null {
  const { quality } = report.total;
  if (quality === null) return null;
  return html`<section class="card">
    <h2>Input quality</h2>
    <p class="quiet">Measured on each face as the model saw it.</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of input quality">
      <table class="named">
        <thead>
          <tr>
            <th scope="col">Measure</th>
            <th scope="col">Mean</th>
            <th scope="col">Std. deviation</th>
            <th scope="col">Smallest</th>
            <th scope="col">Largest</th>
          </tr>
        </thead>
        <tbody>
          ${QUALITY_MEASURES.map((measure) => {
            const { mean, deviation, min, max } = quality[measure];
            return html`<tr>
              <th scope="row">${MEASURE_NAMES[measure]}</th>
              <td>${formatNumber(mean, 1)}</td>
              <td>${formatNumber(deviation, 1)}</td>
              <td>${formatNumber(min, 1)}</td>
              <td>${formatNumber(max, 1)}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
  </section>`;
}

function renderFlips(flips: NonNullable<DriftReport["flips"]>): SafeHtml {
  return html`<h3>Input by input</h3>
    <p>
      ${formatCount(flips.flipped)} of ${formatCount(flips.compared)} inputs that both runs scored have another label
      (${formatPercent(flips.share?.value ?? null)}, 95 % interval ${formatInterval(flips.share)}); in
      ${formatCount(flips.unchangedFlips)} of them the object is the same. ${formatCount(flips.appeared)} inputs are
      new, ${formatCount(flips.vanished)} are gone, ${formatCount(flips.newlyScored)} are scored only now,
      ${formatCount(flips.noLongerScored)} no longer.
    </p>
    ${
      flips.samples.length > 0 &&
      html`<details>
        <summary>The surest changes</summary>
        <div class="scroll" tabindex="0" role="region" aria-label="Table of changes">
          <table class="text">
            <thead>
              <tr>
                <th scope="col">Input</th>
                <th scope="col">Before</th>
                <th scope="col">Now</th>
                <th scope="col">Smaller margin</th>
              </tr>
            </thead>
            <tbody>
              ${flips.samples.map(
                ({ id, from, to, margin }) =>
                  html`<tr>
                    <td>
                      <bdi><code>${id}</code></bdi>
                    </td>
                    <td>${from}</td>
                    <td>${to}</td>
                    <td>${formatPercent(margin)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </details>`
    }`;
}

/** Comparison with another run. */
export function renderDrift(drift: DriftReport | null, names: readonly string[], links: ReportLinks): SafeHtml | null {
  if (drift === null) return null;
  const link = links.job(drift.against.jobId);
  const { inputs, labels, quality, confidence, findings } = drift;
  return html`<section class="card long">
    <h2>Compared with ${drift.against.name}</h2>
    <p class="quiet">
      Job <code>${link === null ? drift.against.jobId : html`<a href="${link}">${drift.against.jobId}</a>`}</code>:
      ${formatCount(drift.facesBefore)} faces then, ${formatCount(drift.facesAfter)} now.
      ${
        inputs !== null &&
        html`${formatCount(inputs.carried)} unchanged inputs keep their records, ${formatCount(inputs.scoredAgain)} were
        scored again, ${formatCount(inputs.appeared)} are new, ${formatCount(inputs.vanished)} are gone.`
      }
    </p>
    ${
      findings.length > 0
        ? html`<ul class="plain">
            ${findings.map((finding) => html`<li><b>${finding}</b></li>`)}
          </ul>`
        : html`<p><b>Nothing passed a mark: labels, confidence and input quality are as before.</b></p>`
    }
    ${
      labels !== null &&
      html`<h3>Labels</h3>
        <div class="scroll" tabindex="0" role="region" aria-label="Table of label changes">
          <table>
            <thead>
              <tr>
                ${names.map((label) => html`<th scope="col">${label}</th>`)}
              </tr>
            </thead>
            <tbody>
              <tr>
                ${labels.differences.map((difference) => html`<td>${formatPoints(difference)}</td>`)}
              </tr>
            </tbody>
          </table>
        </div>
        <p class="caption">
          Change of share, percentage points. Cramér's V ${formatNumber(labels.cramersV, 3)} (${labels.effect}), χ²
          ${formatNumber(labels.chiSquare, 1)} with ${labels.degrees} degrees of freedom, p
          ${formatP(labels.p)}${labels.reliable ? "" : " (rough: some expected counts are below 5)"}.
        </p>`
    }
    ${
      (quality.length > 0 || confidence !== null) &&
      html`<h3>Input quality and confidence</h3>
        <div class="scroll" tabindex="0" role="region" aria-label="Table of quality drift">
          <table class="named">
            <thead>
              <tr>
                <th scope="col">Measure</th>
                <th scope="col">Before</th>
                <th scope="col">Now</th>
                <th scope="col">PSI</th>
                <th scope="col">KS</th>
                <th scope="col">Verdict</th>
              </tr>
            </thead>
            <tbody>
              ${quality.map(
                (shift) =>
                  html`<tr>
                    <th scope="row">${MEASURE_NAMES[shift.measure]}</th>
                    <td>${formatNumber(shift.meanBefore, 1)}</td>
                    <td>${formatNumber(shift.meanAfter, 1)}</td>
                    <td>${formatNumber(shift.psi, 3)}</td>
                    <td>${formatNumber(shift.ks, 3)}</td>
                    <td>${shift.verdict}</td>
                  </tr>`,
              )}
              ${
                confidence !== null &&
                html`<tr>
                  <th scope="row">Probability of the label</th>
                  <td>–</td>
                  <td>–</td>
                  <td>${formatNumber(confidence.psi, 3)}</td>
                  <td>${formatNumber(confidence.ks, 3)}</td>
                  <td>${confidence.verdict}</td>
                </tr>`
              }
            </tbody>
          </table>
        </div>
        <p class="caption">
          PSI: population stability index, stable below 0.1, shifted from 0.25 on. KS: largest distance of the two
          distributions.
        </p>`
    }
    ${drift.flips !== null && renderFlips(drift.flips)}
  </section>`;
}

/** The model's own accuracy. */
export function renderModel(report: Report): SafeHtml {
  const { modelEvaluation: evaluation, provenance } = report;
  return html`<section class="card long">
    <h2>How far the model can be trusted</h2>
    ${
      evaluation === null
        ? html`<p>The model's card has no measured accuracy.</p>`
        : html`<p>
              On ${evaluation.dataset} (${formatCount(evaluation.faces)} faces) <b>${provenance.model}</b> gave the
              right label to <b>${formatPercent(evaluation.accuracy)}</b> of the faces (95 % interval
              ${formatInterval({ low: evaluation.interval[0], high: evaluation.interval[1] })}); the mean over classes
              is ${formatPercent(evaluation.balancedAccuracy)}. These faces are not yours: expect other figures on other
              pictures.
            </p>
            ${renderClasses(
              "the evaluation set",
              evaluation.confusion,
              evaluation.perClass.map(({ label }) => label),
            )}`
    }
    ${
      provenance.notices.length > 0 &&
      html`<ul class="plain quiet">
        ${provenance.notices.map((notice) => html`<li>${notice}</li>`)}
      </ul>`
    }
  </section>`;
}

/** Where the figures come from. */
export function renderProvenance(report: Report): SafeHtml {
  const { provenance, job } = report;
  const faces = {
    auto: "a picture of at most 96 pixels as it is, the largest face of any other",
    aligned: "each input is one face crop",
    largest: "the largest face of each picture",
    all: "all faces of each picture",
  }[provenance.faces];
  return html`<section class="card">
    <h2>Provenance</h2>
    <dl class="pairs">
      <dt>Job</dt>
      <dd><code>${job.id}</code></dd>
      <dt>Purpose</dt>
      <dd>${job.purpose ?? "not declared"}</dd>
      <dt>Model</dt>
      <dd>
        ${provenance.model} (${provenance.family}, ${formatCount(provenance.parameters)} parameters,
        ${provenance.license})
      </dd>
      <dt>Weights' SHA-256</dt>
      <dd><code>${provenance.sha256}</code></dd>
      <dt>Temperature</dt>
      <dd>${provenance.temperature === null ? "none" : formatNumber(provenance.temperature, 4)}</dd>
      <dt>Engine</dt>
      <dd>${provenance.engine}</dd>
      <dt>Preprocessing</dt>
      <dd>version ${provenance.pipeline}</dd>
      <dt>Faces</dt>
      <dd>${faces}${provenance.faceFinder === null ? "" : `, found by ${provenance.faceFinder}`}</dd>
      ${provenance.faceRecall === null ? null : renderRecall(provenance.faceRecall)}
      <dt>Test-time augmentation</dt>
      <dd>${provenance.tta === "flip" ? "mean of the picture and its mirror image" : "none"}</dd>
      ${provenance.privacy === undefined ? null : renderPrivacy(provenance.privacy, job.finishedAt)}
    </dl>
  </section>`;
}

const DAY_MS = 86_400_000;

/** What a privacy officer asks: who answers for it, how long it is kept, how it goes. */
function renderPrivacy({ controller, retentionDays, erasure }: Privacy, finishedAt: string): SafeHtml {
  const endMs = Date.parse(finishedAt) + (retentionDays ?? 0) * DAY_MS;
  const day = Number.isNaN(endMs) ? "" : `, on ${new Date(endMs).toISOString().slice(0, 10)}`;
  return html`<dt>Controller</dt>
    <dd>${controller ?? "not named by this deployment"}</dd>
    <dt>Retention</dt>
    <dd>
      ${
        retentionDays === null
          ? "no end is set: outputs and reviews are kept until somebody deletes the job"
          : `outputs and reviews are deleted ${formatCount(retentionDays)} ${retentionDays === 1 ? "day" : "days"} after the end${day}`
      }
    </dd>
    ${
      erasure !== null &&
      html`<dt>Erasure</dt>
        <dd>
          one picture, with its records, its face in this report and what reviewers said of it:
          <code>${erasure.picture}</code> or <code>countenance erase</code>; the whole job: <code>${erasure.job}</code>
        </dd>`
    }`;
}

/** What the finder found where every face is known. */
function renderRecall(recall: NonNullable<Report["provenance"]["faceRecall"]>): SafeHtml {
  const bands = recall.map(({ from, found, of }, i) => {
    const next = recall[i + 1];
    const sizes = next === undefined ? `from ${from} pixels on` : `of ${from} to ${next.from} pixels`;
    return `${formatPercent(found / of)} ${sizes}`;
  });
  return html`<dt>Faces that the finder finds</dt>
    <dd>
      ${bands.join(", ")}: measured on composed pictures of adults, most of them young; hidden, blurred and turned faces
      are found less often. How it depends on skin tone or age is not known: where it matters, compare the pictures
      without a face of groups of your own
    </dd>`;
}
