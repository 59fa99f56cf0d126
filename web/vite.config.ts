import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";
import { DESIGN_PARTS } from "../src/scoring/report/design-parts.ts";
import { DESIGN_TOKENS } from "../src/scoring/report/design-tokens.ts";
import { renderDocs } from "./docs-page.ts";
import { copySamples } from "./sample-pictures.ts";
import { readWasmThreadScript } from "./wasm-thread-script.ts";

const output = join(import.meta.dirname, "../public");

/** Files of earlier builds go after the new ones stand, so that a running server is never without. */
function removeStale(): Plugin {
  return {
    name: "remove-stale",
    writeBundle(_options, bundle) {
      const names = new Set(Object.keys(bundle).map((name) => name.replace("assets/", "")));
      for (const name of readdirSync(join(output, "assets"))) {
        if (!names.has(name)) rmSync(join(output, "assets", name), { force: true });
      }
    },
  };
}

/** `virtual:wasm-thread-script`: the address of that script. */
function emitWasmThreadScript(): Plugin {
  const id = "virtual:wasm-thread-script";
  return {
    name: "wasm-thread-script",
    resolveId: (source) => (source === id ? id : null),
    load(loaded) {
      if (loaded !== id) return null;
      const file = this.emitFile({ type: "asset", name: "wasm-thread.js", source: readWasmThreadScript() });
      return `export default import.meta.ROLLUP_FILE_URL_${file};`;
    },
  };
}

/** Samples beside the console; a package leaves them out. */
function addSamples(): Plugin {
  return { name: "samples", writeBundle: () => copySamples(output) };
}

/** `virtual:design.css`: the style sheet that the console shares with reports. */
function emitDesign(): Plugin {
  const id = "virtual:design.css";
  return {
    name: "design",
    resolveId: (source) => (source === id ? `\0${id}` : null),
    load: (loaded) => (loaded === `\0${id}` ? `${DESIGN_TOKENS}${DESIGN_PARTS}` : null),
  };
}

/** `/docs` has its words before a script runs. */
function renderDocsPage(): Plugin {
  return {
    name: "docs-page",
    transformIndexHtml: (page) => page.replace("<!-- docs -->", renderDocs),
  };
}

/** The console, built into the folder that the Worker serves. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  publicDir: false,
  plugins: [emitDesign(), renderDocsPage(), addSamples(), removeStale()],
  assetsInclude: ["**/*.safetensors"],
  // The console is written against React and shipped on Preact, of which a phone runs a tenth of the code before it shows something.
  resolve: {
    alias: [
      { find: "react-dom/client", replacement: "preact/compat/client" },
      { find: "react/jsx-runtime", replacement: "preact/jsx-runtime" },
      { find: /^react$/, replacement: "preact/compat" },
    ],
  },
  build: {
    outDir: output,
    emptyOutDir: false,
    // The console, and the API's page at /docs.
    rolldownOptions: { input: ["index.html", "docs.html"].map((page) => join(import.meta.dirname, page)) },
    target: "es2023",
    // No data: addresses, which the content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // The scoring worker holds TensorFlow.js; it is loaded by the page that scores and by no other.
    chunkSizeWarningLimit: 3000,
  },
  worker: { format: "es", plugins: () => [emitWasmThreadScript()] },
});
