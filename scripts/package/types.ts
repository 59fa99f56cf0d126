import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";

/** One entry of the package. */
export interface Door {
  /** Of the report in `docs/api/`, and of the declarations in `dist/`. */
  readonly name: string;
  /** Source without its ending. */
  readonly source: string;
}

/** Every entry of the package's `exports`. */
export const DOORS: readonly Door[] = [
  { name: "countenance", source: "src/library/node" },
  { name: "countenance-browser", source: "src/library/browser" },
  { name: "countenance-workerd", source: "src/library/workerd" },
  { name: "client", source: "src/client/index" },
  { name: "worker", source: "src/embedded" },
  { name: "testing", source: "test/contract/index" },
];

/**
 * One declaration file per entry, without what is not exported from it, and its API report.
 * @param options.check only compares the reports
 * @returns the entries whose report has changed
 */
export function rollUpTypes(root: string, doors: readonly Door[], options: { readonly check: boolean }): string[] {
  mkdirSync(join(root, "docs/api"), { recursive: true });
  return doors.flatMap(({ name, source }) => {
    const config = ExtractorConfig.prepare({
      configObjectFullPath: join(root, "api-extractor.json"),
      packageJsonFullPath: join(root, "package.json"),
      configObject: {
        projectFolder: root,
        mainEntryPointFilePath: `<projectFolder>/build/types/${source}.d.ts`,
        compiler: {
          overrideTsconfig: {
            compilerOptions: {
              target: "es2023",
              lib: ["es2024", "webworker", "webworker.asynciterable"],
              module: "esnext",
              moduleResolution: "bundler",
              types: ["node"],
              strict: true,
              exactOptionalPropertyTypes: true,
              skipLibCheck: true,
              allowImportingTsExtensions: true,
              noEmit: true,
            },
            files: [`build/types/${source}.d.ts`, "src/workers-types.d.ts"],
          },
        },
        apiReport: {
          enabled: true,
          reportFileName: `${name}.api.md`,
          reportFolder: "<projectFolder>/docs/api/",
          reportTempFolder: "<projectFolder>/build/api/",
        },
        docModel: { enabled: false },
        tsdocMetadata: { enabled: false },
        dtsRollup: { enabled: true, untrimmedFilePath: `<projectFolder>/dist/${name}.d.ts` },
        messages: {
          compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
          extractorMessageReporting: {
            default: { logLevel: ExtractorLogLevel.Error },
            // No release tags here: all that is exported is public. Types that exported ones name stay inside.
            "ae-missing-release-tag": { logLevel: ExtractorLogLevel.None },
            "ae-forgotten-export": { logLevel: ExtractorLogLevel.None },
            "ae-unresolved-link": { logLevel: ExtractorLogLevel.None },
            // The compiler's docblock rule is test/architecture.test.ts; fields whose name says all have none.
            "ae-undocumented": { logLevel: ExtractorLogLevel.None },
          },
          tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        },
      },
    });
    const { apiReportChanged } = Extractor.invoke(config, {
      localBuild: !options.check,
      messageCallback: (message) => {
        if (message.logLevel !== ExtractorLogLevel.Error) message.logLevel = ExtractorLogLevel.None;
      },
    });
    return apiReportChanged && options.check ? [name] : [];
  });
}
