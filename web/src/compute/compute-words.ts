/** What a computing browser says to its reader. */

import type { ErrorCode } from "../../../src/errors.ts";
import type { JobStatus } from "../../../src/scoring/job/job-status.ts";
import { formatCount } from "../../../src/scoring/report/report-format.ts";
import type { ComputeState } from "./compute-state.ts";
import type { EngineChoice, PlainError } from "./messages.ts";
import { ENGINE_NAMES } from "../engine/engine-names.ts";

/** The choices as a reader says them. */
export const CHOICE_NAMES: Readonly<Record<EngineChoice, string>> = {
  auto: "The best that works here",
  webgpu: ENGINE_NAMES.webgpu,
  "fused-wasm": ENGINE_NAMES["fused-wasm"],
  "wasm-threads": ENGINE_NAMES["wasm-threads"],
  wasm: ENGINE_NAMES.wasm,
};

const FAILURES: Partial<Record<ErrorCode, string>> = {
  client_rejected:
    "The server scored some of these faces again and got something else. It took nothing of that chunk, gives this key no more chunks of this job, and scores the rest itself.",
  forbidden: "The server gives this key no chunks of this job.",
  unauthorized: "You were signed out. Sign in to continue.",
  not_found: "The job is gone.",
  conflict: "This job is not open to browsers.",
  engine_unavailable: "No engine works in this browser.",
  unknown_model: "The console has no weights of this job's model.",
  model_hash_mismatch: "The console's weights are not the server's. Load the page again, without its cache.",
};

/** Why it ended early, in a sentence; the error's own words are shown beside it. */
export function describeFailure({ code }: PlainError): string {
  return FAILURES[code] ?? "That did not work.";
}

/** What is happening, in a sentence. @param online whether the browser believes that there is a network @param status the job's */
export function describeState(state: ComputeState, online: boolean, status: JobStatus): string {
  const { phase, waiting, records } = state;
  const faces = records === 1 ? "1 face" : `${formatCount(records)} faces`;
  if (phase === "ended") return `Done: the job needs nobody any more. This browser scored ${faces}.`;
  if (phase === "stopped") return `Stopped. This browser scored ${faces}; what was in hand went back to the server.`;
  if (phase === "failed") return `Ended early. This browser scored ${faces}.`;
  if (!online) return "This machine is offline. Scoring continues by itself when the network is back.";
  if (waiting?.error === null && status === "paused")
    return "The job is paused. Scoring continues once somebody resumes it.";
  if (waiting !== null) return describeWaiting(waiting.error);
  return phase === "starting" ? "Starting an engine, and proving it to the server …" : "Scoring.";
}

function describeWaiting(error: PlainError | null): string {
  if (error === null) return "No chunk is free at the moment. The page asks again every few seconds.";
  if (error.code === "rate_limited") return "The server asks for a pause. Scoring continues by itself.";
  return "The server does not answer. The page asks again, with growing pauses.";
}

/** Why the last chunk went back. */
export function describeReturn({ code, detail }: PlainError): string {
  if (code === "conflict" || code === "forbidden") return "its time had run out: the server scores it";
  return detail;
}
