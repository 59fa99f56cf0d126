import { join } from "node:path";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/**
 * Projects: `node` runs the core, adapters and architecture rules under Node; `workerd` runs inside the Workers runtime
 * with the bindings of wrangler.toml; `browser` and `e2e` drive real Chromium and real `wrangler dev` from Node;
 * `serve` and `serve-more` run the same suites against `countenance serve`; `package` packs this project and uses it as a stranger would
 * (`npm run test:package`); `long` is what takes minutes (`npm run test:long`).
 */
const drivesServers = { testTimeout: 180_000, hookTimeout: 180_000, fileParallelism: false } as const;
/** Two at a time: a browser and its server leave much of two cores idle. */
const sideBySide = {
  testTimeout: 180_000,
  hookTimeout: 180_000,
  maxWorkers: 2,
  sequence: { groupOrder: 2 },
  globalSetup: ["test/browser/console-build.setup.ts", "test/browser/chromium.setup.ts"],
};

/** Suites of `e2e` that hold for a server of one's own as well: the shorter ones are in `npm test`. */
const onServe = {
  serve: ["cross-store", "restart", "webhook"],
  "serve-more": ["cli", "client-work", "schedules"],
} as const;

export default defineConfig({
  test: {
    // A green run prints the tests' names; what a test logged is shown where it fails.
    silent: "passed-only",
    projects: [
      {
        test: {
          name: "node",
          include: ["test/unit/**/*.test.ts", "test/fault/**/*.test.ts", "test/*.test.ts"],
          testTimeout: 60_000,
          // Vitest leaves one core idle, which is half of a small machine.
          maxWorkers: "100%",
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            // Vitest looks for Node's inspector, and without this workerd reports that there is none at each start.
            miniflare: {
              compatibilityFlags: ["enable_nodejs_inspector_module"],
              // test/workerd/own-labels.test.ts puts one there.
              bindings: { MODELS: '{ "store": "faces", "prefix": "models/" }' },
            },
          }),
        ],
        // wrangler.toml's [alias] holds for bundles only, not here.
        resolve: {
          alias: { "@aws-sdk/xml-builder": join(import.meta.dirname, "src/storage/s3/xml-builder-workerd.ts") },
        },
        test: {
          name: "workerd",
          globalSetup: ["test/workerd/s3-server.setup.ts"],
          include: ["test/workerd/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // One runtime for all files, which loads the Worker once: tests leave others' jobs and keys alone.
          maxWorkers: 1,
          isolate: false,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { name: "browser", include: ["test/browser/**/*.test.ts"], ...sideBySide } },
      { test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], ...sideBySide } },
      {
        test: {
          name: "package",
          globalSetup: ["test/package/package.setup.ts"],
          include: ["test/package/**/*.test.ts"],
          ...drivesServers,
        },
      },
      ...Object.entries(onServe).map(([name, suites]) => ({
        test: {
          name,
          include: suites.map((suite) => `test/e2e/${suite}.test.ts`),
          env: { PLATFORM: "serve" },
          ...sideBySide,
        },
      })),
      {
        test: {
          name: "long",
          include: ["test/long/**/*.test.ts", "test/memory/**/*.test.ts"],
          ...drivesServers,
          testTimeout: 3_600_000,
        },
      },
    ],
  },
});
