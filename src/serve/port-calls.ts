/** Calls from a thread to the main thread: arguments and results are plain values, so a call is one message each way. */

import type { MessagePort } from "node:worker_threads";
import { type ErrorCode, type Issue, ScoringError, toScoringError } from "../errors.ts";

/** What is asked for: a job, its eraser, or the directory; `name` says which job. */
export type CallTarget = "job" | "eraser" | "directory";

/** Answers one call. */
export type Answer = (target: CallTarget, name: string, method: string, args: readonly unknown[]) => Promise<unknown>;

/** An error on its way between threads: a copied `Error` would not be a ScoringError. */
export interface PackedError {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly issues: readonly Issue[];
}

/** A result, or why there is none. */
export type Reply = { readonly value: unknown } | { readonly error: PackedError };

interface Call {
  readonly id: number;
  readonly target: CallTarget;
  readonly name: string;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** The outcome of `work`, ready to be sent. */
export async function packReply(work: Promise<unknown>): Promise<Reply> {
  try {
    return { value: await work };
  } catch (error) {
    const { code, detail, issues } = toScoringError(error);
    return { error: { code, detail, issues } };
  }
}

/** The value of a reply. @throws ScoringError that was packed */
export function openReply(reply: Reply): unknown {
  if ("value" in reply) return reply.value;
  const { code, detail, issues } = reply.error;
  throw new ScoringError(code, detail, { issues });
}

/** Answers the calls that arrive on `port`, until it is closed. */
export function serveCalls(port: MessagePort, answer: Answer): void {
  port.on("message", ({ id, target, name, method, args }: Call) => {
    void packReply(answer(target, name, method, args)).then((reply) => port.postMessage({ id, reply }));
  });
}

/** The thread's end of a port. */
export interface CallLine {
  call(target: CallTarget, name: string, method: string, args: readonly unknown[]): Promise<unknown>;
  close(): void;
}

/** Connects a thread to the answers at the other end of `port`. */
export function connectCalls(port: MessagePort): CallLine {
  const waiting = new Map<number, (reply: Reply) => void>();
  let lastId = 0;
  port.on("message", ({ id, reply }: { readonly id: number; readonly reply: Reply }) => {
    waiting.get(id)?.(reply);
    waiting.delete(id);
  });
  return {
    async call(target, name, method, args) {
      const reply = await new Promise<Reply>((resolve) => {
        lastId += 1;
        waiting.set(lastId, resolve);
        port.postMessage({ id: lastId, target, name, method, args } satisfies Call);
      });
      return openReply(reply);
    },
    close: () => port.close(),
  };
}

/** All methods of a port, each of them as a call. */
/* oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the port */
export function makeRemote<T extends object>(line: CallLine, target: CallTarget, name: string): T {
  const remote = new Proxy(
    {},
    {
      // `await` must not take a remote for a promise.
      get: (_, method: string) =>
        method === "then" ? undefined : (...args: readonly unknown[]) => line.call(target, name, method, args),
    },
  );
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a port of methods that take and give plain values
  return remote as T;
}
