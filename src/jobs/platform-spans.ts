/**
 * Spans of our own in the platform's traces (developers.cloudflare.com: workers/observability/traces/custom-spans), and the trace that a message
 * was sent in: the platform begins a new trace with every delivery.
 */

import type { tracing as platformTracing } from "cloudflare:workers";
import type { WorkMessage } from "../scoring/job/messages.ts";
import type { Trace } from "../scoring/work/spans.ts";

/** The platform's tracer; `undefined` in runtimes that have none. */
export type Tracing = typeof platformTracing;

/** Begins the name of each span and attribute of ours. */
const PREFIX = "countenance.";
const HEX = /^(?!0+$)[0-9a-f]+$/;

/** Spans in the platform's traces. */
export function createTrace(tracing: Tracing): Trace {
  return (name, body) => tracing?.enterSpan?.(`${PREFIX}${name}`, body) ?? body();
}

/** The span that is active, as W3C Trace Context writes it; `null` where nothing is traced. */
export function readTraceParent(tracing: Tracing): string | null {
  const context = tracing?.getActiveSpan?.()?.spanContext?.();
  if (context === undefined || !HEX.test(context.traceId) || !HEX.test(context.spanId)) return null;
  return `00-${context.traceId}-${context.spanId}-${context.traceFlags === 0 ? "00" : "01"}`;
}

/** Notes on the invocation's own span what it works at, and which invocation sent it here. */
export function markMessage(tracing: Tracing, message: WorkMessage): void {
  const span = tracing?.getActiveSpan?.();
  if (span === undefined) return;
  span.setAttribute(`${PREFIX}work`, message.kind);
  span.setAttribute(`${PREFIX}job`, message.jobId);
  if (message.kind === "score") span.setAttribute(`${PREFIX}chunk`, message.chunkId);
  if (message.trace !== undefined) span.setAttribute(`${PREFIX}sent_by`, message.trace);
}
