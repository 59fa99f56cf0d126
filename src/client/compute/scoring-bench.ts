/** What one thread or web worker of a computing client does: it answers canaries and scores leases, one at a time. */

import { type ErrorCode, ScoringError, toScoringError } from "../../errors.ts";
import type { ModelCard } from "../../model/card.ts";
import type { Canary, ClientLease, ClientTask } from "../../scoring/clients/protocol.ts";
import type { Scorer } from "../../scoring/work.ts";
import type { ReadAddress } from "./compute-api.ts";
import type { ChunkScorer } from "./ports.ts";
import { prefetchLease, scoreCanary, scoreLease } from "./score-lease.ts";

/** One piece of work; a plain value, since it crosses threads. */
export type BenchWork =
  | { readonly kind: "canary"; readonly canary: Canary }
  | { readonly kind: "lease"; readonly lease: ClientLease };

/** What came of it; an error as plain values, since a class does not survive the way. */
export type BenchReply =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly detail: string };

/** The ports of a bench. */
export interface BenchPorts {
  /** The scorer of a task, on the server's weights (see {@link requireServerModel}). Called for each piece of work. */
  readonly openScorer: (task: ClientTask) => Promise<Scorer>;
  readonly read: ReadAddress;
}

/** A bench. It may be given the next piece of work at once: its inputs are read while the one before is scored. */
export function createBench({ openScorer, read }: BenchPorts): (work: BenchWork) => Promise<BenchReply> {
  let turn: Promise<unknown> = Promise.resolve();

  /** Engines are not safe for overlapping calls. */
  function takeTurn<T>(body: () => Promise<T>): Promise<T> {
    const mine = turn.then(body);
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function answer(work: BenchWork): Promise<unknown> {
    if (work.kind === "canary") {
      const { canary } = work;
      return takeTurn(async () => scoreCanary(canary, await openScorer(canary.task)));
    }
    const { lease } = work;
    const ahead = prefetchLease(lease, read);
    return takeTurn(async () => scoreLease(lease, await openScorer(lease.task), ahead));
  }

  return async (work) => {
    try {
      return { kind: "done", value: await answer(work) };
    } catch (thrown) {
      const { code, detail } = toScoringError(thrown);
      return { kind: "failed", code, detail };
    }
  };
}

/** One or several benches as the loop knows them. @param send to a bench that is free, or will be soonest */
export function createBenchScorer(
  about: Pick<ChunkScorer, "backend" | "detail" | "lanes" | "close">,
  send: (work: BenchWork) => Promise<BenchReply>,
): ChunkScorer {
  const ask = async (work: BenchWork): Promise<unknown> => {
    const reply = await send(work);
    if (reply.kind === "failed") throw new ScoringError(reply.code, reply.detail);
    return reply.value;
  };
  return {
    ...about,
    // oxlint-disable typescript/no-unsafe-type-assertion -- the bench is this program's own
    answerCanary: (canary) => ask({ kind: "canary", canary }) as ReturnType<ChunkScorer["answerCanary"]>,
    score: (lease) => ask({ kind: "lease", lease }) as ReturnType<ChunkScorer["score"]>,
    // oxlint-enable typescript/no-unsafe-type-assertion
  };
}

/** @throws ScoringError `model_hash_mismatch` if the server scores with other weights under this name */
export function requireServerModel({ model, modelSha256 }: ClientTask, { sha256 }: Pick<ModelCard, "sha256">): void {
  if (sha256 === modelSha256) return;
  throw new ScoringError("model_hash_mismatch", `${model}: the server has other weights under this name`);
}
