/** Where the reader is: `#/jobs/<id>?label=Happy`. Everything that a link should carry stands in the address. */

import { useSyncExternalStore } from "react";
import { parseRoute, type Route } from "./address.ts";

function subscribe(changed: () => void): () => void {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

/** The route of the address bar, again at each change. */
export function useRoute(): Route {
  return parseRoute(useSyncExternalStore(subscribe, () => window.location.hash));
}

/** Changes one value of the query, without a new step in the browser's history. */
export function setQuery(name: string, value: string | null): void {
  setQueryValues(name, value === null || value === "" ? [] : [value]);
}

/** The same for a name that may occur several times. */
export function setQueryValues(name: string, values: readonly string[]): void {
  const { path, query } = parseRoute(window.location.hash);
  query.delete(name);
  for (const value of values) query.append(name, value);
  const text = query.toString();
  const hash = `#/${path.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
  window.history.replaceState(null, "", hash);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}
