/** A model card as the API shows it. */

import type { ModelCard } from "../model/card.ts";

/** The card with its id; nothing in a card is secret. */
export function viewModel(card: ModelCard): ModelCard & { readonly id: string } {
  return { id: `${card.name}@${card.version}`, ...card };
}
