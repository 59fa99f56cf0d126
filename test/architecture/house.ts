/** The tables of docs/architecture.md as data: which place may import which. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Source } from "./sources.ts";

/** One row: files and folders that may import themselves and what is named. */
export interface Place {
  readonly paths: readonly string[];
  readonly mayImport: readonly string[];
}

/** The rows of the table under a heading. @param base what its paths stand under */
export function readPlaces(heading: string, base = ""): readonly Place[] {
  const text = readFileSync(join(import.meta.dirname, "../../docs/architecture.md"), "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return rows.map((row) => {
    const cells = row.split("|").map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => `${base}${match[1]}`));
    return { paths: cells[1] ?? [], mayImport: cells.at(-2) ?? [] };
  });
}

const covers = (path: string, file: string): boolean => (path.endsWith("/") ? file.startsWith(path) : file === path);

/** The path of the places that a file stands under, the most exact one. */
function findPath(places: readonly Place[], file: string): string | null {
  const paths = places.flatMap((place) => place.paths).filter((path) => covers(path, file));
  return paths.toSorted((a, b) => b.length - a.length)[0] ?? null;
}

/**
 * `a.ts → b.ts` for every import that no row allows, and `a.ts: no row` for a file without one.
 * @param isOurs whether a target is for this table to judge
 */
export function listBroken(
  places: readonly Place[],
  sources: readonly Source[],
  isOurs: (target: string) => boolean,
): readonly string[] {
  return sources.flatMap((source) => {
    const own = findPath(places, source.path);
    const place = places.find(({ paths }) => own !== null && paths.includes(own));
    if (own === null || place === undefined) return [`${source.path}: no row`];
    return source.imports
      .filter((target) => isOurs(target) && !isAllowed(places, own, place, target))
      .map((target) => `${source.path} → ${target}`);
  });
}

/** A path names its whole row, a file that file alone, a folder above all rows whatever is in it. */
function isAllowed(places: readonly Place[], own: string, { mayImport }: Place, target: string): boolean {
  const path = findPath(places, target);
  if (path === own) return true;
  return mayImport.some((allowed) => {
    const isRow = places.some(({ paths }) => paths.includes(allowed));
    return isRow ? allowed === path : covers(allowed, target);
  });
}
