import type { MessagePort } from "node:worker_threads";
import { ScoringError, type ErrorCode } from "../../src/errors.ts";
import type { JobCoordinator } from "../../src/scoring/coordinator-port.ts";
import type { FormatRequest } from "../../src/scoring/finalize-pieces.ts";
import type { FormattedPiece } from "../../src/scoring/merge-piece.ts";
import type { EtagMemory } from "../../src/storage/file-content.ts";

/**
 * What the threads of a local job ask of its main thread, where the coordinator's rows are. Arguments and results are plain
 * values, so a call is one message each way.
 */
export interface JobDesk extends JobCoordinator, EtagMemory {
  /** Has the pool read and format a chunk. */
  formatChunk(request: FormatRequest): Promise<FormattedPiece>;
}

interface Call {
  readonly id: number;
  readonly method: keyof JobDesk;
  readonly args: readonly unknown[];
}

type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly code: ErrorCode; readonly detail: string } };

/** Answers calls that arrive on `port`, until it is closed. */
export function serveDesk(port: MessagePort, desk: JobDesk): void {
  port.on("message", ({ id, method, args }: Call) => {
    const call = desk[method] as (...values: readonly unknown[]) => Promise<unknown>;
    call(...args).then(
      (value) => port.postMessage({ id, value } satisfies Reply),
      (error: unknown) => {
        const known = error instanceof ScoringError;
        const code = known ? error.code : "internal";
        port.postMessage({ id, error: { code, detail: known ? error.detail : String(error) } } satisfies Reply);
      },
    );
  });
}

/** A desk whose every method is answered at the other end of `port`. */
export function connectDesk(port: MessagePort): JobDesk {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  port.on("message", (reply: Reply) => {
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("error" in reply) call?.reject(new ScoringError(reply.error.code, reply.error.detail));
    else call?.resolve(reply.value);
  });
  const call = (method: keyof JobDesk, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      port.postMessage({ id: lastId, method, args } satisfies Call);
    });
  return new Proxy({} as JobDesk, {
    get: (_, method: string) =>
      method === "then" ? undefined : (...args: readonly unknown[]) => call(method as keyof JobDesk, args),
  });
}
