/** The project's TypeScript files with what they import. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

const root = join(import.meta.dirname, "../..");

/** One file. */
export interface Source {
  readonly path: string;
  readonly text: string;
  /** Comments blanked, line numbers kept. */
  readonly code: string;
  /** Project-relative targets of relative imports, types included. */
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

/** Every TypeScript file under a folder of the project. */
export function readSources(folder: string): Source[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes("node_modules") && !path.includes("/assembly/"))
    .map((path) => parseSource(path, readFileSync(join(root, path), "utf8")));
}

/** A file by its text. */
export function parseSource(path: string, text: string): Source {
  const code = text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|\s)\/\/.*$/gm, "$1");
  const specifiers = [...code.matchAll(/(?:from\s+|import\s*\(?\s*)"([^"]+)"/g)].map((match) => match[1] ?? "");
  const local = specifiers.filter((specifier) => specifier.startsWith("."));
  return {
    path,
    text,
    code,
    imports: local.map((specifier) => normalize(join(dirname(path), specifier))),
    packages: specifiers.filter((specifier) => !specifier.startsWith(".")),
  };
}

/** The first circle of imports, from a file back to itself; `null` if there is none. */
export function findCircle(sources: readonly Source[]): readonly string[] | null {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const trail: string[] = [];

  function visit(path: string): readonly string[] | null {
    const from = trail.indexOf(path);
    if (from >= 0) return [...trail.slice(from), path];
    if (done.has(path)) return null;
    trail.push(path);
    for (const target of byPath.get(path)?.imports ?? []) {
      const circle = visit(target);
      if (circle !== null) return circle;
    }
    trail.pop();
    done.add(path);
    return null;
  }

  for (const { path } of sources) {
    const circle = visit(path);
    if (circle !== null) return circle;
  }
  return null;
}
