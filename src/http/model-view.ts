/** Model cards as the API shows them. */

import { type ErrorCode, toScoringError } from "../errors.ts";
import type { ModelCard } from "../model/card.ts";
import type { Registry } from "../model/registry.ts";
import { type Caller, isGranted } from "../scoring/access/access.ts";
import type { ModelPlace } from "./api-deps.ts";

/** The card with its id; nothing in a card is secret. */
function viewModel(card: ModelCard): ModelCard & { readonly id: string } {
  return { id: `${card.name}@${card.version}`, ...card };
}

/** The place for new models, for those who may write there. */
export function showModelPlace(
  place: ModelPlace | null | undefined,
  { scopes, grants }: Caller,
): ModelPlace | undefined {
  if (place === null || place === undefined) return undefined;
  return scopes.includes("objects:write") && isGranted(grants, place.store, place.prefix) ? place : undefined;
}

/** All models of a registry. A stored model whose card cannot be read does not hide the others: it is listed beside them, with the reason. */
export async function viewModels(registry: Registry) {
  const models: ReturnType<typeof viewModel>[] = [];
  const unavailable: { readonly id: string; readonly code: ErrorCode; readonly detail: string }[] = [];
  await registry.refresh();
  const ids = registry.list();
  const cards = await Promise.allSettled(ids.map((id) => registry.card(id)));
  for (const [at, card] of cards.entries()) {
    if (card.status === "fulfilled") models.push(viewModel(card.value));
    else {
      const { code, detail } = toScoringError(card.reason);
      unavailable.push({ id: ids[at]!, code, detail });
    }
  }
  for (const { id, detail } of registry.leftOut()) unavailable.push({ id, code: "config_invalid", detail });
  return { models, unavailable };
}
