/** The routes of computing clients as typed functions. */

import type {
  Canary,
  CanaryAnswer,
  CanaryPass,
  ChunkSubmission,
  LeaseAnswer,
  SubmissionReceipt,
} from "../../scoring/client-compute/protocol.ts";
import type { Api } from "../api.ts";

/** The requests of a computing client to its server. Every function throws ScoringError as {@link Api} does. */
export interface ComputeApi {
  requestCanary(jobId: string, signal: AbortSignal): Promise<Canary>;
  answerCanary(jobId: string, answer: CanaryAnswer, signal: AbortSignal): Promise<CanaryPass>;
  lease(jobId: string, token: string, signal: AbortSignal): Promise<LeaseAnswer>;
  /** How long the lease runs from now on, ms. */
  renew(jobId: string, chunkId: string, nonce: string): Promise<number>;
  submit(jobId: string, chunkId: string, submission: ChunkSubmission): Promise<SubmissionReceipt>;
  release(jobId: string, chunkId: string, nonce: string): Promise<void>;
}

/** Reads one signed address. */
export type ReadAddress = (url: string) => Promise<{ readonly bytes: Uint8Array; readonly etag: string }>;

const job = (id: string): string => `/v1/jobs/${encodeURIComponent(id)}`;

/** The same over a client of the whole API. */
export function createComputeApi({ request }: Pick<Api, "request">): ComputeApi {
  async function ask<T>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    const headers = { "content-type": "application/json" };
    const response = await request(method, path, { body: JSON.stringify(body), headers, signal });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server's own schema, held by its tests
    return (await response.json()) as T;
  }
  return {
    requestCanary: (id, signal) => ask("POST", `${job(id)}/canary`, {}, signal),
    answerCanary: (id, answer, signal) => ask("PUT", `${job(id)}/canary`, answer, signal),
    lease: (id, token, signal) => ask("POST", `${job(id)}/leases`, { token }, signal),
    async renew(id, chunkId, nonce) {
      return (await ask<{ leaseMs: number }>("POST", `${job(id)}/chunks/${chunkId}/renew`, { nonce })).leaseMs;
    },
    submit: (id, chunkId, submission) => ask("PUT", `${job(id)}/chunks/${chunkId}`, submission),
    async release(id, chunkId, nonce) {
      const body = JSON.stringify({ nonce });
      await request("DELETE", `${job(id)}/chunks/${chunkId}`, {
        body,
        headers: { "content-type": "application/json" },
      });
    },
  };
}

/** Reads signed addresses with a client's own key or session. */
export function createAddressReader({ request }: Pick<Api, "request">): ReadAddress {
  return async (url) => {
    const response = await request("GET", url);
    const etag = (response.headers.get("etag") ?? "").replace(/^(W\/)?"|"$/g, "");
    return { bytes: new Uint8Array(await response.arrayBuffer()), etag };
  };
}
