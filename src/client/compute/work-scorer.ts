/** Runners (work-runner.ts) in other threads, as the loop sees them. Imports nothing that scores. */

import { type ErrorCode, ScoringError } from "../../errors.ts";
import type { Canary, ClientLease } from "../../scoring/client-compute/protocol.ts";
import type { ChunkScorer } from "./ports.ts";

/** One piece of work; a plain value, since it crosses threads. */
export type ScoringWork =
  | { readonly kind: "canary"; readonly canary: Canary }
  | { readonly kind: "lease"; readonly lease: ClientLease };

/** The result of a piece of work; an error as plain values, since a class does not survive the transfer. */
export type WorkReply =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly detail: string };

/** One or more runners as one scorer for the loop. @param send gives work to a runner that is free, or will be free first */
export function createWorkScorer(
  about: Pick<ChunkScorer, "backend" | "detail" | "lanes" | "close">,
  send: (work: ScoringWork) => Promise<WorkReply>,
): ChunkScorer {
  const ask = async (work: ScoringWork): Promise<unknown> => {
    const reply = await send(work);
    if (reply.kind === "failed") throw new ScoringError(reply.code, reply.detail);
    return reply.value;
  };
  return {
    ...about,
    // oxlint-disable typescript/no-unsafe-type-assertion -- the runner is this program's own
    answerCanary: (canary) => ask({ kind: "canary", canary }) as ReturnType<ChunkScorer["answerCanary"]>,
    score: (lease) => ask({ kind: "lease", lease }) as ReturnType<ChunkScorer["score"]>,
    // oxlint-enable typescript/no-unsafe-type-assertion
  };
}
