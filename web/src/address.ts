/** What an address of the console says. */

/** A place in the console. */
export interface Route {
  /** Without slashes at its ends: `["jobs", id]`. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** Reads `#/a/b?c=d`. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  const parts = path.split("/").filter((part) => part !== "");
  return { path: parts.map(decodePart), query: new URLSearchParams(query) };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Tabs of an ended job; the first is there without a name in the address. */
export const TABS = ["overview", "pictures", "review", "compare", "files"] as const;

/** The name of a tab. */
export type TabName = (typeof TABS)[number];

/** The tab of a job's address, by its query. */
export function readTab(query: URLSearchParams): TabName {
  return TABS.find((name) => name === query.get("tab")) ?? TABS[0];
}
