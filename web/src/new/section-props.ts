/** What every part of the form is given. */

import type { StoreView } from "../../../src/client/api.ts";
import type { ModelView } from "../../../src/client/model-list.ts";
import type { Issue } from "../../../src/errors.ts";
import type { Draft } from "./draft.ts";

/** What every part of the form is given. */
export interface SectionProps {
  readonly draft: Draft;
  readonly change: (part: Partial<Draft>) => void;
  readonly issues: readonly Issue[];
  readonly choices: { readonly stores: readonly StoreView[]; readonly models: readonly ModelView[] } | null;
}
