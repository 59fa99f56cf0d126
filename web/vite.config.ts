import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";
import { renderDocs } from "./docs-page.ts";
import { allowStyles, writeStyles } from "./first-view.ts";
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
  plugins: [renderDocsPage(), writeStyles(), allowStyles(output), addSamples(), removeStale()],
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
    rolldownOptions: {
      // The console, what runs before it, and the API's page at /docs.
      input: ["index.html", "docs.html", "src/start.ts"].map((name) => join(import.meta.dirname, name)),
      output: {
        chunkFileNames: ({ name }) => `assets/${name.split("~")[0]}-[hash].js`,
        // A file costs a phone a way to the server and back: what every page needs is one, and pages share few others.
        codeSplitting: {
          groups: [
            { name: "load-parts", test: /preload-helper/, priority: 3 },
            { name: "start", test: /\/web\/src\/start\.ts$/, priority: 2 },
            { name: "console", tags: ["$initial"], test: /^(?!.*\/web\/(src\/)?docs)/, priority: 1 },
            {
              name: "pictures",
              test: /\/src\/job\/(picture|face-crop|record-picture)|reason-words|engine-names|styles\/pictures/,
            },
            { name: "records", test: /\/client\/label-reader|record-line/ },
            { name: "charts", test: /report-charts|\/web\/src\/markup/ },
            { name: "report", test: /\/scoring\/report\/(report-sections|alert-marks)/ },
            { name: "schedules", test: /cron|\/web\/src\/schedules\/schedules-page/ },
          ],
        },
      },
    },
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
