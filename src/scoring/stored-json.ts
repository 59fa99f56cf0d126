/** JSON that this program wrote itself, in rows and objects that nobody else may write. Everything else is parsed by a schema. */

// oxlint-disable typescript/no-unnecessary-type-parameters, typescript/no-unsafe-type-assertion -- the caller names what it wrote

/** The value, taken at its word. */
export function parseStored<T>(text: string): T {
  return JSON.parse(text) as T;
}
