/** What a phone shows first comes with the page itself: its style, which the page's headers allow by its hash, and the name of the first script. */

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Plugin } from "vite";
import { DESIGN_PARTS } from "../src/scoring/report/design-parts.ts";
import { DESIGN_TOKENS } from "../src/scoring/report/design-tokens.ts";

/** Style of each page behind the one that the console shares with reports. */
const STYLES: Readonly<Record<string, readonly string[]>> = {
  "index.html": ["src/styles/shell.css", "src/styles/job.css"],
  "docs.html": ["src/docs/docs.css"],
};

const readOwn = (path: string): string => readFileSync(join(import.meta.dirname, path), "utf8");

/** Puts each page's style into it. */
export function writeStyles(): Plugin {
  return {
    name: "styles",
    transformIndexHtml: {
      order: "pre",
      handler(page, { filename }) {
        const own = (STYLES[basename(filename)] ?? []).map(readOwn);
        return page.replace("</head>", `<style>${DESIGN_TOKENS}${DESIGN_PARTS}${own.join("")}</style></head>`);
      },
    },
  };
}

/** Names `start.ts` in the console's page, and writes `_headers` into the folder `output`, with the hash of each page's style. */
export function allowStyles(output: string): Plugin {
  const hashes = new Map<string, string>();
  return {
    name: "first-view",
    transformIndexHtml: {
      order: "post",
      handler(page, { filename, bundle = {} }) {
        const name = basename(filename);
        const style = /<style>([^]*)<\/style>/.exec(page)?.[1] ?? "";
        hashes.set(name, createHash("sha256").update(style).digest("base64"));
        const start = Object.values(bundle).find((file) => file.type === "chunk" && file.name === "start");
        if (name !== "index.html" || start === undefined) return page;
        return page.replace(
          "<script",
          `<script type="module" crossorigin src="./${start.fileName}"></script>\n    <script`,
        );
      },
    },
    writeBundle() {
      const headers = readOwn("_headers").replace(
        /\{style of ([^}]+)\}/g,
        (_, page: string) => `'sha256-${hashes.get(page)}'`,
      );
      writeFileSync(join(output, "_headers"), headers);
    },
  };
}
