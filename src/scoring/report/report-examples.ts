/** Example faces of each label: only in reports of jobs that asked for them, and only in the page. */

import { html, type SafeHtml } from "./html-text.ts";
import { renderLabelName } from "./report-charts.ts";

/** Pictures of one label, as `data:` addresses of PNGs. */
export interface LabelPictures {
  readonly label: string;
  readonly pictures: readonly string[];
}

/** What the page may embed: nothing that would be asked for elsewhere. */
const PNG = /^data:image\/png;base64,[A-Za-z0-9+/]+=*$/;

/** A few faces of each label; `null` where there are none. */
export function renderExamples(examples: readonly LabelPictures[]): SafeHtml | null {
  const shown = examples.map(({ label, pictures }) => ({ label, pictures: pictures.filter((one) => PNG.test(one)) }));
  if (shown.every(({ pictures }) => pictures.length === 0)) return null;
  return html`<section class="card">
    <h2>Some of the faces</h2>
    <p class="quiet">
      Up to six of each label, drawn by lot: not the clearest ones. This job asked for them; they are pictures of
      people, so hand this page on with care. They go when their images are erased.
    </p>
    <dl class="examples">
      ${shown.map(
        ({ label, pictures }) =>
          pictures.length > 0 &&
          html`<dt>${renderLabelName(label)}</dt>
            <dd>
              ${pictures.map((picture, at) => html`<img src="${picture}" alt="${label}, example ${at + 1}" width="64" height="64" />`)}
            </dd>`,
      )}
    </dl>
  </section>`;
}
