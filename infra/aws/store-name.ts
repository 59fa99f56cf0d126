/** The name of a store, as STORES and the Worker's secrets write it. */

/**
 * Checks a store's name as the Worker does.
 * @throws Error when it would be refused
 */
export function parseStoreName(name: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) throw new Error("store: a-z, 0-9 and -");
  return name;
}

/** What the names of the store's two secrets begin with. */
export function nameVariable(store: string): string {
  return `STORE_${store.toUpperCase().replaceAll("-", "_")}`;
}
