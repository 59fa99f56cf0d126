import type { MessagePort } from "node:worker_threads";
import { ScoringError, type ErrorCode } from "../../src/errors.ts";
import type { JobCoordinator } from "../../src/scoring/coordinator-port.ts";

/**
 * The coordinator across threads: arguments and results are plain values, so a call is one message each way. The
 * coordinator itself stays in the main thread, where its rows are.
 */

interface Call {
  readonly id: number;
  readonly method: keyof JobCoordinator;
  readonly args: readonly unknown[];
}

type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly code: ErrorCode; readonly detail: string } };

/** Answers calls that arrive on `port`, until it is closed. */
export function serveCoordinator(port: MessagePort, coordinator: JobCoordinator): void {
  port.on("message", ({ id, method, args }: Call) => {
    const call = coordinator[method] as (...values: readonly unknown[]) => Promise<unknown>;
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

/** A coordinator whose every method is answered at the other end of `port`. */
export function connectCoordinator(port: MessagePort): JobCoordinator {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  port.on("message", (reply: Reply) => {
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("error" in reply) call?.reject(new ScoringError(reply.error.code, reply.error.detail));
    else call?.resolve(reply.value);
  });
  const call = (method: keyof JobCoordinator, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      port.postMessage({ id: lastId, method, args } satisfies Call);
    });
  return new Proxy({} as JobCoordinator, {
    get: (_, method: string) =>
      method === "then" ? undefined : (...args: readonly unknown[]) => call(method as keyof JobCoordinator, args),
  });
}
