/** The work of one thread or web worker of a computing client: answering canaries and scoring leases, one at a time. */

import { ScoringError, toScoringError } from "../../errors.ts";
import type { ModelCard } from "../../model/card.ts";
import type { ClientLease, ClientTask } from "../../scoring/client-compute/protocol.ts";
import type { Scorer } from "../../scoring/chunk/scorer.ts";
import type { ScoringWork, WorkReply } from "./work-scorer.ts";
import type { ReadAddress } from "./compute-api.ts";
import { prefetchLease, scoreCanary, scoreLease } from "./score-lease.ts";

/** The ports of a runner. */
export interface WorkRunnerPorts {
  /** The scorer of a task, on the server's weights (see {@link requireServerModel}). Called for each piece of work. */
  readonly openScorer: (task: ClientTask) => Promise<Scorer>;
  readonly read: ReadAddress;
  /** Reads a lease's addresses in another way than through the server; absent: `read` does. */
  readonly readLease?: (lease: ClientLease) => ReadAddress;
}

/** A runner of work. It may be given the next piece of work at once: the inputs are read while the previous piece is scored. */
export function createWorkRunner({
  openScorer,
  read,
  readLease,
}: WorkRunnerPorts): (work: ScoringWork) => Promise<WorkReply> {
  let turn: Promise<unknown> = Promise.resolve();

  /** Engines are not safe for overlapping calls. */
  function takeTurn<T>(body: () => Promise<T>): Promise<T> {
    const mine = turn.then(body);
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function answer(work: ScoringWork): Promise<unknown> {
    if (work.kind === "canary") {
      const { canary } = work;
      return takeTurn(async () => scoreCanary(canary, await openScorer(canary.task)));
    }
    const { lease } = work;
    const ahead = prefetchLease(lease, readLease?.(lease) ?? read);
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

/** @throws ScoringError `model_hash_mismatch` if the server scores with other weights under this name */
export function requireServerModel({ model, modelSha256 }: ClientTask, { sha256 }: Pick<ModelCard, "sha256">): void {
  if (sha256 === modelSha256) return;
  throw new ScoringError("model_hash_mismatch", `${model}: the server has other weights under this name`);
}
