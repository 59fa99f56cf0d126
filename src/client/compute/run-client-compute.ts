/**
 * The loop of a computing client: canary, lease, score, submit, until the job no longer needs anybody. Several lanes run side
 * by side over one engine: while one lane's chunk is scored, the next lane's is leased and the last one's submitted.
 */

import { mayPass, ScoringError, toScoringError } from "../../errors.ts";
import type { ClientLease, LeaseAnswer } from "../../scoring/client-compute/protocol.ts";
import type { ScoreRecord } from "../../scoring/records/records.ts";
import { retryRequest, type RetryPorts } from "./retry-request.ts";
import type { ChunkScorer, ComputePorts } from "./ports.ts";

/** What a client did. */
export interface ComputeSummary {
  readonly chunks: number;
  readonly records: number;
}

/** A lease is renewed when a third of it has gone: one renewal may be lost. */
const RENEWALS_PER_LEASE = 3;

interface Crew {
  readonly scorer: ChunkScorer;
  readonly rung: number;
  /** Expires after a while. */
  token: string;
  /** Whether the token has opened a lease: then a refusal means that it expired. */
  proven: boolean;
}

/**
 * Works on a job until it has ended or `signal` fires; leased chunks then go back to the edge.
 * @throws ScoringError `client_rejected`, `forbidden`, `conflict` for a job of the edge, `engine_unavailable` when no engine is left
 */
export async function runClientCompute(
  ports: ComputePorts,
  jobId: string,
  options: { readonly signal: AbortSignal },
): Promise<ComputeSummary> {
  // One lane that cannot go on stops the others.
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const { api, tell } = ports;
  const pausing = (waitMs: number, error: ScoringError): void => tell({ kind: "waiting", waitMs, error });
  const patience: RetryPorts = { wait: ports.wait, signal, pausing };
  let crew: Promise<Crew> | null = null;
  let chunks = 0;
  let recordCount = 0;

  const ask = <T>(request: () => Promise<T>): Promise<T> => retryRequest(request, patience, mayPass);

  async function passCanary(scorer: ChunkScorer): Promise<string> {
    const canary = await ask(() => api.requestCanary(jobId, signal));
    const answered = await scorer.answerCanary(canary);
    const answer = { challenge: canary.challenge, backend: scorer.backend, ...answered };
    return (await ask(() => api.answerCanary(jobId, answer, signal))).token;
  }

  /** The best engine from `first` downwards that passes the canary, with as many lanes as it wants. */
  async function raise(first: number, last: ScoringError | null): Promise<Crew> {
    let failure = last;
    for (let rung = first; rung < ports.rungs.length; rung++) {
      const { backend } = ports.rungs[rung]!;
      let scorer: ChunkScorer | null = null;
      try {
        scorer = await ask(() => ports.rungs[rung]!.open());
        const token = await passCanary(scorer);
        tell({ kind: "engine", backend, detail: scorer.detail });
        staff(scorer.lanes);
        return { scorer, rung, token, proven: false };
      } catch (thrown) {
        await scorer?.close();
        const error = toScoringError(thrown);
        // Another engine may exist, or compute the right thing.
        if (error.code !== "engine_unavailable" && error.code !== "client_rejected") throw thrown;
        tell({ kind: "left", backend, error });
        failure = new ScoringError("engine_unavailable", `${backend}: ${error.detail}`);
      }
    }
    throw failure ?? new ScoringError("engine_unavailable", "there is no engine to try");
  }

  /** Leaves an engine whose device is lost; lanes that notice later find the next engine already open. */
  async function replace(lost: Crew, error: ScoringError): Promise<void> {
    const current = await crew;
    if (current !== lost) return;
    tell({ kind: "left", backend: lost.scorer.backend, error });
    const closed = lost.scorer.close();
    crew = closed.then(() => raise(lost.rung + 1, error));
    await crew;
  }

  async function scoreOnLadder(lease: ClientLease): Promise<{ records: readonly ScoreRecord[]; by: ChunkScorer }> {
    for (;;) {
      const hands = await (crew ??= raise(0, null));
      try {
        return { records: await hands.scorer.score(lease), by: hands.scorer };
      } catch (thrown) {
        const error = toScoringError(thrown);
        if (error.code !== "engine_unavailable") throw error;
        await replace(hands, error);
      }
    }
  }

  async function work(lease: ClientLease): Promise<void> {
    const { chunkId, nonce } = lease;
    tell({ kind: "leased", chunkId, nonce, inputs: lease.items.length });
    const scored = new AbortController();
    const renewing = renew(lease, AbortSignal.any([signal, scored.signal]));
    try {
      const { records, by } = await scoreOnLadder(lease);
      await ask(() => api.submit(jobId, chunkId, { nonce, backend: by.backend, records }));
      chunks += 1;
      recordCount += records.length;
      tell({ kind: "submitted", chunkId, records: records.length });
    } catch (thrown) {
      const error = toScoringError(thrown);
      // Best effort: a lease that is not given back expires.
      await api.release(jobId, chunkId, nonce).catch(() => undefined);
      tell({ kind: "released", chunkId, error });
      // An expired lease or address is no reason to stop: the edge has the chunk.
      const isOver = error.code === "conflict" || error.code === "forbidden";
      if (!isOver && error.disposition !== "transient") throw thrown;
    } finally {
      scored.abort();
      await renewing;
    }
  }

  async function renew(lease: ClientLease, until: AbortSignal): Promise<void> {
    let { leaseMs } = lease;
    for (;;) {
      await ports.wait(leaseMs / RENEWALS_PER_LEASE, until);
      if (until.aborted) return;
      try {
        leaseMs = await api.renew(jobId, lease.chunkId, lease.nonce);
      } catch (error) {
        if (!mayPass(toScoringError(error))) return;
      }
    }
  }

  async function askForLease(hands: Crew): Promise<LeaseAnswer> {
    const askNow = () => ask(() => api.lease(jobId, hands.token, signal));
    try {
      const answer = await askNow();
      hands.proven = true;
      return answer;
    } catch (thrown) {
      if (!hands.proven || toScoringError(thrown).code !== "forbidden") throw thrown;
      hands.proven = false;
      hands.token = await passCanary(hands.scorer);
      return askNow();
    }
  }

  async function runLane(): Promise<void> {
    while (!signal.aborted) {
      const hands = await (crew ??= raise(0, null));
      const answer = await askForLease(hands);
      if (answer.kind === "ended") return;
      if (answer.kind === "lease") {
        await work(answer);
        continue;
      }
      const waitMs = answer.retryAfterSeconds * 1000;
      tell({ kind: "waiting", waitMs, error: null });
      await ports.wait(waitMs, signal);
    }
  }

  const lanes: Promise<unknown>[] = [];
  function staff(count: number): void {
    while (lanes.length < count) {
      const lane = runLane().catch((error: unknown) => {
        if (options.signal.aborted || stop.signal.aborted) return null;
        stop.abort();
        return error;
      });
      lanes.push(lane);
    }
  }

  // The first lane looks for an engine, which says how many more there are.
  staff(1);
  let failure: unknown = null;
  for (let at = 0; at < lanes.length; at++) failure ??= (await lanes[at]) ?? null;
  // oxlint-disable-next-line typescript/no-unnecessary-condition -- lanes set it while they ran
  await (crew as Promise<Crew> | null)?.then(({ scorer }) => scorer.close()).catch(() => undefined);
  // oxlint-disable-next-line typescript/only-throw-error -- what a lane threw
  if (failure !== null) throw failure;
  return { chunks, records: recordCount };
}
