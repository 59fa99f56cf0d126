/** `/docs` as it is before any script runs: the first requests, and every operation of the API by its group. */

import { OPERATIONS, TAGS } from "../src/http/operations.ts";
import { html, type HtmlValue, type SafeHtml } from "../src/scoring/report/html-text.ts";

const KEY = '-H "Authorization: Bearer $COUNTENANCE_KEY"';
const PICTURE = "$COUNTENANCE_URL/v1/stores/faces/objects/portraits/face.jpg";
const JOB = '{"input":{"store":"faces","prefix":"portraits/"},"output":{"store":"faces"}}';

/** Words, and lines of a shell. */
const STEPS: readonly (readonly [words: SafeHtml, lines: readonly HtmlValue[]])[] = [
  [
    html`Say where the server is and who asks. The server of <code>npm start</code> takes this key;
      <code>countenance serve</code> keeps its own in <code>admin-key</code> of its data folder; elsewhere an admin
      makes one.`,
    // The script puts this server's own address there.
    [
      ["export COUNTENANCE_URL=", html`<span id="origin">http://127.0.0.1:8787</span>`],
      "export COUNTENANCE_KEY=local-development-key",
    ],
  ],
  [html`Put a picture into a store.`, [`curl -X PUT --data-binary @face.jpg ${KEY} \\`, `  ${PICTURE}`]],
  [
    html`Score everything that lies there.`,
    [`curl -X POST ${KEY} -H "Content-Type: application/json" \\`, `  -d '${JOB}' \\`, "  $COUNTENANCE_URL/v1/jobs"],
  ],
  [
    html`Read its labels once it has ended; <code>/events</code> tells when.`,
    [`curl ${KEY} $COUNTENANCE_URL/v1/jobs/<id>/labels`],
  ],
];

/** Text whose `parts` between backticks are code. */
function markCode(text: string): readonly (SafeHtml | string)[] {
  return text.split("`").map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part));
}

function renderGroup([tag, words]: readonly [string, string]): SafeHtml {
  const operations = Object.entries(OPERATIONS).filter(([, operation]) => operation.tag === tag);
  return html`<section class="card" aria-labelledby="group-${tag}">
    <h3 id="group-${tag}">${tag}</h3>
    <p class="quiet">${words}</p>
    <ul class="operations">
      ${operations.map(([name, { operationId, description }]) => {
        const [method = "", path = ""] = name.split(" ");
        return html`<li>
          <a href="#/${tag}/${operationId}"
            ><b class="method ${method.toLowerCase()}">${method}</b> <code>${path}</code></a
          >
          <p>${markCode(description)}</p>
        </li>`;
      })}
    </ul>
  </section>`;
}

/** Lines as they are: nothing may stand between them but their ends. */
function renderCommand(lines: readonly HtmlValue[]): SafeHtml {
  const code = lines.map((line, at) => [at === 0 ? null : "\n", line]);
  return html`<pre tabindex="0"><code>${code}</code></pre>`;
}

/** What stands in the page's `main`. */
export function renderDocs(): string {
  return html`<h1>The API</h1>
    <section class="card" aria-labelledby="quick-start">
      <h2 id="quick-start">Quick start</h2>
      <ol>
        ${STEPS.map(([words, lines]) => html`<li>${words} ${renderCommand(lines)}</li>`)}
      </ol>
    </section>
    <div class="head">
      <h2 id="operations">Operations</h2>
      <button type="button" id="explore" class="primary" hidden>Try requests here</button>
    </div>
    <p class="quiet">
      Each leads to its parameters, its answers and a form that sends it. Whoever is signed in to the console needs no
      key there: the session goes along. All of it as a file: <a href="./v1/openapi.json">openapi.json</a>.
    </p>
    ${Object.entries(TAGS).map(renderGroup)}`.toString();
}
