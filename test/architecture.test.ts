import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listBroken, readPlaces } from "./architecture/house.ts";
import { findCircle, parseSource, readSources, type Source } from "./architecture/sources.ts";
import { findBritish, readComments } from "./architecture/spelling.ts";

/** The tables of docs/architecture.md, and its grep rules, as tests. */

const sources = readSources("src");
/** What stands on it. */
const edges = ["web", "cli", "scripts"].flatMap(readSources);
/** Another package, with its own way to run; what it exports is explained all the same. */
const programs = readSources("infra");
const inFolder = (source: Source, folder: string) => source.path.startsWith(`src/${folder}/`);

/** `path:line` of each match in code. */
function findInCode(pattern: RegExp, files: readonly Source[]): string[] {
  return files.flatMap((source) =>
    source.code
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${source.path}:${index + 1} ${line.trim()}`] : [])),
  );
}

describe("direction", () => {
  const all = [...sources, ...edges, ...readSources("bench")].filter(({ path }) => !path.endsWith(".d.ts"));
  const places = readPlaces("The house");
  const rooms = readPlaces("The rooms of `src/scoring`", "src/scoring/");
  const known = new Set(all.map(({ path }) => path));

  it("no place imports what its row of the house does not name", () => {
    expect(listBroken(places, all, (target) => known.has(target) || target.startsWith("test/"))).toEqual([]);
  });

  it("no room of scoring imports what its row does not name", () => {
    const ground = rooms[0]?.paths ?? [];
    const open = rooms.map(({ paths, mayImport }) => ({ paths, mayImport: [...ground, ...mayImport] }));
    const scoring = all.filter(({ path }) => path.startsWith("src/scoring/"));
    expect(listBroken(open, scoring, (target) => target.startsWith("src/scoring/"))).toEqual([]);
  });

  it("every room names rooms above it only, and all that are named exist", () => {
    const above: string[] = [];
    for (const { paths, mayImport } of rooms) {
      for (const path of mayImport) expect(above.some((known) => path.startsWith(known))).toBe(true);
      above.push(...paths);
    }
    const named = [...places, ...rooms].flatMap(({ paths, mayImport }) => [...paths, ...mayImport]);
    const missing = named.filter(
      (path) => !path.startsWith("test/") && !all.some((file) => file.path.startsWith(path)),
    );
    expect(missing).toEqual([]);
  });

  it("no file is imported by what it imports, types included", () => {
    expect(findCircle([...sources, ...edges])).toBeNull();
  });

  it("a planted circle and a planted import are seen", () => {
    const planted = [
      parseSource("src/scoring/records/a.ts", 'import type { B } from "./b.ts";'),
      parseSource("src/scoring/records/b.ts", 'import { c } from "../job/c.ts";'),
      parseSource("src/scoring/job/c.ts", 'import { a } from "../records/a.ts";'),
    ];
    const [a, b, c] = planted.map(({ path }) => path);
    expect(findCircle(planted)).toEqual([a, b, c, a]);
    expect(listBroken(rooms, planted, () => true)).toEqual([`${b} → ${c}`]);
  });

  it("only the edges know the Workers runtime", () => {
    const broken = sources
      .filter((source) => source.packages.some((name) => name.startsWith("cloudflare:")))
      .map((source) => source.path)
      .filter((path) => !/^src\/(jobs\/|worker\.ts|workers-types\.d\.ts)/.test(path));
    expect(broken).toEqual([]);
  });

  it("the core is free of Node", () => {
    const core = sources.filter((source) => /^src\/(model|scoring|http|jobs|client)\//.test(source.path));
    const broken = core
      .filter((source) => source.packages.some((name) => name.startsWith("node:")))
      .map((source) => source.path);
    expect(broken).toEqual([]);
  });
});

describe("grep rules", () => {
  const core = sources.filter((source) => /^src\/(model|image|storage|scoring)\//.test(source.path));

  it("console only in the logger", () => {
    expect(
      findInCode(
        /\bconsole\./,
        sources.filter((source) => source.path !== "src/log.ts"),
      ),
    ).toEqual([]);
  });

  it("no clock or randomness in the core", () => {
    expect(findInCode(/\bDate\.now\(|\bnew Date\(\)|Math\.random\(|performance\.now\(|randomUUID\(/, core)).toEqual([]);
  });

  it("no `as any`, no silenced type errors", () => {
    expect(findInCode(/\bas any\b|: any\b|<any>/, [...sources, ...edges])).toEqual([]);
    const silenced = [...sources, ...edges]
      .filter((source) => /@ts-(ignore|nocheck)/.test(source.text))
      .map((source) => source.path);
    expect(silenced).toEqual([]);
  });

  it("no module-level mutable state outside backends", () => {
    const files = sources.filter((source) => !inFolder(source, "backends"));
    expect(findInCode(/^(export )?let\b|^(export )?var\b/, files)).toEqual([]);
  });

  it("status codes only in http", () => {
    const files = sources.filter((source) => !inFolder(source, "http"));
    expect(findInCode(/\bstatus:\s*[1-5]\d\d\b|new Response\([^)]*status/, files)).toEqual([]);
  });

  it("file names are kebab-case nouns; no catch-all names", () => {
    const broken = sources
      .map((source) => source.path)
      .filter(
        (path) =>
          !/^src\/([a-z0-9-]+\/)*[a-z0-9-]+(\.d)?\.tsx?$/.test(path) ||
          /\/(utils?|helpers?|manager|common)\b/.test(path),
      );
    expect(broken).toEqual([]);
  });

  it("no file over 300 lines", () => {
    const long = [...sources, ...edges, ...programs]
      .filter((source) => source.text.split("\n").length > 301)
      .map((source) => source.path);
    expect(long).toEqual([]);
  });
});

describe("docblocks", () => {
  it("stand before every exported symbol", () => {
    const bare = [...sources, ...edges, ...programs].flatMap((source) => {
      if (source.path.endsWith(".d.ts")) return [];
      const lines = source.text.split("\n");
      return lines.flatMap((line, index) => {
        const name =
          /^export (?:default )?(?:abstract )?(?:async )?(?:function\*?|const|class|interface|type) (\w+)/.exec(line);
        if (!name) return [];
        const before = lines[index - 1]?.trim() ?? "";
        // Overloads and a type derived from the documented constant above it share that docblock.
        const derived = new RegExp(
          `^export type ${name[1]} = \\(?typeof|^export type ${name[1]} = (keyof typeof|z\\.)`,
        ).test(line);
        return before.endsWith("*/") || derived ? [] : [`${source.path}:${index + 1} ${name[1]}`];
      });
    });
    expect(bare).toEqual([]);
  });
});

const isLong = (line: string) => line.length > 120 && !line.trimStart().startsWith("|");
const stripCode = (text: string) => text.replaceAll(/^\s*```[\s\S]*?^\s*```/gm, "");

/** Markdown that people write; what a tool writes about exported types lies in docs/api/. */
function listDocuments(): readonly string[] {
  const root = join(import.meta.dirname, "..");
  const paths = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" }).trim().split("\n");
  return paths.map((path) => join(root, path)).filter((path) => existsSync(path) && !path.includes("/docs/api/"));
}

describe("documents", () => {
  it("have lines of at most 120 columns outside of tables and code", () => {
    const long = listDocuments().flatMap((path) =>
      stripCode(readFileSync(path, "utf8"))
        .split("\n")
        .filter(isLong)
        .map((line) => `${path}: ${line.slice(0, 60)}`),
    );
    expect(long).toEqual([]);
    expect(["x".repeat(121), `| ${"x".repeat(121)} |`].map(isLong)).toEqual([true, false]);
  });
});

describe("spelling", () => {
  it("is American in comments", () => {
    const tests = ["test", "bench"].flatMap(readSources);
    const files = [...sources, ...edges, ...programs, ...tests];
    expect(files.flatMap(({ path, text }) => findBritish(path, readComments(text)))).toEqual([]);
  });

  it("is American in documents", () => {
    const documents = listDocuments();
    expect(documents.length).toBeGreaterThan(15);
    expect(documents.flatMap((path) => findBritish(path, readFileSync(path, "utf8")))).toEqual([]);
  });

  it("a planted word is seen, and neither code nor data are", () => {
    // In pieces, so that they are no comments here.
    const planted = [
      "/",
      "** The colour of its centre. *",
      '/ f();\nconst status = "cancelled"; /',
      "/ finalising",
    ].join("");
    const found = ["a.ts:1: colour", "a.ts:1: centre", "a.ts:2: finalising"];
    expect(findBritish("a.ts", readComments(planted))).toEqual(found);
    expect(findBritish("a.md", "a `cancelled` job, grey-48x48.png, otherwise a surprise")).toEqual([]);
  });
});
