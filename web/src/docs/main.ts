/** `/docs`: every route from the server's own description. A request that is tried here takes a key, or the console's session. */

import SwaggerUIBundle from "swagger-ui-dist/swagger-ui-es-bundle.js";

SwaggerUIBundle({
  url: new URL("v1/openapi.json", document.baseURI).href,
  domNode: document.querySelector("#docs"),
  // Asks another origin for a badge otherwise.
  validatorUrl: null,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
});
