/** A job's server-sent events over fetch, so that a bearer key works as well as a cookie (WHATWG HTML, 9.2). */

import { EventSourceParserStream } from "eventsource-parser/stream";
import { mayPass, type ScoringError, toScoringError } from "../errors.ts";
import { isEnded } from "../scoring/job/job-status.ts";
import type { JobView } from "../scoring/job/job-view.ts";

/** One event of a job. */
export interface JobEvent {
  readonly id: string;
  readonly type: string;
  readonly job: JobView;
}

/** One event as it stands in the stream. */
export interface StreamEvent {
  readonly id: string | null;
  readonly type: string;
  readonly data: string;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Yields events until the job has ended or `signal` fires. A broken connection is replaced after a growing pause, with
 * the id of the last event, so that no event is lost or repeated.
 * @param connect opens the stream with the given headers
 * @param told of each connection: why there is none now, or `null` once there is one
 */
export async function* followEvents(
  connect: (headers: Readonly<Record<string, string>>) => Promise<Response>,
  signal: AbortSignal,
  told: (trouble: ScoringError | null) => void = () => undefined,
): AsyncGenerator<JobEvent> {
  let last: string | null = null;
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    try {
      const response = await connect(last === null ? {} : { "last-event-id": last });
      told(null);
      for await (const event of readEvents(response.body)) {
        if (event.id === null) continue;
        last = event.id;
        pauseMs = FIRST_PAUSE_MS;
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server's own schema, held by its tests
        const job = JSON.parse(event.data) as JobView;
        yield { id: last, type: event.type, job };
        if (event.type === "status" && isEnded(job.status)) return;
      }
    } catch (thrown) {
      if (signal.aborted) return;
      const error = toScoringError(thrown);
      if (error.disposition === "request" && !mayPass(error)) throw error;
      told(error);
    }
    await pause(pauseMs, signal);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}

/** Splits a stream into events. Comments and unknown fields are dropped; an unfinished last event is not an event. */
export async function* readEvents(body: Response["body"]): AsyncGenerator<StreamEvent> {
  if (body === null) return;
  const events = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await events.read();
      if (done) return;
      yield { id: value.id ?? null, type: value.event ?? "message", data: value.data };
    }
  } finally {
    await events.cancel().catch(() => undefined);
  }
}

function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, durationMs);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
