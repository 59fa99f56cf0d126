/** JSON that this program wrote itself, in rows and objects that nobody else may write. Everything else is parsed by a schema. */

/** The value, taken at its word. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names what it wrote
export function parseStored<T>(text: string): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return JSON.parse(text) as T;
}
