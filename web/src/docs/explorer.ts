/** Swagger UI over the server's own description. A request that is tried here takes a key, or the console's session. */

import SwaggerUIBundle from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "./explorer.css";

/** What Swagger UI hands to its plugins. */
interface System {
  readonly React: {
    readonly createElement: (type: unknown, props: object | null, ...children: readonly unknown[]) => unknown;
  };
}

/** The path of an operation stands in its button, where a link of its own has no place; its address still opens it. */
const namePaths = () => ({
  wrapComponents: {
    DeepLink:
      (_: unknown, { React }: System) =>
      ({ text }: { readonly text: string }) =>
        React.createElement("span", null, text),
  },
});

/** The title is the page's. */
const markTitle = () => ({
  wrapComponents: {
    InfoContainer:
      (Original: unknown, { React }: System) =>
      (props: object) =>
        React.createElement(
          "header",
          { role: "banner" },
          React.createElement(Original, props),
          React.createElement("h2", null, "Operations"),
        ),
  },
});

/** Draws it. @param url of the OpenAPI document */
export function openExplorer(domNode: Element, url: string): void {
  SwaggerUIBundle({
    url,
    domNode,
    // Asks another origin for a badge otherwise.
    validatorUrl: null,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    plugins: [markTitle, namePaths],
  });
}
