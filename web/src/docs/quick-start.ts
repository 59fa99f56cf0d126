/** The first requests, above the operations of the API's page. */

/** Makes elements as Swagger UI's own React does. */
export type CreateElement = (type: unknown, props: object | null, ...children: readonly unknown[]) => unknown;

const STEPS = (origin: string): readonly (readonly [words: string, command: string])[] => [
  [
    "Say who asks. The server of npm start takes this key; countenance serve keeps its own in admin-key of its data folder; elsewhere an admin makes one.",
    "export COUNTENANCE_KEY=local-development-key",
  ],
  [
    "Put a picture into a store.",
    `curl -X PUT --data-binary @face.jpg -H "Authorization: Bearer $COUNTENANCE_KEY" \\
  ${origin}/v1/stores/faces/objects/portraits/face.jpg`,
  ],
  [
    "Score everything that lies there.",
    `curl -X POST -H "Authorization: Bearer $COUNTENANCE_KEY" -H "Content-Type: application/json" \\
  -d '{"input":{"store":"faces","prefix":"portraits/"},"output":{"store":"faces"}}' \\
  ${origin}/v1/jobs`,
  ],
  [
    "Read its labels once it has ended; /events tells when.",
    `curl -H "Authorization: Bearer $COUNTENANCE_KEY" ${origin}/v1/jobs/<id>/labels`,
  ],
];

/** Four commands in a row, then the heading of what Swagger UI lists. @param origin `https://…`, of this server */
export function renderQuickStart(create: CreateElement, origin: string): unknown {
  const steps = STEPS(origin).map(([words, command]) =>
    create("li", { key: words }, words, create("pre", { tabIndex: 0 }, create("code", null, command))),
  );
  return create(
    "section",
    { className: "quick-start" },
    create("h2", null, "Quick start"),
    create("ol", null, ...steps),
    create("p", null, "Whoever is signed in to the console needs no key here: “Try it out” sends the session along."),
    create("h2", null, "Operations"),
  );
}
