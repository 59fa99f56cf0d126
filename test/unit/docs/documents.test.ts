import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";

/** What the documents point to is there: files, headings, npm scripts, commands of `countenance`. */

const root = join(import.meta.dirname, "../../..");
const documents = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" }).trim().split("\n");
const readDocument = (path: string) => readFileSync(join(root, path), "utf8");
/** What was true of a release stays in the changelog. */
const current = documents.filter((path) => path !== "CHANGELOG.md");

/** Anchors as GitHub makes them of headings. */
function listAnchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function listScripts(path: string): string[] {
  const shape = z.looseObject({ scripts: z.record(z.string(), z.string()) });
  return Object.keys(shape.parse(JSON.parse(readDocument(path))).scripts);
}

it("there are documents", () => {
  expect(current.length).toBeGreaterThan(10);
  expect(current).toContain("infra/README.md");
});

describe.each(documents)("%s", (path) => {
  const text = readDocument(path);

  it("links to files and headings that exist", () => {
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^[a-z]+:/.test(target));
    const broken = targets.filter((target) => {
      const [file = "", anchor] = target.split("#");
      const linked = file === "" ? path : join(dirname(path), file);
      if (!existsSync(join(root, linked))) return true;
      return anchor !== undefined && !listAnchors(readDocument(linked)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

it("comments point to documents that exist, and to their headings", () => {
  const sources = execFileSync("git", ["ls-files", "src", "cli", "scripts", "web", "bench", "test", "training"], {
    cwd: root,
    encoding: "utf8",
  });
  const files = sources.split("\n").filter((path) => /\.(ts|tsx|py|cpp|hpp)$/.test(path));
  const named = files.flatMap((path) =>
    [...readDocument(path).matchAll(/\b(docs\/[\w-]+\.md)(?:, ["«]([^"»\n]+)["»])?/g)].map(([, file = "", heading]) => {
      return { path, file, heading };
    }),
  );
  expect(named.length).toBeGreaterThan(20);
  const broken = named.filter(({ file, heading }) => {
    if (!existsSync(join(root, file))) return true;
    return heading !== undefined && !readDocument(file).includes(`# ${heading}\n`);
  });
  expect(broken).toEqual([]);
});

describe("commands", () => {
  const text = current.map(readDocument).join("\n");

  it("of npm are scripts", () => {
    const named = text.split("\n").flatMap((line) => {
      // `npm --prefix infra run …` or `cd bench && npm ci && npm run …`; else the root's.
      const folder = /(?:npm --prefix |\bcd )(\w+)/.exec(line)?.[1] ?? ".";
      const scripts = line.matchAll(/\bnpm (?:--prefix \w+ )?run (?:-s |--silent )?([a-z][\w:-]*)/g);
      return [...scripts].map(([, script = ""]) => ({ folder, script }));
    });
    expect(named.length).toBeGreaterThan(10);
    const isKnown = ({ folder, script }: (typeof named)[number]) =>
      listScripts(join(folder, "package.json")).includes(script);
    expect(named.filter((one) => !isKnown(one))).toEqual([]);
  });

  it("of countenance are known to it", () => {
    const help = execFileSync(process.execPath, [join(root, "cli/countenance.ts"), "--help"], {
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    });
    const known = [...help.slice(help.indexOf("COMMANDS")).matchAll(/^\s+([a-z][a-z-]*)\s{2,}/gm)].map(
      ([, name = ""]) => name,
    );
    expect(known).toEqual(expect.arrayContaining(["score", "submit", "watch", "key"]));
    const named = [...text.matchAll(/(?:countenance -- |`countenance )([a-z][a-z-]*)/g)].map(([, name = ""]) => name);
    expect(named.length).toBeGreaterThan(15);
    expect([...new Set(named)].filter((name) => !known.includes(name))).toEqual([]);
  });
});
