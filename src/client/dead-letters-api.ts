/** The requests about dead letters, as typed functions. No DOM, no Node. */

import type { DeadLetterView } from "../scoring/job/dead-letter.ts";
import type { DeadLetterPage } from "../scoring/requests/dead-letters.ts";
import { readBody } from "./answer.ts";
import type { Api } from "./api.ts";

/** The requests. Every function throws ScoringError, like those of the API's client. */
export interface DeadLettersApi {
  /** Those of the key's jobs (with an admin key, of all), newest death first. */
  list(limit: number, signal?: AbortSignal): Promise<DeadLetterPage>;
  /** Puts the work of one on its way again. */
  send(id: string): Promise<DeadLetterView>;
}

/** The client of dead letters over the client of the API. */
export function createDeadLettersApi(api: Pick<Api, "request">): DeadLettersApi {
  return {
    async list(limit, signal) {
      const response = await api.request("GET", `/v1/dead-letters?limit=${limit}`, { signal });
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server's own schema, held by its tests
      return (await readBody(() => response.json(), { signal })) as DeadLetterPage;
    },
    async send(id) {
      const response = await api.request("POST", `/v1/dead-letters/${encodeURIComponent(id)}/send`);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
      return (await readBody(() => response.json(), {})) as DeadLetterView;
    },
  };
}
