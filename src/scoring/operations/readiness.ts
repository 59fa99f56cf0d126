/** Whether this deployment could run a job now: each part is probed once, in bounded time, and the answer is kept for a while. */

import { toScoringError, type ErrorCode } from "../../errors.ts";
import type { Clock } from "../job/messages.ts";
import { type QueueDepth, type QueueView, viewQueue } from "./queue-depth.ts";

/** One part that a job needs. `probe` resolves if it answers. */
export interface ReadinessCheck {
  /** Such as `store:faces`; shown to anybody, so never an address or a credential. */
  readonly name: string;
  readonly probe: () => Promise<unknown>;
}

/** What a check found. `code` says why a part is not ready; the error's text stays in the log. */
export type CheckResult =
  | { readonly name: string; readonly ready: true }
  | { readonly name: string; readonly ready: false; readonly code: ErrorCode | "timeout" };

/** The results of probing all parts. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly CheckResult[];
  /** What waits in the queue; `null` if it does not say. */
  readonly queue: QueueView | null;
  /** Where jobs and keys are kept; `null`: anywhere, or on a machine of one's own. */
  readonly jurisdiction: string | null;
}

/** What probing needs. */
export interface ReadinessDeps {
  readonly checks: readonly ReadinessCheck[];
  /** Asks the queue how much waits in it; that it answers is the check `queue`. */
  readonly readQueue: () => Promise<QueueDepth | null>;
  readonly jurisdiction: string | null;
  readonly clock: Clock;
  readonly sleep: (delayMs: number) => Promise<void>;
  /** An answer is reused for this long. */
  readonly maxAgeMs: number;
  /** A part that is silent for this long is not ready. */
  readonly timeoutMs: number;
  /** Called with each part that is not ready. */
  readonly failed?: (name: string, error: unknown) => void;
}

/**
 * Probes all parts, at most once per `maxAgeMs` however often it is called. The value is kept, not its promise: on Workers
 * a promise belongs to the request that made it.
 */
export function createReadiness(deps: ReadinessDeps): () => Promise<Readiness> {
  let last: { readonly value: Readiness; readonly atMs: number } | null = null;
  let busyUntilMs = 0;

  async function check({ name, probe }: ReadinessCheck): Promise<CheckResult> {
    const answer = probe().then(
      () => ({ name, ready: true }) as const,
      (error: unknown) => {
        deps.failed?.(name, error);
        return { name, ready: false, code: toScoringError(error).code } as const;
      },
    );
    const silence = deps.sleep(deps.timeoutMs).then(() => ({ name, ready: false, code: "timeout" }) as const);
    return Promise.race([answer, silence]);
  }

  return async () => {
    const nowMs = deps.clock();
    if (last !== null && (nowMs - last.atMs < deps.maxAgeMs || nowMs < busyUntilMs)) return last.value;
    busyUntilMs = nowMs + deps.timeoutMs;
    let depth: QueueDepth | null = null;
    const askQueue = async (): Promise<void> => {
      depth = await deps.readQueue();
    };
    const checks = await Promise.all([...deps.checks, { name: "queue", probe: askQueue }].map(check));
    const queue = depth === null ? null : viewQueue(depth, deps.clock());
    const value = { ready: checks.every(({ ready }) => ready), checks, queue, jurisdiction: deps.jurisdiction };
    last = { value, atMs: deps.clock() };
    busyUntilMs = 0;
    return value;
  };
}
