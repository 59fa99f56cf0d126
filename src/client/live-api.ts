/** What a running job made last, over the HTTP API. */

import type { LatestRecords, PlacedLine } from "../scoring/requests/latest-records.ts";
import type { Api } from "./api.ts";

/** Records of a job that goes on, and their pictures. */
export interface LiveApi {
  readLatest(id: string, limit: number, signal?: AbortSignal): Promise<LatestRecords>;
  /** @param chunk the chunk that the record came with */
  readPicture(id: string, chunk: string, line: PlacedLine, signal?: AbortSignal): Promise<Blob>;
}

const job = (id: string): string => `/v1/jobs/${encodeURIComponent(id)}`;

/** Over a client of the API. */
export function createLiveApi(api: Pick<Api, "request">): LiveApi {
  return {
    async readLatest(id, limit, signal) {
      const response = await api.request("GET", `${job(id)}/latest?limit=${limit}`, { signal });
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server's own schema, held by its tests
      return (await response.json()) as LatestRecords;
    },
    async readPicture(id, chunk, { record, at, length }, signal) {
      const query = new URLSearchParams({ at: String(at), length: String(length), chunk });
      const response = await api.request("GET", `${job(id)}/images/${encodeURIComponent(record.id)}?${query}`, {
        signal,
      });
      return response.blob();
    },
  };
}
