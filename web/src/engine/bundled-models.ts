/** Which models come with the console. */

const CARDS = import.meta.glob("../../../models/*/card.json");

/** Whether this page has a model's weights. @param id `name@version` */
export function isBundled(id: string): boolean {
  return Object.keys(CARDS).some((path) => path.endsWith(`/${id}/card.json`));
}
