/**
 * Stands in for `@aws-sdk/xml-builder` in bundles for workerd. That package's browser build parses with `DOMParser`, which workerd
 * does not have, so that every listing and every error body throws; its plain parser, for Node, needs nothing.
 *
 * wrangler.toml: `[alias] "@aws-sdk/xml-builder" = "./src/storage/s3/xml-builder-workerd.ts"`. The paths are relative because
 * the package exports only its root, and that is what is replaced.
 */

// @ts-expect-error -- the package has no types at this path
export { XmlNode } from "../../../node_modules/@aws-sdk/xml-builder/dist-es/XmlNode.js";
// @ts-expect-error -- the package has no types at this path
export { XmlText } from "../../../node_modules/@aws-sdk/xml-builder/dist-es/XmlText.js";
// @ts-expect-error -- the package has no types at this path
export { parseXML } from "../../../node_modules/@aws-sdk/xml-builder/dist-es/xml-parser.js";
