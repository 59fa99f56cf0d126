/** The requests to a job's review, as typed functions. No DOM, no Node. */

import type { GivenAnswer, ReaderFace, ReviewPlan, ReviewView } from "../scoring/review/review-desk.ts";
import { readBody } from "./answer.ts";
import type { Api } from "./api.ts";

/** The faces in reading order, and the labels that they may get. */
export interface ReaderList {
  readonly labels: readonly string[];
  readonly faces: readonly ReaderFace[];
}

/** The review that is asked for: `size` or `halfWidth` (0…1), or neither for a half width of 0.05. */
export interface ReviewRequest {
  readonly size: number | null;
  readonly halfWidth: number | null;
  /** A `groupBy` name of the job. */
  readonly by: string | null;
  readonly seed?: number;
  /** Ids of API keys that may answer, besides the job's own. */
  readonly readers?: readonly string[];
  /** Only pictures that the run before of the schedule did not have. */
  readonly newOnly?: boolean;
  /** Only say what the review would be. */
  readonly dryRun: boolean;
}

/** The requests. `reader` tells readers apart who share one key; the key's id by default. */
export interface ReviewApi {
  draw(jobId: string, request: ReviewRequest): Promise<ReviewPlan>;
  read(jobId: string, signal?: AbortSignal): Promise<ReviewView>;
  remove(jobId: string): Promise<void>;
  /** All answers as they were given: `reviews.jsonl`. */
  readLines(jobId: string, signal?: AbortSignal): Promise<string>;
  listFaces(jobId: string, reader: string | null, signal?: AbortSignal): Promise<ReaderList>;
  readPicture(jobId: string, at: number, signal?: AbortSignal): Promise<Blob>;
  answer(jobId: string, reader: string | null, answers: readonly GivenAnswer[], signal?: AbortSignal): Promise<void>;
}

const reviews = (jobId: string): string => `/v1/jobs/${encodeURIComponent(jobId)}/reviews`;

/** The client of reviews over the client of the API. */
export function createReviewApi(api: Pick<Api, "request">): ReviewApi {
  const headers = { "content-type": "application/json" };

  async function ask<T>(path: string, signal?: AbortSignal): Promise<T> {
    const response = await api.request("GET", path, { headers: { accept: "application/json" }, signal });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server's own schema, held by its tests
    return (await readBody(() => response.json(), { signal })) as T;
  }

  return {
    async draw(jobId, request) {
      const response = await api.request("POST", reviews(jobId), { body: JSON.stringify(request), headers });
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
      return (await readBody(() => response.json(), {})) as ReviewPlan;
    },
    read: (jobId, signal) => ask(reviews(jobId), signal),
    async remove(jobId) {
      await api.request("DELETE", reviews(jobId));
    },
    async readLines(jobId, signal) {
      const response = await api.request("GET", `${reviews(jobId)}/lines`, { signal });
      return readBody(() => response.text(), { signal });
    },
    async listFaces(jobId, reader, signal) {
      const query = reader === null ? "" : `?reader=${encodeURIComponent(reader)}`;
      return ask<ReaderList>(`${reviews(jobId)}/faces${query}`, signal);
    },
    async readPicture(jobId, at, signal) {
      const response = await api.request("GET", `${reviews(jobId)}/pictures/${at}`, { signal });
      return readBody(() => response.blob(), { signal });
    },
    async answer(jobId, reader, answers, signal) {
      const body = JSON.stringify({ ...(reader === null ? {} : { reader }), answers });
      await api.request("POST", `${reviews(jobId)}/answers`, { body, headers, signal });
    },
  };
}
