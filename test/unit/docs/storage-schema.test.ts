import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import * as keys from "../../../src/scoring/keys.ts";

/** docs/storage-schema.md names every object and every row that the code writes, and none that it does not. */

const root = join(import.meta.dirname, "../../..");
const doc = readFileSync(join(root, "docs/storage-schema.md"), "utf8");
const sourceFiles = readdirSync(join(root, "src"), { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));

/** The text under the heading that begins so, without what is under the next one. */
function readSection(heading: string): string {
  const section = doc.split(/^## /m).find((text) => text.startsWith(heading));
  if (section === undefined) throw new Error(`no section ${heading}`);
  return section;
}

/** First cells of a section's table rows; those that continue the row above are left out. */
function listFirstCells(section: string): string[] {
  return [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, cell]) => cell ?? "");
}

const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? "");

/** A documented name as a pattern: `<page>` is anything without a slash. */
function toPattern(name: string): RegExp {
  const parts = name.split(/<[^>]+>/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^/]+")}$`);
}

const folder = keys.jobFolder("out", "0190b6a5-0000-7000-8000-000000000000");

/** What each export of keys.ts makes; an empty list for those that only cut or join. */
const made: Readonly<Record<keyof typeof keys, readonly string[]>> = {
  OUTPUT_NAMES: Object.values(keys.OUTPUT_NAMES).map((name) => `${folder}${name}`),
  LABEL_FILES: Object.values(keys.LABEL_FILES).map(({ name }) => `${folder}${name}`),
  LABEL_FORMATS: [],
  partKey: [keys.partKey(folder, "000000256"), keys.partKey(folder, "000000256.0.1")],
  inputPageKey: [keys.inputPageKey(folder, 3, 1)],
  rangePageKey: [keys.rangePageKey(folder, 2, 3, 1)],
  scanKey: [keys.scanKey(folder, 1)],
  scanCarryKey: [keys.scanCarryKey(folder, 2, 3, 1)],
  carryKey: [
    keys.carryKey(folder, "labels.csv", 2, 1),
    keys.carryKey(folder, "state", 2, 1),
    keys.carryKey(folder, `${keys.RANGE_NAMES.input(3)}.buffer`, 2, 1),
    keys.carryKey(folder, keys.rangeCarryName(3, "state"), 2, 1),
  ],
  PART_FILES: [],
  RANGE_NAMES: [
    ...keys.LABEL_FORMATS.map((format) => `${folder}${keys.RANGE_NAMES.labels(3, format)}`),
    `${folder}${keys.RANGE_NAMES.labels(3, "jsonl", 0, "site=north/")}`,
    ...[
      keys.RANGE_NAMES.input(3),
      keys.RANGE_NAMES.chunks(3),
      keys.RANGE_NAMES.errors(3),
      keys.RANGE_NAMES.summary(3),
    ].map((name) => `${folder}${name}`),
  ],
  generationsPrefix: [],
  rangeCarryName: [],
  RANGE_FOLDERS: [],
  parseRangeName: [],
  dataFolder: [],
  probeKey: [keys.probeKey("out/", "0190b6a5-0000-7000-8000-000000000000")],
  normalizePrefix: [],
  jobFolder: [`${keys.jobFolder("out", "0190b6a5-0000-7000-8000-000000000000", 1)}${keys.OUTPUT_NAMES.success}`],
  REVIEW_NAMES: Object.values(keys.REVIEW_NAMES).map((name) => `${folder}${name}`),
  isCurrentOutput: [],
  partName: [],
  parsePartKey: [],
  partsPrefix: [],
  workPrefix: [],
};

describe("objects", () => {
  const section = readSection("Objects");
  // Names in the table lie in the job's folder; the first words of the section say which folder that is.
  const inFolder = listFirstCells(section)
    .flatMap(quoted)
    .filter((name) => !name.endsWith(".ts") && /[._/]/.test(name));
  const beside = quoted(section.slice(section.indexOf("Beside the folders"))).filter((name) => name.includes("probe"));
  const documented = [
    ...inFolder.map((name) => toPattern(`<output prefix>/<job id>/${name}`)),
    ...beside.map((name) => toPattern(name)),
  ];

  it("that the code names are documented", () => {
    expect(Object.keys(made).sort()).toEqual(Object.keys(keys).sort());
    const missing = Object.values(made)
      .flat()
      .filter((key) => !documented.some((pattern) => pattern.test(key)));
    expect(missing).toEqual([]);
  });

  it("that are documented are named by the code", () => {
    expect(documented.length).toBeGreaterThan(10);
    const stale = documented.filter(
      (pattern) =>
        !Object.values(made)
          .flat()
          .some((key) => pattern.test(key)),
    );
    expect(stale).toEqual([]);
  });
});

/** Names in the text of all files of a folder of src: `CREATE TABLE …` or the like. */
function findIn(folder: "jobs" | "serve", pattern: RegExp, isIn: (file: string) => boolean): string[] {
  const names = sourceFiles
    .filter((path) => path.includes(`/src/${folder}/`) && isIn(basename(path)))
    .flatMap((path) => [...readFileSync(path, "utf8").matchAll(pattern)].map(([, name]) => name ?? ""));
  return [...new Set(names)].sort();
}

const isCoordinators = (file: string) => ["sqlite-rows.ts", "arrival-rows.ts"].includes(file);

describe("rows", () => {
  const createTable = /CREATE TABLE (?:IF NOT EXISTS )?(\w+)/g;

  it.each([
    ["Rows of a job's coordinator", "jobs", isCoordinators, 5],
    ["Rows of the directory", "jobs", (file: string) => !isCoordinators(file), 5],
    ["Rows of a self-hosted server", "serve", () => true, 2],
  ] as const)("%s: every table, and no other", (heading, folder, isIn, atLeast) => {
    const tables = findIn(folder, createTable, isIn);
    expect(tables.length).toBeGreaterThanOrEqual(atLeast);
    expect(listFirstCells(readSection(heading)).flatMap(quoted).sort()).toEqual(tables);
  });

  it("facts: every name, and no other", () => {
    const facts = findIn("jobs", /Fact\("([\w-]+)"/g, isCoordinators);
    const section = readSection("Rows of a job's coordinator");
    const documented = [...section.matchAll(/^\| (?:`facts` )?\| `([\w-]+)`: /gm)].map(([, name]) => name ?? "");
    expect(facts.length).toBeGreaterThanOrEqual(5);
    expect(documented.sort()).toEqual(facts);
  });
});

it("files and types that are named exist", () => {
  const files = quoted(doc).filter((name) => /^[\w/-]+\.ts$/.test(name));
  const known = new Set([...sourceFiles.map((path) => basename(path)), basename(import.meta.filename)]);
  expect(files.filter((name) => !known.has(basename(name)))).toEqual([]);
  const types = [...doc.matchAll(/`([A-Z]\w+)` (?:in |\()`([\w-]+\.ts)`/g)];
  expect(types.length).toBeGreaterThan(5);
  const broken = types.filter(
    ([, type = "", file = ""]) =>
      !sourceFiles.some(
        (path) =>
          basename(path) === file &&
          new RegExp(`^export (interface|type) ${type}\\b`, "m").test(readFileSync(path, "utf8")),
      ),
  );
  expect(broken.map(([text]) => text)).toEqual([]);
});
