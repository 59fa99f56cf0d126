/** `/docs`: every route from the server's own description. A request that is tried here takes a key, or the console's session. */

import SwaggerUIBundle from "swagger-ui-dist/swagger-ui-es-bundle.js";
import { type CreateElement, renderQuickStart } from "./quick-start.ts";

/** What Swagger UI hands to its plugins. */
interface System {
  readonly React: { readonly createElement: CreateElement };
}

const base = new URL("./", document.baseURI).href.replace(/\/$/, "");

/** The path of an operation stands in its button, where a link of its own has no place; its address still opens it. */
const namePaths = () => ({
  wrapComponents: {
    DeepLink:
      (_: unknown, { React }: System) =>
      ({ text }: { readonly text: string }) =>
        React.createElement("span", null, text),
  },
});

/** The quick start between the title and the operations. */
const addQuickStart = () => ({
  wrapComponents: {
    InfoContainer:
      (Original: unknown, { React: { createElement } }: System) =>
      (props: object) =>
        createElement(
          "header",
          { role: "banner" },
          createElement(Original, props),
          renderQuickStart(createElement, base),
        ),
  },
});

SwaggerUIBundle({
  url: new URL("v1/openapi.json", document.baseURI).href,
  domNode: document.querySelector("#docs"),
  // Asks another origin for a badge otherwise.
  validatorUrl: null,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  plugins: [addQuickStart, namePaths],
});
