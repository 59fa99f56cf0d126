/** What a server says of its models. */

import type { ModelCard } from "../model/card.ts";

/** One model of the server. */
export type ModelView = ModelCard & { readonly id: string };

/** A folder of a store for models. */
export interface ModelPlace {
  readonly store: string;
  /** Empty, or with its trailing slash. */
  readonly prefix: string;
}

/** All models of the server. */
export interface ModelList {
  readonly models: readonly ModelView[];
  /** Models of a store whose card cannot be read: an error code, and a sentence. */
  readonly unavailable: readonly { readonly id: string; readonly code: string; readonly detail: string }[];
  /** Where a new model may be uploaded; absent where there is no such place, or this key may not write there. */
  readonly place?: ModelPlace;
}
