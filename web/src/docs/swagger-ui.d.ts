/** The package has no types of its own; what the page uses. */
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  export default function SwaggerUIBundle(options: {
    /** Where the OpenAPI document is. */
    readonly url: string;
    readonly domNode: Element | null;
    /** `null`: no badge. */
    readonly validatorUrl: null;
    /** Addresses name the route that is open. */
    readonly deepLinking: boolean;
    /** Levels of the schemas that start open. */
    readonly defaultModelsExpandDepth: number;
    /** Functions that are called with the system, and return what they change of it. */
    readonly plugins: readonly (() => object)[];
  }): unknown;
}
