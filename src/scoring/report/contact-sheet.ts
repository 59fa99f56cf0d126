/** A page of pictures, each with its box, label and probabilities: to see at a glance what a job did. Never part of a report. */

import { base64ToUint8Array, uint8ArrayToBase64 } from "uint8array-extras";
import { readHeader } from "../../image/guard.ts";
import { IMAGE_FORMATS, IMAGE_MEDIA_TYPES } from "../../image/image-formats.ts";
import { swapsSides } from "../../image/exif.ts";
import { html, type SafeHtml } from "./html-text.ts";
import { REPORT_NOTICE } from "./legal-notice.ts";
import { findTopLabel, probabilityOf, type ScoreRecord } from "../records/records.ts";
import { renderPage } from "./report-html.ts";
import { formatCount, formatPercent } from "./report-format.ts";
import { hueOf } from "./design-tokens.ts";
import { describeReason } from "./reason-words.ts";
import { REPORT_STYLE } from "./report-style.ts";

const STYLE = `${REPORT_STYLE}
main{max-width:1280px}
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(180px,1fr));gap:var(--space-3);padding:0;margin:var(--space-4) 0;list-style:none}
.sheet li{background:var(--card);border:1px solid var(--line);border-radius:var(--radius);overflow:hidden;display:flex;flex-direction:column;break-inside:avoid}
.picture{display:block;width:100%;aspect-ratio:1;background:var(--track)}
.no-picture{display:grid;place-items:center;color:var(--quiet)}
.face-box{fill:none;stroke:#ffd400;stroke-width:2;vector-effect:non-scaling-stroke;paint-order:stroke}
.face-halo{fill:none;stroke:#000;stroke-opacity:.55;stroke-width:4;vector-effect:non-scaling-stroke}
.face-text{padding:var(--space-2) var(--space-3) var(--space-3);flex:1;display:flex;flex-direction:column}
.face-text h2{display:flex;justify-content:space-between;gap:var(--space-2);font-size:var(--text-body);margin:0 0 var(--space-1)}
.face-text h2>span:last-child:not(.label){font-variant-numeric:tabular-nums;font-weight:400;color:var(--quiet)}
.face-text p{margin:auto 0 0;padding-top:var(--space-2);font-size:var(--text-note);color:var(--quiet);overflow-wrap:anywhere}
.chances{display:grid;grid-template-columns:max-content 1fr;gap:2px var(--space-2);align-items:center;font-size:var(--text-note);margin:0}
.chances dt{color:var(--quiet)}.chances dt.top{color:var(--text);font-weight:600}
.chances dd{margin:0;height:6px;background:var(--track);border-radius:3px}
.chances dd i{display:block;height:100%;background:var(--idle);border-radius:3px}
.chances dd.top i{background:var(--hue,var(--accent))}
.bad{color:var(--bad)}
.sheet li.many{grid-column:1/-1;flex-direction:row;flex-wrap:wrap}
.many .picture{flex:3 1 420px;width:auto;align-self:flex-start}
.many .face-text{flex:1 1 190px}.many .face-text section{margin-bottom:var(--space-3)}
@media (max-width:640px){.sheet{grid-template-columns:1fr 1fr;gap:var(--space-2)}.face-text{padding:var(--space-2)}}
.face-number{fill:#ffd400;stroke:#000;stroke-width:.18em;paint-order:stroke;font-weight:700}
@page{margin:10mm}
@media print{.sheet{grid-template-columns:repeat(5,1fr);gap:2.5mm;margin:3mm 0}.sheet .chances{display:none}.sheet .face-text{padding:1mm 1.5mm}.sheet .face-text h2{font-size:8pt;margin:0}
.sheet .face-text p{font-size:6pt;padding:0;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}.sheet li:not(.many){height:39mm}.sheet li:not(.many) .picture{height:29mm;aspect-ratio:auto}}
`;

/** A data URI of a picture we can show, or of anything else: refused. */
const DATA_URI = new RegExp(`^data:(?:${IMAGE_MEDIA_TYPES.join("|")});base64,[A-Za-z0-9+/]+=*$`);

interface Picture {
  readonly uri: string;
  /** Pixels upright. */
  readonly width: number;
  readonly height: number;
}

function readPicture(source: Uint8Array | string): Picture | null {
  const bytes =
    typeof source !== "string"
      ? source
      : DATA_URI.test(source)
        ? base64ToUint8Array(source.slice(source.indexOf(",") + 1))
        : new Uint8Array();
  try {
    const { format, width, height, orientation } = readHeader(bytes);
    const isTurned = swapsSides(orientation);
    return {
      uri:
        typeof source === "string"
          ? source
          : `data:${IMAGE_FORMATS[format].mediaType};base64,${uint8ArrayToBase64(bytes)}`,
      width: isTurned ? height : width,
      height: isTurned ? width : height,
    };
  } catch {
    // A picture that could not be scored cannot be shown either; its record says why.
    return null;
  }
}

/** Boxes of one picture's faces; numbered where there are several, in the order of their records. */
function drawPicture(picture: Picture | null, records: readonly ScoreRecord[]): SafeHtml {
  if (picture === null) return html`<div class="picture no-picture">no picture</div>`;
  const { uri, width, height } = picture;
  const boxes = records.flatMap(({ face }) => (face?.box == null ? [] : [face.box]));
  const isMany = records.length > 1;
  return html`<svg
    class="picture"
    viewBox="0 0 ${width} ${height}"
    ${isMany && html`style="aspect-ratio:${width}/${height}"`}
    role="img"
    aria-label="${records[0]?.key ?? ""}"
  >
    <image href="${uri}" width="${width}" height="${height}" />
    ${boxes.map(({ x, y, width: across, height: down }, index) => {
      const frame = (name: string) =>
        html`<rect class="${name}" x="${x}" y="${y}" width="${across}" height="${down}" />`;
      const number = html`<text class="face-number" x="${x}" y="${y - height / 100}" font-size="${height / 22}">
        ${index + 1}
      </text>`;
      return html`${frame("face-halo")}${frame("face-box")}${isMany && number}`;
    })}
  </svg>`;
}

function renderChances(record: ScoreRecord): SafeHtml | null {
  if (record.probabilities === null) return null;
  return html`<dl class="chances">
    ${Object.entries(record.probabilities).map(([label, share]) => {
      const top = label === findTopLabel(record) ? `top ${hueOf(label)}` : "";
      return html`<dt class="${top}">${label}</dt>
        <dd class="${top}" title="${formatPercent(share)}"><i style="width:${(100 * share).toFixed(1)}%"></i></dd>`;
    })}
  </dl>`;
}

function renderFace(record: ScoreRecord, number: number | null): SafeHtml {
  const label = findTopLabel(record);
  const top = label === null ? null : probabilityOf(record, label);
  const prefix = number === null ? "" : `${number} `;
  const title =
    label === null
      ? html`<h2 class="bad">${prefix}${record.status.replaceAll("_", " ")}</h2>`
      : html`<h2>
          <span class="label"><i class="dot ${hueOf(label)}"></i>${prefix}${record.label ?? `Not sure: ${label}`}</span>
          <span>${formatPercent(top, 0)}</span>
        </h2>`;
  return html`<section>
    ${title}${renderChances(record)}${record.error !== null && html`<div class="quiet">${describeReason(record.error.code)}</div>`}
  </section>`;
}

/** @param records of one picture: one, or one per face */
function renderCard(records: readonly ScoreRecord[], picture: Picture | null): SafeHtml | null {
  const first = records[0];
  if (first === undefined) return null;
  const isMany = records.length > 1;
  return html`<li class="${isMany ? "many" : ""}">
    ${drawPicture(picture, records)}
    <div class="face-text">
      ${records.map((record, index) => renderFace(record, isMany ? index + 1 : null))}
      <p><bdi>${isMany ? first.key : first.id}</bdi>${first.truth !== null && html` · given: ${first.truth}`}</p>
    </div>
  </li>`;
}

/** Records that stand beside each other and are of one picture; an object without faces is a list of one. */
function groupByPicture(records: readonly ScoreRecord[]): readonly (readonly ScoreRecord[])[] {
  const groups: ScoreRecord[][] = [];
  for (const record of records) {
    const last = groups.at(-1);
    // `id#0`, `id#1`, …: the faces of one picture; two items may share a key.
    const isNextFace = record.id.endsWith(`#${last?.length ?? 0}`) && last?.[0]?.id === record.id.replace(/\d+$/, "0");
    if (last !== undefined && isNextFace) last.push(record);
    else groups.push([record]);
  }
  return groups;
}

/**
 * The page as text: one card per picture, with every face of it.
 * @param thumbnails pictures by object key: encoded JPEG, PNG or WebP bytes, or `data:` URIs of them. Boxes are in pixels
 * of the full picture, so a thumbnail shows its box only if it is the full picture.
 */
export function renderContactSheet(
  records: readonly ScoreRecord[],
  thumbnails: ReadonlyMap<string, Uint8Array | string>,
): string {
  const pictures = new Map([...thumbnails].map(([key, source]) => [key, readPicture(source)]));
  const groups = groupByPicture(records);
  const scored = groups.filter(([first]) => first?.status === "scored").length;
  const faces = records.filter(({ status }) => status === "scored").length;
  return renderPage(
    "Contact sheet: apparent facial expression",
    STYLE,
    html`<main>
      <header class="head">
        <h1>Contact sheet</h1>
        <p class="quiet">
          ${formatCount(scored)} of ${formatCount(groups.length)} pictures scored, ${formatCount(faces)} faces. Labels
          name the apparent facial expression.
        </p>
      </header>
      <div class="notice"><p>${REPORT_NOTICE.wording}</p></div>
      <ul class="sheet">
        ${groups.map((group) => renderCard(group, pictures.get(group[0]?.key ?? "") ?? null))}
      </ul>
    </main>`,
  );
}
