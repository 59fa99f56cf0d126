/** Server-sent events of one job (WHATWG HTML, "Server-sent events"): with ids, resumable, and ended when the job ends. */

import type { JobView } from "../scoring/job/job-view.ts";
import { isEnded } from "../scoring/job/job-status.ts";
import type { Limits } from "../scoring/limits.ts";
import { parseStored } from "../scoring/stored-json.ts";
import type { JobHandle } from "./api-deps.ts";

const BATCH = 100;

/** Streams events after the request's `Last-Event-ID`; a comment keeps idle connections open. */
export function streamEvents(request: Request, job: JobHandle, limits: Limits): Response {
  const encoder = new TextEncoder();
  let last = Number(request.headers.get("last-event-id") ?? 0);
  if (!Number.isSafeInteger(last) || last < 0) last = 0;
  let ended = false;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (ended) {
        controller.close();
        return;
      }
      const events = await job.waitEvents(last, BATCH, limits.eventWaitMs);
      if (events.length === 0) {
        // A resumed stream of an ended job has nothing more to wait for.
        const view = await job.view();
        ended = view === null || isEnded(view.status);
        controller.enqueue(encoder.encode(": waiting\n\n"));
        return;
      }
      let text = "";
      for (const { id, type, data } of events) {
        text += `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;
        last = id;
        if (type === "status" && isEnded(parseStored<JobView>(data).status)) ended = true;
      }
      controller.enqueue(encoder.encode(text));
    },
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}
