/** Deadlines of store calls: a server that hangs, or sends a byte now and then, must not hold up its caller. */

import { ScoringError } from "../errors.ts";

/** How long a call of a store may take. */
export interface StorePace {
  /** Until the answer begins, and for a call that moves no bytes. */
  readonly answerMs: number;
  /** Bytes of a body, sent or received, that must get through in a second, on average. */
  readonly bytesPerSecond: number;
}

/** The deadline of one call, its body included. */
export interface Deadline {
  /** Aborts when the time is over. */
  readonly signal: AbortSignal;
  /** Starts again, for this many bytes on their way. */
  restart(bytes: number): void;
  /** The call is over. */
  end(): void;
  /** What `work` gives. @throws ScoringError `store_timeout` when the time is over, whatever becomes of `work` */
  hold<T>(work: Promise<T>): Promise<T>;
  /** `body`, which ends the deadline once it has been read or given up, and breaks off with `store_timeout`. */
  bound(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array>;
}

const ignore = (): void => undefined;

/**
 * Starts the deadline of a call that sends `bytes`.
 * @param call what is called, for the error
 */
export function startDeadline(pace: StorePace, call: string, bytes = 0): Deadline {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let expire: (error: ScoringError) => void = ignore;
  // No Promise.withResolvers: Node 20 has none.
  const expired = new Promise<never>((_, reject) => {
    expire = reject;
  });
  // Nobody may be waiting for it.
  expired.catch(() => undefined);
  const deadline: Deadline = {
    signal: controller.signal,
    restart(moved) {
      clearTimeout(timer);
      const limitMs = Math.ceil(pace.answerMs + (moved / pace.bytesPerSecond) * 1000);
      timer = setTimeout(() => {
        expire(new ScoringError("store_timeout", `${call} took more than ${limitMs} ms`));
        controller.abort(new DOMException(`${call} took too long`, "TimeoutError"));
      }, limitMs);
    },
    end() {
      clearTimeout(timer);
    },
    hold: (work) => Promise.race([work, expired]),
    bound(body) {
      const reader = body.getReader();
      return new ReadableStream<Uint8Array>(
        {
          async pull(stream) {
            try {
              const { done, value } = await deadline.hold(reader.read());
              if (!done) return stream.enqueue(value);
              deadline.end();
              stream.close();
            } catch (error) {
              deadline.end();
              // A body that hangs would hang while being canceled too.
              reader.cancel(error).catch(() => undefined);
              throw error;
            }
          },
          async cancel(reason) {
            deadline.end();
            await reader.cancel(reason);
          },
        },
        { highWaterMark: 0 },
      );
    },
  };
  deadline.restart(bytes);
  return deadline;
}

/** Runs one call with its deadline from beginning to end; without a pace there is no deadline. */
export async function runPaced<T>(
  pace: StorePace | undefined,
  call: string,
  bytes: number,
  run: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  if (pace === undefined) return run(undefined);
  const deadline = startDeadline(pace, call, bytes);
  try {
    return await deadline.hold(run(deadline.signal));
  } finally {
    deadline.end();
  }
}
