/** Promises about what a job leaves. */

import { inPart, node, workerd, type Mutation } from "./mutation.ts";

const SIMULATION = "test/fault/simulation.test.ts";

/** In the order of docs/proofs.md. */
export const OUTPUTS: readonly Mutation[] = inPart("Outputs", [
  {
    ...node,
    promise: "however finalization is cut into steps, the bytes are the same",
    test: "test/unit/scoring/outputs/outputs.test.ts",
    name: "give the same bytes however they are cut",
    file: "src/scoring/outputs/labels-parquet.ts",
    from: "if (from > 0) held = held.slice(from);",
    to: "held = held.slice(from);\n      if (held.length === 5) held.pop();",
  },
  {
    ...node,
    promise: "CSV cells that a spreadsheet would run are neutralized",
    test: "test/unit/scoring/outputs/outputs.test.ts",
    name: "neutralizes every cell",
    file: "src/scoring/outputs/labels-csv.ts",
    from: "escape_formulas: true",
    to: "escape_formulas: false",
  },
  {
    ...node,
    promise: "`_SUCCESS` names each object with its size and SHA-256",
    test: SIMULATION,
    name: "a calm day scores",
    file: "src/scoring/finalize/finalize-reports.ts",
    from: "sha256: await digestHex(bytes) };",
    to: "sha256: await digestHex(bytes.slice(1)) };",
  },
  {
    ...node,
    promise: "a data set with folders by group has each row once, in the folder of its group",
    test: "test/fault/partitions.test.ts",
    name: "has each row of single files once",
    file: "src/scoring/finalize/partition-sort.ts",
    from: "const folder = namePartition(names, groups);",
    to: "const folder = namePartition(names, runs.length > 0 ? {} : groups);",
  },
  {
    ...node,
    promise: "a job with more partitions than there may be fails before it is scored",
    test: "test/fault/partitions.test.ts",
    name: "fails with more partitions than there may be",
    file: "src/scoring/job/job-plan.ts",
    from: "misfit: rules.partitions === undefined ?",
    to: "misfit: rules.partitions !== null ?",
  },
  {
    ...workerd,
    promise: "verify scores a sample again and sees what was tampered with",
    test: "test/workerd/job.test.ts",
    name: "verifies a sample on the reference engine",
    file: "src/scoring/requests/verify.ts",
    from: "if (bytes === null || (await digestHex(bytes)) !== chunk.result?.sha256) {",
    to: "if (bytes === null) {",
  },
  {
    ...node,
    promise: "small groups are suppressed, and cannot be had by subtraction",
    test: "test/unit/scoring/statistics/statistics.test.ts",
    name: "never lets a hidden group be had",
    file: "src/scoring/statistics/suppression.ts",
    from: "if (remainder.length === 0 || faces >= minGroupSize) break;",
    to: "break;",
  },
  {
    project: "browser",
    promise: "report.html fits a phone",
    test: "test/browser/report.test.ts",
    name: "fits a screen of 320",
    file: "src/scoring/report/report-html.ts",
    from: "<body>",
    to: '<body style="min-width:600px">',
  },
  {
    project: "browser",
    promise: "report.html prints dark on white",
    test: "test/browser/report.test.ts",
    name: "prints dark on white",
    file: "src/scoring/report/design-tokens.ts",
    from: "@media print{:root,",
    to: "@media speech{:root,",
  },
  {
    ...node,
    promise: "the receipt counts what was used, beside the estimate",
    test: "test/unit/scoring/plan/receipt.test.ts",
    name: "counts what single objects took",
    file: "src/scoring/finalize/run-lock.ts",
    from: "classB: meter.planning.reads + meter.scoring.reads +",
    to: "classB: meter.planning.reads +",
  },
]);
