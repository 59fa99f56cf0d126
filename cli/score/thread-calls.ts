import type { MessagePort } from "node:worker_threads";
import { ScoringError, type ErrorCode } from "../../src/errors.ts";
import type { JobCoordinator } from "../../src/scoring/job/coordinator-port.ts";
import type { FormatRequest } from "../../src/scoring/finalize/finalize-pieces.ts";
import type { FormattedPiece } from "../../src/scoring/finalize/merge-piece.ts";
import type { EtagMemory } from "../../src/storage/filesystem/file-content.ts";

/**
 * What the threads of a local job ask of its main thread, where the coordinator's rows are. Arguments and results are plain
 * values, so a call is one message each way.
 */
export interface JobDesk extends JobCoordinator, EtagMemory {
  /** Has the pool read and format a chunk. */
  formatChunk(request: FormatRequest): Promise<FormattedPiece>;
  /** Told now and then while a chunk is scored: how many of its pictures are done. */
  pictured(count: number): Promise<void>;
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
      (value) => port.postMessage({ id, value } satisfies Reply, method === "formatChunk" ? listBuffers(value) : []),
      (error: unknown) => {
        const known = error instanceof ScoringError;
        const code = known ? error.code : "internal";
        port.postMessage({ id, error: { code, detail: known ? error.detail : String(error) } } satisfies Reply);
      },
    );
  });
}

/** The buffers of what a chunk was formatted to, each once: who sends it has no more use for it. */
export function listBuffers(value: unknown): ArrayBuffer[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the desk's method gives
  const { input, rows, piece } = value as FormattedPiece;
  const arrays = [input, ...Object.values(rows), ...(piece?.body ? [piece.body] : [])];
  return [...new Set(arrays.map(({ buffer }) => buffer))].filter((buffer) => buffer instanceof ArrayBuffer);
}

/** The thread's end of a port to the desk. */
export interface DeskLine {
  /** Its every method is answered at the other end. */
  readonly desk: JobDesk;
  /** Closes the port when all calls were answered, those too that another task made by this line. */
  close(): Promise<void>;
}

/** Connects a thread to the desk at the other end of `port`. */
export function connectDesk(port: MessagePort): DeskLine {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  let answered: (() => void) | null = null;
  port.on("message", (reply: Reply) => {
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("error" in reply) call?.reject(new ScoringError(reply.error.code, reply.error.detail));
    else call?.resolve(reply.value);
    if (waiting.size === 0) answered?.();
  });
  const call = (method: keyof JobDesk, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      port.postMessage({ id: lastId, method, args } satisfies Call);
    });
  return {
    desk: new Proxy({} as JobDesk, {
      get: (_, method: string) =>
        method === "then" ? undefined : (...args: readonly unknown[]) => call(method as keyof JobDesk, args),
    }),
    async close() {
      if (waiting.size > 0) await new Promise<void>((resolve) => (answered = resolve));
      port.close();
    },
  };
}
